/** The blocks after an autoencoder and the head, differentiated by the engine. */
import type { Tensor } from "../backend/types.ts";
import type { TokenBatch } from "../esm2/mod.ts";
import type { Cotangent, TailGradient } from "./gradients.ts";
import type { Tail } from "./tail.ts";

const VOCABULARY = 33;

/** Gradients of a {@link Tail}. */
export class EngineGradient implements TailGradient {
  /** Differentiates a tail. @param tail whose blocks are differentiated */
  constructor(readonly tail: Tail) {}

  /** Gradients of the tail's logits, see {@linkcode TailGradient}. */
  async run(
    batch: TokenBatch,
    hidden: Tensor,
    rows: readonly number[],
    cotangent: Cotangent,
  ): Promise<Tensor> {
    const { esm, place, options: { signal } } = this.tail;
    this.tail.passes += batch.size;
    const upload = (slopes: Float32Array) =>
      esm.backend.upload("cotangent", [rows.length, VOCABULARY], slopes);
    const result = await esm.gradient(batch, {
      from: { depth: place, hidden },
      rows,
      wrt: place,
      cotangent: async (logits) =>
        upload(typeof cotangent === "function" ? cotangent(await logits.read()) : cotangent),
      signal,
    });
    result.logits[Symbol.dispose]();
    return result.gradients.get(place)!;
  }
}
