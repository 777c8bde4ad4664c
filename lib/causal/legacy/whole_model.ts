/** What the whole model answers on the unmasked wild type. */
import { type Esm2, padBatch } from "../../esm2/mod.ts";
import type { Capture } from "../types.ts";
import type { TokenMetric } from "./context_free_tail.ts";

const VOCABULARY = 33;

export class WholeModel {
  /** f32[T, 33] of each protein. */
  readonly #logits = new WeakMap<Capture, Promise<Float32Array>>();

  /** @param depth blocks that have run in captures */
  constructor(readonly esm: Esm2, readonly depth: number, readonly signal?: AbortSignal) {}

  /** The metric at one token. */
  async value(wild: Capture, token: number, { plus, minus }: TokenMetric): Promise<number> {
    let found = this.#logits.get(wild);
    if (!found) this.#logits.set(wild, found = this.#run(wild));
    const row = (await found).subarray(token * VOCABULARY);
    return row[plus] - row[minus];
  }

  async #run({ ids, hidden: data }: Capture): Promise<Float32Array> {
    const { esm, depth, signal } = this;
    const shape = [ids.length, esm.config.dModel];
    using hidden = esm.backend.upload("wild type", shape, data.slice());
    const from = { depth, hidden };
    using result = await esm.run(padBatch([ids]), { from, head: true, signal });
    return await result.logits!.read();
  }
}
