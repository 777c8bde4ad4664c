/** What the page of a protein's scores draws. */
import { packed } from "../../report/page.ts";
import { scaleFor } from "../../report/scale.ts";
import { STATISTICS } from "../evaluate.ts";
import { AMINO_ACIDS, columnOf } from "../letters.ts";
import type { Point } from "../samples.ts";
import type { Labels, ScoredProtein } from "./types.ts";

/** The 20 letters by chemistry: aliphatic, aromatic, special, polar, basic, acidic. */
export const BY_CHEMISTRY = "AVLIMFWYGPCSTNQHKRDE";

/** Letters of a name on the page. */
const NAME = 60;

/** Per cent of the measured values beyond each end of their colours. */
const CLIPPED = 2;

/** Numbers of a protein as the page's module takes them, and its arrays. */
export function scoreData(protein: ScoredProtein, labels: Labels) {
  const { matrix, performance, samples } = protein, { target, scores, entropy } = matrix;
  const known = Array.from(scores).filter((score) => !Number.isNaN(score) && score !== 0);
  const means = Array.from(target.residues, (_, i) => matrix.sensitivity(i + 1));
  const real = means.map((mean, i) => ({ mean, residue: i + 1 }))
    .filter(({ mean }) => !Number.isNaN(mean));
  const isMeasured = performance.length > 0, points = isMeasured ? samples.points : [];
  const others = points.filter((point) => !isLinked(point));
  const data = {
    ...{ letters: BY_CHEMISTRY, columns: AMINO_ACIDS, labels },
    scale: scaleFor(known, "diverging", 1),
    mean: {
      low: Math.min(0, ...range(real.map(({ mean }) => mean))),
      high: Math.max(0, ...range(real.map(({ mean }) => mean))),
    },
    hasEntropy: entropy.some((value) => !Number.isNaN(value)),
    hasScores: real.length > 0,
    isPartial: scores.some(Number.isNaN),
    // What the list of letters is of before anything is chosen.
    first: real.toSorted((a, b) => a.mean - b.mean)[0]?.residue ?? 1,
    measured: isMeasured ? ends(points.filter(isLinked).map(({ measured }) => measured)) : null,
    others: {
      names: others.map(({ name }) => name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name),
      kinds: others.map(({ kind }) => kind[0]).join(""),
    },
    performance: performance.map(({ group, variants, values, intervals }) => ({
      ...{ group, variants },
      values: STATISTICS.map((name) => values[name]),
      low: intervals?.spearman.low ?? NaN,
      high: intervals?.spearman.high ?? NaN,
    })),
  };
  const ordered = [...points.filter(isLinked), ...others];
  const arrays = [
    packed("scores", scores),
    packed("entropy", entropy),
    ordered.length > 0 && [
      packed("points", Float64Array.from(ordered.flatMap((p) => [p.score, p.measured]))),
      packed("cells", Float32Array.from(points.filter(isLinked), cellOf)),
    ],
  ];
  return { data, arrays };
}

export type ScoreData = ReturnType<typeof scoreData>["data"];

/** Whether a point is a cell of the matrix. */
const isLinked = ({ position, to }: Point): boolean => position !== undefined && columnOf(to!) >= 0;

const cellOf = ({ position, to }: Point) => (position! - 1) * AMINO_ACIDS.length + columnOf(to!);

/** Least and largest; none of none. */
function range(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

/** The ends of the measured colours: percentiles, so that outliers do not wash the map out. */
function ends(values: readonly number[]) {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  const low = at(CLIPPED / 100), high = at(1 - CLIPPED / 100);
  return {
    ...(high > low ? { low, high } : { low: low - 0.5, high: low + 0.5 }),
    below: sorted[0] < low,
    above: sorted.at(-1)! > high,
  };
}
