/** What the whole model answers where a residue is masked. */
import { MASK } from "../../esm2/alphabet.ts";
import { type Esm2, padBatch } from "../../esm2/mod.ts";
import { metricValue } from "../metric.ts";
import type { Subject } from "../survey.ts";
import type { CausalProtein } from "../variants.ts";

export class MaskedModel {
  /** f32[33] of each token that was masked, of each protein. */
  readonly #logits = new WeakMap<CausalProtein, Map<number, Promise<Float32Array>>>();

  constructor(readonly esm: Esm2, readonly signal?: AbortSignal) {}

  /** The metric at a subject's mutated residue, which alone is masked. */
  async value({ protein, wild, metric }: Subject): Promise<number> {
    const [{ token }] = metric;
    let known = this.#logits.get(protein);
    if (!known) this.#logits.set(protein, known = new Map());
    let found = known.get(token);
    if (!found) known.set(token, found = this.#run(wild.ids, token));
    return metricValue(metric, await found);
  }

  async #run(ids: Int32Array, token: number): Promise<Float32Array> {
    const { esm, signal } = this, masked = ids.slice();
    masked[token] = MASK;
    const head = { rows: [token], alone: true };
    using result = await esm.run(padBatch([masked]), { head, signal });
    return await result.logits!.read();
  }
}
