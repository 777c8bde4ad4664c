/** Cosines of many vectors with many others: a product on the backend, and the largest of each row. */
import {
  type EncoderTensors,
  saeEncodeGraph,
  selectTopK,
  TopkSaeEncode,
} from "../../kernels/topk_sae_encode/mod.ts";
import type { Backend, Program } from "../backend/mod.ts";
import type { GpuContext, GpuTensor } from "../gpu/mod.ts";
import { unitVectors, type VectorTable } from "./vectors.ts";

/** Cosines that exist at a time. */
const CHUNK_BYTES = 32 * 2 ** 20;

/** Vectors, ready to be compared with others. */
export interface Similarity extends AsyncDisposable {
  /** How many it holds, F. */
  readonly size: number;
  /**
   * Hands out cosines f32[rows, F] of vectors in order, some rows at a time; an array is the visitor's
   * until it returns.
   */
  dense(
    queries: Pick<VectorTable, "values" | "width">,
    visit: (first: number, rows: number, cosines: Float32Array) => void | Promise<void>,
  ): Promise<void>;
  /** The k most similar of each vector, u32[N, k], the nearest first; of equal ones the first. */
  nearest(queries: Pick<VectorTable, "values" | "width">, k: number): Promise<Uint32Array>;
}

/** Puts vectors on a backend, in memory twice their own while it is open. */
export async function openSimilarity(
  references: Pick<VectorTable, "values" | "width">,
  backend: Backend,
): Promise<Similarity> {
  const { width } = references, size = references.values.length / width;
  const weights = {
    wEnc: transposed(unitVectors(references), size, width),
    // A kernel for activations gives nothing below zero; shifted cosines are all above.
    bEnc: new Float32Array(size).fill(SHIFT),
    bPre: new Float32Array(width),
  };
  const { gpu } = backend;
  if (gpu) {
    const kernel = await TopkSaeEncode.create(gpu);
    return new OnDevice(gpu, kernel, kernel.upload(weights), size, width);
  }
  const program = await backend.compile(saeEncodeGraph({ dModel: width, latents: size }, weights));
  return new OnHost(backend, program, size, width);
}

/** Added to every cosine. */
const SHIFT = 2;

abstract class Blocks implements Similarity {
  constructor(readonly size: number, readonly width: number) {}

  async dense(
    queries: Pick<VectorTable, "values" | "width">,
    visit: (first: number, rows: number, cosines: Float32Array) => void | Promise<void>,
  ): Promise<void> {
    for (const [first, rows, unit] of this.#blocks(queries)) {
      const found = await this.shifted(unit, rows);
      for (let i = 0; i < found.length; i++) found[i] -= SHIFT;
      await visit(first, rows, found);
    }
  }

  async nearest(
    queries: Pick<VectorTable, "values" | "width">,
    k: number,
  ): Promise<Uint32Array> {
    const found = new Uint32Array(queries.values.length / this.width * k);
    for (const [first, rows, unit] of this.#blocks(queries)) {
      found.set(await this.largest(unit, rows, k), first * k);
    }
    return found;
  }

  /** Cosines + SHIFT f32[rows, F] of unit vectors, an array of its own. */
  protected abstract shifted(unit: Float32Array, rows: number): Promise<Float32Array>;
  /** u32[rows, k] */
  protected abstract largest(unit: Float32Array, rows: number, k: number): Promise<Uint32Array>;
  abstract [Symbol.asyncDispose](): Promise<void>;

  *#blocks(
    queries: Pick<VectorTable, "values" | "width">,
  ): Generator<[first: number, rows: number, unit: Float32Array]> {
    const { width } = this, count = queries.values.length / width;
    const most = Math.max(1, Math.floor(CHUNK_BYTES / (4 * this.size)));
    for (let first = 0; first < count; first += most) {
      const rows = Math.min(most, count - first);
      const values = queries.values.subarray(first * width, (first + rows) * width);
      yield [first, rows, unitVectors({ values, width })];
    }
  }
}

class OnHost extends Blocks {
  constructor(
    readonly backend: Backend,
    readonly program: Program,
    size: number,
    width: number,
  ) {
    super(size, width);
  }

  protected async shifted(unit: Float32Array, rows: number): Promise<Float32Array> {
    using centred = this.backend.upload("vectors", [rows, this.width], unit);
    const { pre_acts } = await this.program.run({ centred }, { pre_acts: [rows, this.size] });
    using _ = pre_acts;
    return await pre_acts.read();
  }

  protected async largest(unit: Float32Array, rows: number, k: number): Promise<Uint32Array> {
    return selectTopK(await this.shifted(unit, rows), rows, this.size, k).topIndices;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

class OnDevice extends Blocks {
  constructor(
    readonly gpu: GpuContext,
    readonly kernel: TopkSaeEncode,
    readonly vectors: EncoderTensors & Disposable,
    size: number,
    width: number,
  ) {
    super(size, width);
  }

  protected async shifted(unit: Float32Array, rows: number): Promise<Float32Array> {
    const { gpu } = this;
    using preActs = gpu.alloc("cosines", [rows, this.size], "f32");
    using mean = gpu.alloc("mean", [rows], "f32");
    using std = gpu.alloc("std", [rows], "f32");
    using hidden: GpuTensor<"f32"> = gpu.upload("vectors", [rows, this.width], unit);
    await gpu.submit(
      "cosines",
      (encoder) =>
        this.kernel.encodePreActs(encoder, hidden, this.vectors, { preActs, mean, std }, {
          normalisation: "none",
        }),
    );
    const [found] = await gpu.readAll([preActs] as const);
    return found;
  }

  protected async largest(unit: Float32Array, rows: number, k: number): Promise<Uint32Array> {
    const { gpu } = this;
    using result = this.kernel.alloc(rows, this.vectors, k);
    using hidden: GpuTensor<"f32"> = gpu.upload("vectors", [rows, this.width], unit);
    await gpu.submit(
      "nearest",
      (encoder) =>
        this.kernel.encode(encoder, hidden, this.vectors, result, { normalisation: "none" }),
    );
    const [indices] = await gpu.readAll([result.topIndices] as const);
    return indices;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.vectors[Symbol.dispose]();
    return Promise.resolve();
  }
}

/** f32[D, F] of f32[F, D]. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const found = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let d = 0; d < columns; d++) found[d * rows + i] = values[i * columns + d];
  }
  return found;
}
