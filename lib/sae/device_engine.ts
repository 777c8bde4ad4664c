/** Encoding and decoding on a GPU: only the latents that are chosen leave it. */
import {
  type DecoderTensors,
  type LatentTensors,
  SparseDecode,
} from "../../kernels/sparse_decode/mod.ts";
import {
  type EncoderTensors,
  TopkSaeEncode,
  type TopLatents,
  toSparse,
} from "../../kernels/topk_sae_encode/mod.ts";
import type { Backend, Tensor } from "../backend/types.ts";
import type { GpuContext, GpuTensor } from "../gpu/mod.ts";
import type { Encoded, PreActs, SaeEngine } from "./engine.ts";
import { aboveThreshold, joinRows, joinScales } from "./rows.ts";
import type { Sae, SparseLatents, TokenScale } from "./types.ts";

/** Chosen latents on the device; disposing of them frees them. */
export type DeviceLatents = LatentTensors & Disposable;

/** Chosen latents of some tokens take at most this much at a time. */
const CHUNK_BYTES = 32 * 2 ** 20;

/** How many latents are chosen at first where all that are positive count. */
const FIRST_GUESS = 512;

/** Encoding and decoding on a GPU by own kernels. */
export class DeviceEngine implements SaeEngine {
  /** Without k: more than any token so far has had above zero. */
  #most: number;
  #decoder?: DecoderTensors & Disposable;

  private constructor(
    readonly sae: Sae,
    readonly backend: Backend,
    readonly gpu: GpuContext,
    readonly encoding: TopkSaeEncode,
    readonly decoding: SparseDecode,
    readonly encoder: EncoderTensors & Disposable,
  ) {
    this.#most = sae.config.k ?? Math.min(sae.config.latents, FIRST_GUESS);
  }

  /** Copies the autoencoder to the device. */
  static async open(sae: Sae, backend: Backend, gpu: GpuContext): Promise<DeviceEngine> {
    const encoding = await TopkSaeEncode.create(gpu), decoding = await SparseDecode.create(gpu);
    return new DeviceEngine(sae, backend, gpu, encoding, decoding, encoding.upload(sae));
  }

  /** Latents of tokens f32[N, D]. */
  async encode(hidden: Tensor): Promise<Encoded> {
    const { latents } = this.sae.config, [rows] = hidden.shape;
    const parts: SparseLatents[] = [], scales: TokenScale[] = [];
    for (let begin = 0; begin < rows;) {
      const count = Math.min(Math.max(1, Math.floor(CHUNK_BYTES / (8 * this.#most))), rows - begin);
      using chosen = await this.#choose(hidden, begin, count);
      const { topActs, topIndices, mean, std } = chosen;
      const [acts, indices, means, stds] = await this.gpu.readAll(
        [topActs, topIndices, mean, std] as const,
      );
      const top = { topActs: acts, topIndices: indices };
      if (this.#isCut(top, count)) {
        this.#most = Math.min(latents, 2 * this.#most);
        continue;
      }
      parts.push(aboveThreshold(toSparse(top, count, latents), this.sae.threshold));
      scales.push({ mean: means, std: stds });
      begin += count;
    }
    return { latents: joinRows(parts, latents), scale: joinScales(scales) };
  }

  /**
   * The k largest latents of each token, left on the device.
   *
   * @throws {RangeError} if the autoencoder has no k, as their number is not known then
   */
  async encodeOnDevice(hidden: Tensor): Promise<DeviceLatents> {
    if (this.sae.config.k === undefined) {
      throw new RangeError("Cannot keep latents on the device as the autoencoder must have a k");
    }
    return await this.#choose(hidden, 0, hidden.shape[0]);
  }

  /** Pre-activations of tokens f32[N, D]. */
  async preActs(hidden: Tensor): Promise<PreActs> {
    const { latents, normalisation } = this.sae.config, [rows] = hidden.shape;
    const preActs = this.backend.output("pre_acts", [rows, latents]);
    try {
      using mean = this.gpu.alloc("mean", [rows], "f32");
      using std = this.gpu.alloc("std", [rows], "f32");
      const result = { preActs: preActs.gpu! as GpuTensor<"f32">, mean, std };
      await this.gpu.submit(
        "sae pre-activations",
        (encoder) =>
          this.encoding.encodePreActs(encoder, deviceTensor(hidden), this.encoder, result, {
            normalisation,
          }),
      );
      const [means, stds] = await this.gpu.readAll([mean, std] as const);
      return { preActs, scale: { mean: means, std: stds } };
    } catch (error) {
      preActs[Symbol.dispose]();
      throw error;
    }
  }

  /** The residual stream f32[N, D] of latents, plus `addend`. */
  async decode(latents: SparseLatents, scale: TokenScale, addend?: Tensor): Promise<Tensor> {
    const { topActs, topIndices } = toLists(latents), { rows } = latents;
    const shape = [rows, topActs.length / rows];
    using acts = this.gpu.upload("top_acts", shape, topActs);
    using indices = this.gpu.upload("top_indices", shape, topIndices);
    using mean = this.gpu.upload("mean", [rows], scale.mean);
    using std = this.gpu.upload("std", [rows], scale.std);
    return await this.decodeOnDevice({ topActs: acts, topIndices: indices, mean, std }, addend);
  }

  /** The residual stream that latents on the device stand for, f32[N, D]. */
  async decodeOnDevice(latents: LatentTensors, addend?: Tensor): Promise<Tensor> {
    this.#decoder ??= this.decoding.upload(this.sae);
    const decoder = this.#decoder;
    const [rows] = latents.topActs.shape;
    const decoded = this.backend.output("decoded", [rows, this.sae.config.dModel]);
    try {
      await this.gpu.submit("sae decode", (encoder) =>
        this.decoding.encode(
          encoder,
          latents,
          decoder,
          deviceTensor(decoded),
          addend && deviceTensor(addend),
        ));
      return decoded;
    } catch (error) {
      decoded[Symbol.dispose]();
      throw error;
    }
  }

  /** Chooses for rows `begin` to `begin + count` of a stream. */
  async #choose(hidden: Tensor, begin: number, count: number): Promise<DeviceLatents> {
    const { gpu, sae: { config: { dModel, normalisation } } } = this;
    const whole = deviceTensor(hidden);
    // Tensors are bound from their beginning, so that some rows must be a tensor of their own.
    using part = count === hidden.shape[0]
      ? undefined
      : gpu.alloc("hidden rows", [count, dModel], "f32");
    const result = this.encoding.alloc(count, this.encoder, this.#most);
    try {
      await gpu.submit("sae encode", (encoder) => {
        if (part) {
          encoder.copyBufferToBuffer(
            whole.buffer,
            begin * dModel * 4,
            part.buffer,
            0,
            part.byteLength,
          );
        }
        this.encoding.encode(encoder, part ?? whole, this.encoder, result, { normalisation });
      });
      return result;
    } catch (error) {
      result[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether all chosen latents of some token are positive though more might be. */
  #isCut({ topActs }: TopLatents, rows: number): boolean {
    const { k, latents } = this.sae.config, most = this.#most;
    if (k !== undefined || most === latents) return false;
    for (let n = 0; n < rows; n++) if (topActs[(n + 1) * most - 1] > 0) return true;
    return false;
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  [Symbol.asyncDispose](): Promise<void> {
    this.encoder[Symbol.dispose]();
    this.#decoder?.[Symbol.dispose]();
    return Promise.resolve();
  }
}

function deviceTensor({ label, gpu }: Tensor): GpuTensor<"f32"> {
  if (gpu) return gpu as GpuTensor<"f32">;
  throw new Error(`Cannot use "${label}" as it must live on the device`);
}

/** Sparse rows as lists of one length, filled up with zeros. */
function toLists({ rows, offsets, indices, values }: SparseLatents): TopLatents {
  let longest = 1;
  for (let n = 0; n < rows; n++) longest = Math.max(longest, offsets[n + 1] - offsets[n]);
  const topActs = new Float32Array(rows * longest), topIndices = new Uint32Array(rows * longest);
  for (let n = 0; n < rows; n++) {
    topActs.set(values.subarray(offsets[n], offsets[n + 1]), n * longest);
    topIndices.set(indices.subarray(offsets[n], offsets[n + 1]), n * longest);
  }
  return { topActs, topIndices };
}
