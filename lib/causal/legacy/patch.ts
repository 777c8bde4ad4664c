/** The published tool's patches of one pre-activation at a time. */
import type { LatentSpace } from "../latent_space.ts";
import type { Metric } from "../metric.ts";
import type { ContextFreeTail } from "./context_free_tail.ts";
import { LEGACY_CONTROLS, type LegacyControl } from "./mode.ts";
import { decodeInto, type TokenPreActs } from "./survey.ts";

/** One patch and what it did. */
export interface LegacyPatchRow {
  control: LegacyControl;
  latent: number;
  /** Mutant's pre-activation − wild type's, whatever is patched in. */
  delta: number;
  wild: number;
  mutant: number;
  /** The pre-activation that is patched in. */
  value: number;
  baseline: number;
  patched: number;
}

/** Patches the mutated residues, `top` latents for each control. */
export async function legacyPatches(
  tail: ContextFreeTail,
  space: LatentSpace,
  tokens: readonly TokenPreActs[],
  metrics: readonly Metric[],
  top: number,
): Promise<LegacyPatchRow[][]> {
  const { dModel } = space;
  const planned = tokens.map((token) => plan(token, top));
  const total = planned.reduce((sum, { length }) => sum + length, 0);
  if (total === 0) return planned.map(() => []);
  const before = new Float32Array(total * dModel), after = new Float32Array(total * dModel);
  const read: Metric[] = [];
  tokens.forEach((token, t) => {
    const whole = new Float32Array(dModel);
    decodeInto(whole, space, token.wild, token);
    for (const { latent, value } of planned[t]) {
      const at = read.length * dModel, preActs = token.wild.slice();
      preActs[latent] = value;
      before.set(whole, at);
      decodeInto(after.subarray(at, at + dModel), space, preActs, token);
      read.push(metrics[t]);
    }
  });
  // The same place of a batch of the same size: what changes nothing changes nothing, bit for bit.
  const baseline = await tail.values(before, read), patched = await tail.values(after, read);
  let at = 0;
  return planned.map((rows) =>
    rows.map((row) => ({ ...row, baseline: baseline[at], patched: patched[at++] }))
  );
}

function plan(
  { wild, mutant }: TokenPreActs,
  top: number,
): Omit<LegacyPatchRow, "baseline" | "patched">[] {
  const deltas = mutant.map((value, j) => value - wild[j]);
  const order = Array.from(deltas.keys()).sort((a, b) =>
    Math.abs(deltas[b]) - Math.abs(deltas[a]) || a - b
  );
  const least = order.toSorted((a, b) => Math.abs(deltas[a]) - Math.abs(deltas[b]) || a - b);
  return LEGACY_CONTROLS.flatMap((control) =>
    (control === "random" ? least : order).slice(0, top).map((latent) => ({
      control,
      latent,
      delta: deltas[latent],
      wild: wild[latent],
      mutant: mutant[latent],
      value: control === "noop" ? wild[latent] : mutant[latent],
    }))
  );
}
