/** Latents of many proteins, with memory for some of them. */
import {
  defaultTokenBudget,
  displayLetters,
  type Esm2,
  type Sequence,
  visitStreams,
} from "../../esm2/mod.ts";
import { BATCHES_PER_GROUP, groupProteins, type ProteinGroup } from "../../proteins/groups.ts";
import { packUnit, unpackUnit } from "../../run/codec.ts";
import { groupWork } from "../../run/group_work.ts";
import type { Work } from "../../run/run.ts";
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
  /** The same of the model without its adapter, where it has one. */
  readonly before?: SparseLatents;
}

/** How proteins are encoded. */
export interface EncodeOptions {
  /** Tokens that run together. @default 1024 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears the residues done so far. */
  onProgress?: (residues: number) => void;
}

/**
 * Encodes proteins in their order, a window of them at a time: those whose batches are planned
 * together, the same in every run with the same proteins and budget. The letters of each have been
 * checked before.
 */
export async function* encodeWindows(
  esm: Esm2,
  coder: SaeCoder,
  proteins: AsyncIterable<Sequence>,
  { onProgress, ...options }: EncodeOptions = {},
): AsyncGenerator<ProteinLatents[]> {
  let before = 0;
  for await (const window of groupProteins(proteins, groupsOf(esm, options))) {
    yield await encodeWindow(esm, coder, window, {
      ...options,
      onProgress: (done) => onProgress?.(before + done),
    });
    before += window.residues;
  }
}

async function encodeWindow(
  esm: Esm2,
  coder: SaeCoder,
  { members }: ProteinGroup,
  { tokenBudget, signal, onProgress }: EncodeOptions,
): Promise<ProteinLatents[]> {
  const rows = members.map(({ ids }) => ids), found: SparseLatents[] = [];
  let done = 0;
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
  return members.map(({ protein }, i) => withLatents(protein, found[i]));
}

const groupsOf = (
  { backend }: Esm2,
  { tokenBudget = defaultTokenBudget(backend) }: EncodeOptions,
) => ({
  most: BATCHES_PER_GROUP * tokenBudget,
});

const withLatents = ({ id, residues }: Sequence, latents: SparseLatents): ProteinLatents => {
  return { id, letters: displayLetters(residues), latents };
};

/** Makes a unit's bytes of some windows of proteins. */
export interface WindowPacker {
  add(protein: ProteinLatents): void;
  pack(): Uint8Array;
}

/**
 * Encodes proteins in units of one window or several, so that memory is that of one.
 *
 * @param proteins gives them anew at every call
 * @param least tokens of a unit but the last, at least
 * @param packer takes the proteins of one unit
 */
export async function windowWork(
  esm: Esm2,
  coder: SaeCoder,
  proteins: () => AsyncIterable<Sequence>,
  { least = 1, base, ...options }: EncodeOptions & {
    least?: number;
    /** The model without its adapter, whose latents are wanted too. */
    base?: Esm2;
  },
  stack: AsyncDisposableStack,
  packer: () => WindowPacker,
): Promise<Work> {
  const groups = { ...groupsOf(esm, options), proteins, least };
  return await groupWork(groups, stack, async (windows, put, tick) => {
    const own = packer();
    let before = 0;
    for await (const window of windows) {
      const onProgress = (done: number) => tick(before + done);
      const found = await encodeWindow(esm, coder, window, { ...options, onProgress });
      const once = base && await encodeWindow(base, coder, window, options);
      found.forEach((protein, i) =>
        own.add(once ? { ...protein, before: once[i].latents } : protein)
      );
      before += window.residues;
    }
    put(0, own.pack());
  });
}

/** Of a protein. */
type Kept = SparseLatents & { before?: SparseLatents };

/** Keeps the latents of a window of proteins. */
export function latentPacker(): WindowPacker {
  const found: Kept[] = [];
  return {
    add: ({ latents, before }) => found.push(before ? { ...latents, before } : latents),
    pack: () => packUnit(found),
  };
}

/** Proteins beside what {@linkcode latentPacker} kept of them. */
export async function* unpackLatents(
  proteins: AsyncIterable<Sequence>,
  read: (unit: number) => Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): AsyncGenerator<ProteinLatents> {
  let unit = 0, at = 0, found: Kept[] = [];
  for await (const protein of proteins) {
    if (at === found.length) {
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      found = unpackUnit(read(unit++));
      at = 0;
    }
    const { before, ...latents } = found[at++];
    yield { ...withLatents(protein, latents), ...(before && { before }) };
  }
}
