/** The residual stream of many sequences after a number of blocks. */
import { type Esm2, streamRows, visitStreams } from "../../esm2/mod.ts";
import type { Corpus } from "../../train/corpus.ts";
import type { Crop } from "../../train/feed.ts";

export interface ActivationOptions {
  /** Blocks that run, 1 … layers; the stream is read before any final LayerNorm. */
  readonly depth: number;
  /** Whether `<cls>` and `<eos>` count as tokens. */
  readonly specialTokens: boolean;
  /** Tokens of one forward pass, padding included. @default the backend's */
  readonly tokenBudget?: number;
  readonly signal?: AbortSignal;
}

/** f32[N, D] of all tokens of the crops, in no particular but a fixed order. */
export async function readActivations(
  esm: Esm2,
  corpus: Corpus,
  crops: readonly Crop[],
  { depth, specialTokens, tokenBudget, signal }: ActivationOptions,
): Promise<Float32Array> {
  const { dModel } = esm.config, edge = specialTokens ? 0 : 1;
  const rows: Int32Array[] = [];
  for (const { sequence, from, residues } of crops) {
    rows.push(await corpus.tokens(sequence, from, residues));
  }
  const tokens = rows.reduce((sum, row) => sum + row.length - 2 * edge, 0);
  const out = new Float32Array(tokens * dModel);
  let at = 0;
  await visitStreams(esm, rows, [depth], async (stream) => {
    for (const values of await streamRows(stream, { specials: specialTokens })) {
      out.set(values, at);
      at += values.length;
    }
  }, { tokenBudget, signal });
  return out;
}
