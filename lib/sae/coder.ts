/** A sparse autoencoder on a backend. */
import { sparseDecode } from "../../kernels/sparse_decode/mod.ts";
import {
  centreTokens,
  reluToSparse,
  saeEncodeGraph,
  selectTopK,
  toSparse,
} from "../../kernels/topk_sae_encode/mod.ts";
import type { Backend, Program, Tensor } from "../backend/types.ts";
import { joinRows, joinScales } from "./rows.ts";
import type { Sae, SparseLatents, TokenScale } from "./types.ts";

/** Active latents of N tokens, and what decoding needs besides. */
export interface Encoded {
  readonly latents: SparseLatents;
  readonly scale: TokenScale;
}

/** Pre-activations that are computed at a time; what is kept of them is sparse. */
const CHUNK_BYTES = 16 * 2 ** 20;

/**
 * Encodes residual streams and decodes latents.
 *
 * Rows are worked on some at a time, so that memory does not grow with N · F.
 */
export class SaeCoder implements AsyncDisposable {
  readonly #program: Program;
  readonly #weights: { w_enc: Tensor; b_enc: Tensor };

  private constructor(
    readonly sae: Sae,
    readonly backend: Backend,
    program: Program,
    weights: { w_enc: Tensor; b_enc: Tensor },
  ) {
    this.#program = program;
    this.#weights = weights;
  }

  static async open(sae: Sae, backend: Backend): Promise<SaeCoder> {
    const { dModel, latents } = sae.config;
    using weights = new DisposableStack();
    const wEnc = weights.use(backend.upload("w_enc", [dModel, latents], sae.wEnc));
    const bEnc = weights.use(backend.upload("b_enc", [latents], sae.bEnc));
    const program = await backend.compile(saeEncodeGraph(sae.config));
    weights.move();
    return new SaeCoder(sae, backend, program, { w_enc: wEnc, b_enc: bEnc });
  }

  /**
   * The active latents of each token.
   *
   * @param hidden f32[N, D], the residual stream where the autoencoder reads it; stays the caller's
   */
  async encode(hidden: Tensor): Promise<Encoded> {
    const { dModel, latents, k } = this.sae.config;
    const rows = rowsOf(hidden, dModel);
    const values = hidden.data ?? await hidden.read();
    const most = Math.max(1, Math.floor(CHUNK_BYTES / (latents * 4)));
    const parts: SparseLatents[] = [], scales: TokenScale[] = [];
    for (let begin = 0; begin < rows; begin += most) {
      const count = Math.min(most, rows - begin);
      const chunk = values.subarray(begin * dModel, (begin + count) * dModel);
      const { preActs, scale } = await this.#project(chunk, count);
      using _ = preActs;
      const dense = preActs.data ?? await preActs.read();
      parts.push(
        k === undefined
          ? reluToSparse(dense, count, latents)
          : toSparse(selectTopK(dense, count, latents, k), count, latents),
      );
      scales.push(scale);
    }
    return { latents: joinRows(parts, latents), scale: joinScales(scales) };
  }

  /**
   * Pre-activations f32[N, F] of every latent, before any is chosen; the caller disposes of them.
   *
   * @param hidden f32[N, D], stays the caller's
   */
  async preActs(hidden: Tensor): Promise<{ preActs: Tensor; scale: TokenScale }> {
    const rows = rowsOf(hidden, this.sae.config.dModel);
    return await this.#project(hidden.data ?? await hidden.read(), rows);
  }

  /**
   * The residual stream that latents stand for, f32[N, D]; the caller disposes of it.
   *
   * @param addend f32[N, D] added at the end, such as the reconstruction error
   */
  // deno-lint-ignore require-await -- a device decodes asynchronously
  async decode(
    latents: SparseLatents,
    scale: TokenScale,
    addend?: Float32Array,
  ): Promise<Tensor> {
    const decoded = sparseDecode(latents, this.sae, scale, addend);
    return this.backend.upload("decoded", [latents.rows, this.sae.config.dModel], decoded);
  }

  async #project(
    hidden: Float32Array,
    rows: number,
  ): Promise<{ preActs: Tensor; scale: TokenScale }> {
    const { dModel, latents, normalisation } = this.sae.config;
    const { centred, scale } = centreTokens(hidden, this.sae.bPre, normalisation);
    using input = this.backend.upload("centred", [rows, dModel], centred);
    const { pre_acts: preActs } = await this.#program.run(
      { centred: input, ...this.#weights },
      { pre_acts: [rows, latents] },
    );
    return { preActs, scale };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    for (const tensor of Object.values(this.#weights)) tensor[Symbol.dispose]();
  }
}

function rowsOf({ label, shape }: Tensor, dModel: number): number {
  const [rows, width] = shape;
  if (shape.length === 2 && width === dModel) return rows;
  throw new RangeError(
    `Cannot encode "${label}" as it must be [N, ${dModel}]: current value is [${shape}]`,
  );
}
