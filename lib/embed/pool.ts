/** One vector for each protein from the residual stream at some places, in one pass of the model. */
import { PoolRows, poolRows, type RowPool, type RowRange } from "../../kernels/pool_rows/mod.ts";
import type { Backend, Tensor } from "../backend/mod.ts";
import {
  type Esm2,
  type PlannedBatch,
  type StreamPlace,
  type VisitOptions,
  visitStreams,
} from "../esm2/mod.ts";
import type { GpuTensor } from "../gpu/mod.ts";

/**
 * How the tokens of a protein become one vector: the mean or the largest value of its residues
 * (without `<cls>`, `<eos>` and `<pad>`), or the state of `<cls>`.
 */
export const TOKEN_POOLS = ["mean", "cls", "max"] as const;
/** One of {@linkcode TOKEN_POOLS}. */
export type TokenPool = typeof TOKEN_POOLS[number];

/**
 * And the mean of the residues weighted by the attention that they receive, or by a trained score (see
 * {@linkcode PoolHead}).
 */
export const POOLS = [...TOKEN_POOLS, "attention"] as const;
/** One of {@linkcode POOLS}. */
export type Pool = typeof POOLS[number];

/** The largest of one row is that row to the bit; a GPU's quotient by 1 need not be. */
const ROW_POOLS: Readonly<Record<TokenPool, RowPool>> = {
  mean: "mean",
  cls: "largest",
  max: "largest",
};

/** Rows of the residues of each sequence among the B·T of a batch. */
export const residueRanges = ({ lengths, width }: PlannedBatch): RowRange[] =>
  lengths.map((length, b) => [b * width + 1, b * width + length - 1]);

/** Takes the vectors f32[B, D] of a batch. */
type Take = (vectors: Float32Array) => void;

/**
 * Pools the states of one batch where they are: on a host at once, on a GPU without a wait, all vectors
 * being read together in the end.
 */
export class BatchPooler implements Disposable {
  readonly #owned = new DisposableStack();
  readonly #pending: { pooled: GpuTensor<"f32">; take: Take }[] = [];
  readonly #ranges: Readonly<Record<"residues" | "cls", readonly RowRange[]>>;
  /** Uploaded ranges, and weights of 1. */
  readonly #uploaded = new Map<string, GpuTensor>();

  private constructor(
    readonly backend: Backend,
    readonly batch: PlannedBatch,
    readonly kernel: PoolRows | undefined,
  ) {
    this.#ranges = {
      residues: residueRanges(batch),
      cls: batch.lengths.map((_, b) => [b * batch.width, b * batch.width + 1]),
    };
  }

  /** Begins a batch. */
  static async create(backend: Backend, batch: PlannedBatch): Promise<BatchPooler> {
    // Kernels are kept by the context.
    const kernel = backend.gpu && await PoolRows.create(backend.gpu);
    return new BatchPooler(backend, batch, kernel);
  }

  /**
   * Pools f32[B·T, D]; the vectors are there after {@linkcode finish} at the latest.
   *
   * @param weights f32[B·T] of a weighted mean over residues
   */
  async add(state: Tensor, pool: TokenPool, take: Take, weights?: Float32Array): Promise<void> {
    const which = pool === "cls" ? "cls" : "residues", ranges = this.#ranges[which];
    if (!this.kernel) {
      const [, dModel] = state.shape;
      return take(poolRows(state.peek()!, dModel, ranges, ROW_POOLS[pool], weights));
    }
    const gpu = this.backend.gpu!, { size, width } = this.batch;
    const rows = this.#upload(
      which,
      () => gpu.upload("ranges", [size, 2], Uint32Array.from(ranges.flat())),
    ) as GpuTensor<"u32">;
    const shares = weights
      ? this.#owned.use(gpu.upload("weights", [size * width], weights))
      : this.#upload("ones", () =>
        gpu.upload("weights", [size * width], new Float32Array(size * width).fill(1))) as GpuTensor<
          "f32"
        >;
    const source = state.gpu as GpuTensor<"f32">;
    const pooled = this.#owned.use(this.kernel.alloc(source, rows));
    this.#pending.push({ pooled, take });
    await gpu.submit("pool", (encoder) =>
      this.kernel!.encode(
        encoder,
        { state: source, weights: shares, ranges: rows, pooled },
        ROW_POOLS[pool],
      ));
  }

  /** Hands out the vectors that are still on the device. */
  async finish(): Promise<void> {
    if (this.#pending.length === 0) return;
    const all = await this.backend.gpu!.readAll(this.#pending.map(({ pooled }) => pooled));
    this.#pending.forEach(({ take }, i) => take(all[i] as Float32Array));
    this.#pending.length = 0;
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  #upload(key: string, make: () => GpuTensor): GpuTensor {
    const known = this.#uploaded.get(key) ?? this.#owned.use(make());
    this.#uploaded.set(key, known);
    return known;
  }
}

/** What is pooled, and how sequences run. */
export interface PoolOptions extends Omit<VisitOptions, "watch"> {
  /** Where the stream is read, each once. */
  places: readonly StreamPlace[];
  /** How it is pooled. @default mean */
  pools?: readonly TokenPool[];
}

/**
 * Runs sequences once and hands out one vector f32[D] for each of them, place and pool. Sequences of
 * similar length run together, and a protein's vectors are its own, whatever stands beside it, to the
 * rounding of the model's products of another size.
 *
 * @param rows token ids of each sequence, with `<cls>` and `<eos>`
 * @param visit hears of each once, batch by batch; the vector is the caller's
 */
export async function pooledStreams(
  esm: Esm2,
  rows: readonly Int32Array[],
  { places, pools = ["mean"], ...options }: PoolOptions,
  visit: (row: number, place: StreamPlace, pool: TokenPool, vector: Float32Array) => void,
): Promise<void> {
  const { dModel } = esm.config;
  let pooler: BatchPooler;
  await visitStreams(esm, rows, places, async ({ place, hidden, batch }) => {
    for (const pool of pools) {
      await pooler.add(hidden, pool, (vectors) => {
        batch.members.forEach((row, b) =>
          visit(row, place, pool, vectors.slice(b * dModel, (b + 1) * dModel))
        );
      });
    }
  }, {
    ...options,
    async watch(batch) {
      const own = pooler = await BatchPooler.create(esm.backend, batch);
      return {
        end: () => own.finish(),
        [Symbol.asyncDispose]: () => Promise.resolve(own[Symbol.dispose]()),
      };
    },
  });
}
