/** Latents of many proteins, with memory for some of them. */
import {
  defaultTokenBudget,
  displayLetters,
  type Esm2,
  type Sequence,
  tokenize,
  visitStreams,
} from "../../esm2/mod.ts";
import type { SaeCoder } from "../coder.ts";
import { sliceRows } from "../rows.ts";
import { placeOf, type SparseLatents } from "../types.ts";

/** The latents of one protein, without `<cls>` and `<eos>`. */
export interface ProteinLatents {
  /** Its name. */
  readonly id: string;
  /** One character per residue; `_` stands for `<mask>`. */
  readonly letters: string;
  /** One row per residue. */
  readonly latents: SparseLatents;
}

/** How proteins are encoded. */
export interface EncodeOptions {
  /** Tokens that run together. @default 1024 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears the residues done so far. */
  onProgress?: (residues: number) => void;
  /** Windows at the start that need not be encoded again. @default 0 */
  from?: number;
}

/** Sequences of similar length are looked for among so many batches' tokens. */
const BATCHES_PER_WINDOW = 8;

/**
 * Encodes proteins in their order, a window of them at a time: those whose batches are planned
 * together, the same in every run with the same proteins and budget. The letters of each have been
 * checked before.
 */
export async function* encodeWindows(
  esm: Esm2,
  coder: SaeCoder,
  proteins: AsyncIterable<Sequence>,
  { tokenBudget = defaultTokenBudget(esm.backend), signal, onProgress, from = 0 }: EncodeOptions =
    {},
): AsyncGenerator<ProteinLatents[]> {
  let done = 0, number = 0;
  for await (const window of windows(proteins, BATCHES_PER_WINDOW * tokenBudget)) {
    signal?.throwIfAborted();
    const rows = window.map(({ ids }) => ids);
    if (number++ < from) {
      done += rows.reduce((sum, { length }) => sum + length - 2, 0);
      continue;
    }
    const found: SparseLatents[] = [];
    await visitStreams(esm, rows, [placeOf(coder.sae.config)], async ({ hidden, batch }) => {
      const { latents } = await coder.encode(hidden);
      batch.members.forEach((member, b) => {
        // Without <cls>, <eos> and the padding behind it.
        const begin = b * batch.width + 1, count = batch.lengths[b] - 2;
        found[member] = sliceRows(latents, begin, begin + count);
        done += count;
      });
      onProgress?.(done);
    }, { tokenBudget, signal });
    yield window.map(({ protein }, i) => ({
      id: protein.id,
      letters: displayLetters(protein.residues),
      latents: found[i],
    }));
  }
}

interface Member {
  protein: Sequence;
  ids: Int32Array;
}

async function* windows(
  proteins: AsyncIterable<Sequence>,
  mostTokens: number,
): AsyncGenerator<Member[]> {
  let window: Member[] = [], tokens = 0;
  for await (const protein of proteins) {
    const ids = tokenize(protein, { maxLength: Infinity });
    if (window.length > 0 && tokens + ids.length > mostTokens) {
      yield window;
      window = [];
      tokens = 0;
    }
    window.push({ protein, ids });
    tokens += ids.length;
  }
  if (window.length > 0) yield window;
}
