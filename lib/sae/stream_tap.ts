/** The residual stream where an autoencoder reads it, and the model from there on. */
import type { Program, Tensor } from "../backend/types.ts";
import { TOKENS } from "../esm2/alphabet.ts";
import { LM_HEAD_WEIGHTS, lmHeadGraph } from "../esm2/head.ts";
import { embed } from "../esm2/inputs.ts";
import type { Esm2, TokenBatch } from "../esm2/mod.ts";
import type { SaeConfig } from "./types.ts";

/** How sequences run. */
export interface TapOptions {
  /** Whether token dropout's factor scales the embeddings. @default as the model was opened */
  tokenDropout?: boolean;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Runs sequences up to where an autoencoder reads, and hands its states out. */
export class StreamTap implements AsyncDisposable {
  #lmHead?: Program;

  /** Prepares the runs. @param sae says where it reads */
  constructor(
    readonly esm: Esm2,
    readonly config: Pick<SaeConfig, "depth" | "afterFinalNorm">,
  ) {}

  /** The stream f32[B·T, D] that the autoencoder reads; the caller disposes of it. */
  async read(batch: TokenBatch, { tokenDropout, signal }: TapOptions = {}): Promise<Tensor> {
    const { esm, config: { depth: wanted, afterFinalNorm } } = this;
    using embedding = tokenDropout === undefined ? undefined : this.#embed(batch, tokenDropout);
    const result = await esm.run(batch, {
      ...(embedding && { from: { depth: 0, hidden: embedding } }),
      head: afterFinalNorm,
      signal,
      visitor: {
        hidden: ({ depth, stop }) => {
          if (depth === wanted) stop();
        },
      },
    });
    if (!afterFinalNorm) return result.hidden;
    result.hidden[Symbol.dispose]();
    result.logits![Symbol.dispose]();
    return result.normalised!;
  }

  /**
   * Logits f32[B·T, 33] of the model run on from a stream; the caller disposes of them.
   *
   * @param hidden f32[B·T, D] in place of what `read` gives, stays the caller's
   */
  async logits(batch: TokenBatch, hidden: Tensor, signal?: AbortSignal): Promise<Tensor> {
    if (this.config.afterFinalNorm) return await this.#headOf(hidden);
    const result = await this.esm.run(batch, {
      from: { depth: this.config.depth, hidden },
      head: true,
      signal,
    });
    result.hidden[Symbol.dispose]();
    result.normalised![Symbol.dispose]();
    return result.logits!;
  }

  async #headOf(normalised: Tensor): Promise<Tensor> {
    const { config, backend, weights } = this.esm;
    this.#lmHead ??= await backend.compile(lmHeadGraph(config));
    using all = await weights.head();
    const own = Object.fromEntries(LM_HEAD_WEIGHTS.map((name) => [name, all.tensors[name]]));
    const { logits } = await this.#lmHead.run(
      { normalised, ...own },
      { logits: [normalised.shape[0], TOKENS.length] },
    );
    return logits;
  }

  #embed(batch: TokenBatch, tokenDropout: boolean): Tensor {
    const { backend, embedding, config: { dModel } } = this.esm;
    const data = embed(batch, embedding, dModel, tokenDropout);
    return backend.upload("embedding", [batch.size * batch.width, dModel], data);
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lmHead?.[Symbol.asyncDispose]();
  }
}
