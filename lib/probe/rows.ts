/** Rows of features, some at a time, and the same with mean 0 and deviation 1. */
import type { Backend, Tensor } from "../backend/types.ts";

/** Some rows that follow each other. */
export interface RowBlock {
  /** Number of the first. */
  readonly begin: number;
  /** How many. */
  readonly rows: number;
  /** f32[rows, width]; the reader's until the next block is asked for. */
  readonly data: Float32Array;
}

/** Rows that can be read again and again, in the same order. */
export interface FeatureRows {
  /** Features of a row. */
  readonly width: number;
  /** Rows. */
  readonly count: number;
  /** All rows from the first. */
  blocks(): AsyncIterable<RowBlock> | Iterable<RowBlock>;
}

/** Bytes of a block. */
const BLOCK_BYTES = 16 << 20;
/** Bytes of standardised rows that are kept; more are read anew at every pass. */
export const HELD_BYTES = 192 << 20;

/** Rows that a block of some width has at most. */
export const blockRows = (width: number): number =>
  Math.max(64, Math.floor(BLOCK_BYTES / (4 * width)));

/** Rows of a matrix at hand. @param data f32[count, width] */
export function matrixRows(data: Float32Array, width: number): FeatureRows {
  const count = data.length / width, most = blockRows(width);
  return {
    width,
    count,
    *blocks() {
      for (let begin = 0; begin < count; begin += most) {
        const rows = Math.min(most, count - begin);
        yield { begin, rows, data: data.subarray(begin * width, (begin + rows) * width) };
      }
    },
  };
}

/** Rows that belong to things one after another, read thing by thing. */
export function rowsOf(
  width: number,
  things: readonly number[],
  countOf: (thing: number) => number,
  read: (thing: number) => Float32Array,
): FeatureRows {
  const most = blockRows(width), count = things.reduce((sum, thing) => sum + countOf(thing), 0);
  return {
    width,
    count,
    *blocks() {
      const data = new Float32Array(Math.min(most, count) * width);
      let begin = 0, filled = 0;
      for (const thing of things) {
        const own = read(thing);
        for (let at = 0; at < own.length;) {
          const taken = Math.min(own.length - at, data.length - filled);
          data.set(own.subarray(at, at + taken), filled);
          at += taken;
          filled += taken;
          if (filled < data.length) continue;
          const rows = filled / width;
          yield { begin, rows, data };
          begin += rows;
          filled = 0;
        }
      }
      if (filled > 0) yield { begin, rows: filled / width, data: data.subarray(0, filled) };
    },
  };
}

/** What turns features into standardised ones. */
export interface Scale {
  /** Of each feature over the rows learnt from. */
  readonly mean: Float64Array;
  /** Population standard deviation; 0 of a feature that is constant. */
  readonly sd: Float64Array;
}

/** Mean and standard deviation of each feature, in double precision. */
export async function scaleOf(rows: FeatureRows): Promise<Scale> {
  const { width } = rows, sum = new Float64Array(width), squares = new Float64Array(width);
  // Sums about the first row, which is near the mean as numbers go.
  let centre: Float64Array | undefined, count = 0;
  for await (const block of rows.blocks()) {
    centre ??= Float64Array.from(block.data.subarray(0, width));
    for (let r = 0; r < block.rows; r++) {
      for (let d = 0, at = r * width; d < width; d++, at++) {
        const x = block.data[at] - centre[d];
        sum[d] += x;
        squares[d] += x * x;
      }
    }
    count += block.rows;
  }
  const mean = sum.map((s, d) => (centre?.[d] ?? 0) + s / count);
  const sd = squares.map((s, d) => {
    const variance = s / count - (sum[d] / count) ** 2;
    // What rounding of single precision leaves of a constant is no variance.
    return variance > (1e-6 * Math.abs(mean[d])) ** 2 ? Math.sqrt(variance) : 0;
  });
  return { mean, sd };
}

/** Standardises rows in place; constant features become 0. */
export function standardise(data: Float32Array, { mean, sd }: Scale): void {
  const width = mean.length, factor = sd.map((s) => s === 0 ? 0 : 1 / s);
  for (let at = 0; at < data.length; at += width) {
    for (let d = 0; d < width; d++) data[at + d] = (data[at + d] - mean[d]) * factor[d];
  }
}

/** Standardised rows on a backend: kept there where they are few, else read anew at every pass. */
export class Design implements Disposable {
  readonly #kept: { begin: number; x: Tensor }[] = [];

  private constructor(
    readonly backend: Backend,
    readonly rows: FeatureRows,
    readonly scale: Scale,
  ) {}

  /** @param held bytes that may be kept */
  static async create(
    backend: Backend,
    rows: FeatureRows,
    scale: Scale,
    held = HELD_BYTES,
  ): Promise<Design> {
    const design = new Design(backend, rows, scale);
    if (4 * rows.count * rows.width <= held) {
      for await (const block of rows.blocks()) design.#kept.push(design.#upload(block));
    }
    return design;
  }

  #upload({ begin, rows, data }: RowBlock): { begin: number; x: Tensor } {
    const own = data.slice();
    standardise(own, this.scale);
    return { begin, x: this.backend.upload("features", [rows, this.rows.width], own) };
  }

  /** Hands out all rows, f32[n, D] at a time. */
  async each(use: (x: Tensor, begin: number) => Promise<void>): Promise<void> {
    if (this.#kept.length > 0) {
      for (const { begin, x } of this.#kept) await use(x, begin);
      return;
    }
    for await (const block of this.rows.blocks()) {
      const { begin, x } = this.#upload(block);
      using own = x;
      await use(own, begin);
    }
  }

  [Symbol.dispose](): void {
    for (const { x } of this.#kept) x[Symbol.dispose]();
    this.#kept.length = 0;
  }
}
