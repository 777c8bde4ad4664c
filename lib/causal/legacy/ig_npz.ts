/** Attributions of one mutation in the published tool's archive. */
import { NpzWriter } from "../../io/npz.ts";
import { residueOf } from "../../variants/resolve.ts";
import type { ExplanationRecord } from "../explain_record.ts";
import type { Explained } from "../survey.ts";
import { legacyProtein } from "./tables.ts";

/** Attributions of one mutation at one layer. */
export interface LegacyIgResult extends Explained {
  esmScore: number;
  /** The explanation's figures, and the nodes that the report shows. */
  record: ExplanationRecord;
  /** f32[F] */
  effects: Float32Array;
}

export const legacyIgName = (name: string, { variant, layer }: LegacyIgResult): string =>
  `${name}_${variant.name}_layer${layer}_ig.npz`;

/** Summed magnitudes, and the share of the 20 largest; NaN where all are 0. */
export function legacyIgSummary({ effects }: LegacyIgResult): {
  total: number;
  topFraction: number;
} {
  const all = sum(effects.map(Math.abs));
  const top = sum(pick(effects, byMagnitude(effects, 20)).map(Math.abs));
  return { total: sum(effects), topFraction: top / all };
}

/** Writes the archive: the fields, types and order of the tool's own. */
export async function writeLegacyIg(path: string, result: LegacyIgResult): Promise<void> {
  const { protein, variant, layer, esmScore, record: { baseline }, effects } = result;
  const { position, from, to } = variant.substitutions[0];
  const { total, topFraction } = legacyIgSummary(result);
  await using npz = await NpzWriter.create(path);
  const whole = (name: string, value: number) =>
    npz.add(name, { shape: [], data: BigInt64Array.of(BigInt(value)) });
  const real = (name: string, value: number) =>
    npz.add(name, { shape: [], data: Float64Array.of(value) });
  const ranked = async (name: string, order: readonly number[]) => {
    const shape = [order.length];
    await npz.add(`${name}_indices`, { shape, data: BigInt64Array.from(order, BigInt) });
    await npz.add(`${name}_effects`, { shape, data: pick(effects, order) });
  };
  await npz.addText("protein", legacyProtein(protein.target.id));
  await npz.addText("mutation", variant.name);
  await whole("position", residueOf(position, protein.target));
  await npz.addText("wt_aa", from);
  await npz.addText("mut_aa", to);
  await whole("layer", layer);
  await real("dms_score", variant.measured);
  await real("esm_score", esmScore);
  await real("baseline_score", baseline);
  await ranked("top_20_abs", byMagnitude(effects, 20));
  await ranked("top_10_pos", sorted(effects, (a, b) => b - a, 10));
  await ranked("top_10_neg", sorted(effects, (a, b) => a - b, 10));
  await real("total_effect", total);
  await real("top_20_fraction", topFraction);
  await npz.add("all_effects", { shape: [effects.length], data: effects });
  await npz.close();
}

const byMagnitude = (effects: Float32Array, count: number) =>
  sorted(effects, (a, b) => Math.abs(b) - Math.abs(a), count);

/** Latents by effect, ties by number. */
function sorted(
  effects: Float32Array,
  compare: (a: number, b: number) => number,
  count: number,
): number[] {
  return Array.from(effects.keys())
    .sort((i, j) => compare(effects[i], effects[j]) || i - j)
    .slice(0, count);
}

const pick = (effects: Float32Array, order: readonly number[]) =>
  Float64Array.from(order, (latent) => effects[latent]);

/** In double precision. */
const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
