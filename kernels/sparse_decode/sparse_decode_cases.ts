/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import { randomValues } from "../topk_sae_encode/topk_sae_encode_cases.ts";
import { type LatentRows, rowsOfTop } from "./types.ts";

export interface DecodeCase {
  name: string;
  /** N */
  tokens: number;
  /** K, entries of a token. */
  entries: number;
  /** F */
  latents: number;
  /** D */
  dModel: number;
}

const named = ([tokens, entries, latents, dModel]: number[]): DecodeCase => ({
  name: `[${tokens}, ${entries}] of ${latents} → ${dModel}`,
  tokens,
  entries,
  latents,
  dModel,
});

export const TEST_CASES: readonly DecodeCase[] = [
  [1, 1, 1, 1],
  [1, 5, 64, 3],
  [2, 3, 7, 31],
  [7, 16, 63, 127],
  [31, 2, 129, 128],
  [63, 7, 16, 65],
  [65, 33, 257, 129],
].map(named);

/** The embedded model, and 650M with the width and k of InterProt for a protein of 412 residues. */
export const BENCH_CASES: readonly DecodeCase[] = [
  [66, 32, 1024, 128],
  [414, 64, 4096, 1280],
].map(named);

/** Least traffic: entries and scale in, every row of the decoder once at most, the result out. */
export function bytes({ tokens, entries, latents, dModel }: DecodeCase): number {
  const rows = Math.min(latents, tokens * entries);
  return 4 * (2 * tokens * entries + 2 * tokens + dModel * (rows + 1 + tokens));
}

/** A product and an addition an entry; bias, scale and mean. */
export function flops({ tokens, entries, dModel }: DecodeCase): number {
  return tokens * dModel * (2 * entries + 3);
}

/** Lists with zeros at their ends, a random decoder and the scale of tokens. */
export function randomDecode({ tokens, entries, latents, dModel }: DecodeCase, seed: number) {
  const stream = new PhiloxStream(seed), count = tokens * entries;
  const topActs = randomValues(count, seed, 4).map((x, i) =>
    i % entries > 0 && i % 7 === 3 ? 0 : Math.abs(x)
  );
  const topIndices = Uint32Array.from({ length: count }, (_, i) => stream.below(latents, i, 1));
  const rows: LatentRows = rowsOfTop({ topActs, topIndices }, tokens, latents);
  return {
    topActs,
    topIndices,
    rows,
    decoder: {
      wDec: randomValues(latents * dModel, seed + 1, 1),
      bPre: randomValues(dModel, seed + 2, 0.3),
    },
    scale: {
      mean: randomValues(tokens, seed + 3, 1),
      std: randomValues(tokens, seed + 4, 3).map((x) => 5 + x),
    },
    addend: randomValues(tokens * dModel, seed + 5, 2),
  };
}
