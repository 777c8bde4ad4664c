/** A sparse autoencoder on a backend. */
import type { Backend, Tensor } from "../backend/types.ts";
import { showAs } from "../display.ts";
import { DeviceEngine } from "./device_engine.ts";
import type { Encoded, PreActs, SaeEngine } from "./engine.ts";
import { HostEngine } from "./host_engine.ts";
import { type Sae, saeText, type SparseLatents, type TokenScale } from "./types.ts";

export type { Encoded, PreActs } from "./engine.ts";

/**
 * Encodes residual streams and decodes latents.
 *
 * Rows are worked on some at a time, so that memory does not grow with N · F.
 */
export class SaeCoder implements AsyncDisposable {
  static {
    showAs<SaeCoder>(this.prototype, {
      text: ({ sae, backend }) => `SaeCoder on ${backend.name} of ${saeText(sae)}`,
    });
  }

  private constructor(
    readonly sae: Sae,
    readonly backend: Backend,
    readonly engine: SaeEngine,
    /** Keeps latents on the GPU; webgpu only. */
    readonly device?: DeviceEngine,
  ) {}

  /**
   * Prepares an autoencoder for a backend.
   *
   * @throws {RangeError} if its sizes do not fit each other
   */
  static async open(sae: Sae, backend: Backend): Promise<SaeCoder> {
    if (!backend.gpu) return new SaeCoder(sae, backend, await HostEngine.open(sae, backend));
    const device = await DeviceEngine.open(sae, backend, backend.gpu);
    return new SaeCoder(sae, backend, device, device);
  }

  /**
   * The active latents of each token.
   *
   * @param hidden f32[N, D], the residual stream where the autoencoder reads it; stays the caller's
   * @throws {RangeError} if it is not [N, D]
   */
  async encode(hidden: Tensor): Promise<Encoded> {
    this.#check("encode", hidden);
    return await this.engine.encode(hidden);
  }

  /**
   * Pre-activations f32[N, F] of every latent, before any is chosen; the caller disposes of them.
   *
   * @param hidden f32[N, D], stays the caller's
   * @throws {RangeError} if it is not [N, D]
   */
  async preActs(hidden: Tensor): Promise<PreActs> {
    this.#check("encode", hidden);
    return await this.engine.preActs(hidden);
  }

  /**
   * The residual stream that latents stand for, f32[N, D]; the caller disposes of it.
   *
   * @param addend f32[N, D] added at the end, such as the reconstruction error; stays the caller's
   * @throws {RangeError} if sizes do not fit
   */
  async decode(latents: SparseLatents, scale: TokenScale, addend?: Tensor): Promise<Tensor> {
    if (addend) this.#check("decode", addend, latents.rows);
    return await this.engine.decode(latents, scale, addend);
  }

  #check(action: string, { label, shape }: Tensor, rows?: number): void {
    const { dModel } = this.sae.config, [found, width] = shape;
    if (shape.length === 2 && width === dModel && (rows ?? found) === found) return;
    throw new RangeError(
      `Cannot ${action} "${label}" as it must be [${rows ?? "N"}, ${dModel}]: ` +
        `current value is [${shape}]`,
    );
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
  }
}
