/** What enters the first block: embeddings after token dropout, rotary tables, padding bias. */
import { Recent } from "../backend/recent.ts";
import type { Backend, Tensor } from "../backend/types.ts";
import { MASK, PAD, TOKENS } from "./alphabet.ts";
import type { TokenBatch } from "./tokenize.ts";

/** Share of residues masked in training, times the share of those shown as `<mask>`. */
const TRAINED_MASK_RATIO = 0.15 * 0.8;

/** Finite, because a row whose every score is −∞ would be NaN. */
const HIDDEN_SCORE = -3.4028234663852886e38;

/** What token dropout multiplies a sequence's embeddings by. @param length tokens without padding */
export function dropoutScale(row: Int32Array, length: number, tokenDropout: boolean): number {
  if (!tokenDropout) return 1;
  const masked = row.reduce((n, id) => n + (id === MASK ? 1 : 0), 0);
  return (1 - TRAINED_MASK_RATIO) / (1 - masked / length);
}

/** What each token's row of the table is multiplied by, where it is not zero: the places of a batch in order. */
function eachShare(
  { ids, size, width, lengths }: TokenBatch,
  tokenDropout: boolean,
  see: (place: number, id: number, share: number) => void,
): void {
  for (let b = 0; b < size; b++) {
    const row = ids.subarray(b * width, (b + 1) * width);
    const share = dropoutScale(row, lengths[b], tokenDropout);
    row.forEach((id, t) => {
      if (id !== PAD && !(tokenDropout && id === MASK)) see(b * width + t, id, share);
    });
  }
}

/**
 * Embeddings f32[B·T, D] of a batch.
 *
 * With token dropout (fair-esm `esm2.py`, on in every ESM-2) `<mask>` rows are zero and each sequence
 * is scaled by (1 − 0.12) / (1 − m), m its share of `<mask>` among its tokens. `<pad>` rows are zero.
 *
 * @param table f32[33, D]
 */
export function embed(
  batch: TokenBatch,
  table: Float32Array,
  dModel: number,
  tokenDropout: boolean,
): Float32Array {
  const out = new Float32Array(batch.size * batch.width * dModel);
  eachShare(batch, tokenDropout, (place, id, share) => {
    const source = id * dModel, target = place * dModel;
    for (let d = 0; d < dModel; d++) out[target + d] = table[source + d] * share;
  });
  return out;
}

/** The same as a matrix f32[B·T, 33] that the table is multiplied by: a row has at most one value. */
export function tokenShares(batch: TokenBatch, tokenDropout: boolean): Float32Array {
  const vocabulary = TOKENS.length;
  const out = new Float32Array(batch.size * batch.width * vocabulary);
  eachShare(batch, tokenDropout, (place, id, share) => out[place * vocabulary + id] = share);
  return out;
}

export interface RotaryTables {
  queryCos: Float32Array;
  querySin: Float32Array;
  keyCos: Float32Array;
  keySin: Float32Array;
}

/**
 * Rotary tables f32[B, T, d/2], computed in double precision; the queries' carry the factor d^-½.
 *
 * @param invFreq f32[d/2] as the checkpoint stores it
 */
export function rotaryTables(
  invFreq: Float32Array,
  batch: number,
  width: number,
): RotaryTables {
  const half = invFreq.length, queryScale = (2 * half) ** -0.5;
  const keyCos = new Float32Array(batch * width * half), keySin = keyCos.slice();
  const queryCos = keyCos.slice(), querySin = keyCos.slice();
  for (let t = 0; t < width; t++) {
    for (let i = 0; i < half; i++) {
      const at = t * half + i, angle = t * invFreq[i];
      const cos = Math.cos(angle), sin = Math.sin(angle);
      keyCos[at] = cos;
      keySin[at] = sin;
      queryCos[at] = cos * queryScale;
      querySin[at] = sin * queryScale;
    }
  }
  for (const table of [queryCos, querySin, keyCos, keySin]) {
    for (let b = 1; b < batch; b++) table.copyWithin(b * width * half, 0, width * half);
  }
  return { queryCos, querySin, keyCos, keySin };
}

/** Sizes of batches whose tables are remembered. */
const MOST_TABLES = 4;

/** Rotary tables on a device, as graphs of blocks name them. */
export type RotaryTensors = Readonly<
  Record<"query_cos" | "query_sin" | "key_cos" | "key_sin", Tensor>
>;

/**
 * Tables of the batches run last: sines of a short sequence take a hundredth of its run, and on a GPU the same
 * buffers find the commands that were encoded with them before.
 */
export class RotaryCache implements Disposable {
  readonly #tables = new Recent<string, RotaryTensors>(
    MOST_TABLES,
    (tables) => Object.values(tables).forEach((tensor) => tensor[Symbol.dispose]()),
  );

  /** How many are remembered. */
  get count(): number {
    return this.#tables.count;
  }

  constructor(readonly invFreq: Float32Array, readonly backend: Pick<Backend, "uploadSpare">) {}

  /** The tables, which nobody changes; the cache's, at least until those of another batch are asked for. */
  of(batch: number, width: number): RotaryTensors {
    return this.#tables.of(`${batch} ${width}`, () => this.#make(batch, width));
  }

  [Symbol.dispose](): void {
    this.#tables[Symbol.dispose]();
  }

  #make(batch: number, width: number): RotaryTensors {
    const { queryCos, querySin, keyCos, keySin } = rotaryTables(this.invFreq, batch, width);
    const shape = [batch, width, this.invFreq.length];
    const upload = (name: string, data: Float32Array) =>
      this.backend.uploadSpare(name, shape, data);
    return {
      query_cos: upload("query_cos", queryCos),
      query_sin: upload("query_sin", querySin),
      key_cos: upload("key_cos", keyCos),
      key_sin: upload("key_sin", keySin),
    };
  }
}

/** f32[B, 1, 1, T]: zero for tokens, the lowest float for padding. */
export function paddingBias({ size, width, lengths }: TokenBatch): Float32Array {
  const bias = new Float32Array(size * width);
  for (let b = 0; b < size; b++) bias.fill(HIDDEN_SCORE, b * width + lengths[b], (b + 1) * width);
  return bias;
}
