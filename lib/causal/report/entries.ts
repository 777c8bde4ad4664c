/** What the page draws of each mutation at each layer: nodes, what they are compared with, curves. */
import { percent } from "../../report/client/numbers.js";
import { MOST_DRAWN } from "../../report/page.ts";
import { scaleFor } from "../../report/scale.ts";
import { spreadOf } from "../../report/spread.ts";
import { effectOf } from "../explain.ts";
import { layersOf } from "../tables.ts";
import { changeOf, FINDINGS, largest } from "./finding.ts";
import { keyOf, plural } from "./names.ts";
import type {
  AttributionView,
  CircuitView,
  CurveView,
  Explained,
  MutationView,
  NodeView,
  PatchKindView,
  PatchView,
} from "./types.ts";

/** Rows of maps, of lists of nodes, and nodes of a page. */
const MOST_ROWS = 20, MOST_LISTED = 20, MOST_NODES = 16_000;
/** Mutations at layers of a page. */
export const MOST_ENTRIES = 60;

/** Points of a row of strips: a value, and of a latent where it was, how far it moved, what it stands beside. */
type Point = readonly (number | null)[];

export interface Group {
  name: string;
  /** Name of the value, as the tables have it. */
  fact: string;
  points: readonly Point[];
  low?: number;
  high?: number;
  stem?: boolean;
  colour?: string;
  hollow?: boolean;
}

export interface Curve {
  name: string;
  colour: string;
  points: readonly (readonly [number, number])[];
  low?: readonly number[];
  high?: readonly number[];
  dashed?: boolean;
  dots?: boolean;
  chance?: number;
}

/** A mutation at a layer, as the page's module takes it. */
export interface Entry {
  mutation: string;
  layer: number;
  /** Mutated residues, 1-based. */
  marks: readonly number[];
  answer: string;
  method: string;
  /** Latents with a row in the map, −1 the error terms, largest first. */
  rows: readonly number[];
  /** Latent, token, then the columns of `PageData`. */
  nodes: readonly (readonly number[])[];
  /** Nodes with a row in the list, in its order. */
  listed: readonly number[];
  /** What of all is shown. */
  held: string;
  /** Where the scale of colours ends. */
  cap: number;
  groups: readonly Group[];
  reference?: number;
  curves: readonly Curve[];
}

/** What differs between the kinds of results; columns are named as in the tables, the effect first. */
export interface Kind<R extends MutationView> {
  columns: readonly string[];
  /** Of the effects at a residue their sum, or where they do not add up the largest. */
  combine: "sum" | "largest";
  /** By which mutations are ranked. */
  weight(result: R): number;
  entry(
    result: R,
    budget: number,
  ): Omit<Entry, "mutation" | "layer" | "marks" | "answer" | "method">;
  finding(results: readonly R[], metric: string): { answer: string; method?: string };
}

const explainedColumns = ["attribution", "delta", "share"];
const explainedWeight = (result: Explained) => Math.abs(effectOf(result));

export const PATCH: Kind<PatchView> = {
  columns: [
    ...["change", "delta", "baseline_score", "patched_score"],
    ...["wild_type_activation", "mutant_activation"],
  ],
  combine: "largest",
  weight: ({ rows }) => largest(rows),
  entry({ rows }, budget) {
    const nodes = rows.filter(({ kind }) => kind === "real").map((row) => [
      ...[row.latent, row.token, changeOf(row), row.delta, row.baseline, row.patched],
      ...[row.wildActivation, row.mutantActivation],
    ]);
    const shown = showNodes(nodes, budget, (values) => Math.max(...values.map(Math.abs)));
    return {
      ...shown,
      held: shown.nodes.length < nodes.length
        ? `The ${shown.nodes.length} largest changes of ${nodes.length}; the tables have all.`
        : "",
      groups: PATCH_GROUPS.flatMap(({ kind, ...group }) => {
        const own = rows.filter((row) => row.kind === kind);
        return own.length === 0 ? [] : [{
          ...group,
          name: kind === "all" ? `all ${own[0].latents} at once` : group.name,
          fact: "change",
          points: spread(own, changeOf).map((row) => [
            ...[changeOf(row), row.latent, row.token, row.delta, row.matches].map(known),
            ...(kind === "set" ? [row.latents] : []),
          ]),
        }];
      }),
      curves: [],
    };
  },
  finding: FINDINGS.patch,
};

/** Kinds of patches in the order of the page. */
export const PATCH_GROUPS: readonly {
  kind: PatchKindView;
  name: string;
  colour: string;
  hollow?: boolean;
}[] = [
  { kind: "real", name: "one latent at a time", colour: "blue" },
  { kind: "set", name: "the farthest at once", colour: "green" },
  { kind: "all", name: "all at once", colour: "green" },
  { kind: "random", name: "random, similar move", colour: "orange", hollow: true },
  { kind: "displaced", name: "any latent, as far", colour: "orange", hollow: true },
  { kind: "stable", name: "least changed latents", colour: "grey", hollow: true },
  { kind: "noop", name: "no change", colour: "grey", hollow: true },
];

export const IG: Kind<AttributionView> = {
  columns: explainedColumns,
  combine: "sum",
  weight: explainedWeight,
  entry(result, budget) {
    return {
      ...explainedNodes(result, budget),
      groups: sums(result),
      curves: concentrationCurves([result]),
    };
  },
  finding: FINDINGS.ig,
};

export const CIRCUIT: Kind<CircuitView> = {
  columns: [...explainedColumns, "rank"],
  combine: "sum",
  weight: explainedWeight,
  entry(result, budget) {
    const { faithfulness, completeness, byMagnitude, random, size, share } = result;
    const { mean, sd, most } = random;
    const one = (name: string, fact: string, value: number, more: Partial<Group> = {}) => ({
      ...{ name, fact, points: [[known(value)]], stem: true, ...more },
    });
    return {
      ...explainedNodes(result, budget, true),
      groups: [
        one("the circuit", "faithfulness", faithfulness),
        one("nodes that move most", "magnitude_faithfulness", byMagnitude.faithfulness, {
          colour: "orange",
        }),
        ...(Number.isNaN(mean) ? [] : [
          one("as many at random", "random_faithfulness", mean, {
            ...{ colour: "ink", low: mean - sd, high: mean + sd },
          }),
          one("highest at random", "random_highest", most, { colour: "grey", hollow: true }),
        ]),
        one("everything else", "completeness", completeness, { colour: "green" }),
      ],
      reference: share,
      curves: [
        { ...RANKED, points: measured(result.curve), dots: true, chance: share },
        { ...PLAIN, points: measured(byMagnitude.curve), dots: true },
        ...(Number.isNaN(mean) ? [] : [{
          ...{ name: "as many at random", colour: "grey", dots: true },
          ...{ points: [[size, mean] as const], low: [mean - sd], high: [mean + sd] },
        }]),
        ...(size > 0
          ? [{
            ...{ name: "everything else", colour: "green", dots: true },
            points: [[size, completeness] as const],
          }]
          : []),
      ],
    };
  },
  finding: FINDINGS.circuit,
};

const RANKED = { name: "by attribution", colour: "blue" };
const PLAIN = { name: "by movement alone", colour: "orange", dashed: true };

const measured = (curve: readonly CurveView[]) =>
  curve.filter(({ nodes }) => nodes > 0)
    .map(({ nodes, faithfulness }) => [nodes, faithfulness] as const);

/** JSON knows no NaN. */
const known = (value: number) => Number.isNaN(value) ? null : value;

/** Whether attributions add up, and what of them error terms hold. */
function sums(result: Explained): Group[] {
  const { sum, errorSum } = result;
  return ([
    ["the effect", "total_effect", effectOf(result), "ink"],
    ["sum of attributions", "attribution_sum", sum, "blue"],
    ["of latents", "latent_attribution", sum - errorSum, "blue"],
    ["of error terms", "error_attribution", errorSum, "orange"],
  ] as const).map(([name, fact, value, colour]) => ({
    ...{ name, fact, colour, points: [[value]], stem: true },
  }));
}

function explainedNodes(
  result: Explained & { nodes: readonly NodeView[] },
  budget: number,
  isRanked = false,
) {
  const { nodes, absoluteSum } = result;
  const all = nodes.map(({ latent, token, attribution, delta }, i) => [
    ...[latent, token, attribution, delta, Math.abs(attribution) / absoluteSum],
    ...(isRanked ? [i + 1] : []),
  ]);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + Math.abs(b), 0);
  const shown = showNodes(all, budget, sum, isRanked);
  const held = sum(shown.nodes.map(([, , attribution]) => attribution)) / absoluteSum;
  return {
    ...shown,
    held: `The ${plural(shown.nodes.length, "node")} drawn${
      shown.nodes.length < nodes.length ? `, of ${nodes.length} in the tables,` : ""
    } hold ${percent(held)} of the sum of all |attribution|.`,
  };
}

/** The nodes of the latents that count most, by what `weigh` makes of each latent's effects. */
function showNodes(
  all: readonly (readonly number[])[],
  budget: number,
  weigh: (effects: number[]) => number,
  isOrdered = false,
): Pick<Entry, "rows" | "nodes" | "listed" | "cap"> {
  const weights = [...Map.groupBy(all, ([latent]) => latent)].map(([latent, own]) =>
    [latent, weigh(own.map(([, , effect]) => effect))] as const
  );
  const own = weights.filter(([latent]) => latent >= 0).sort((a, b) => b[1] - a[1])
    .slice(0, MOST_ROWS);
  const rows = [...own, ...weights.filter(([latent]) => latent < 0)].map(([latent]) => latent);
  const kept = new Set(rows), order = [...all.keys()].filter((i) => kept.has(all[i][0]));
  const ranked = order.toSorted((a, b) => Math.abs(all[b][2]) - Math.abs(all[a][2]))
    .slice(0, budget);
  // Cells are drawn in this order, the largest last.
  const drawn = ranked.toReversed(), place = new Map(drawn.map((node, i) => [node, i]));
  const listed = (isOrdered ? order.filter((i) => place.has(i)) : ranked).slice(0, MOST_LISTED);
  return {
    rows,
    nodes: drawn.map((i) => all[i]),
    listed: listed.map((i) => place.get(i)!),
    cap: scaleFor(drawn.map((i) => all[i][2]), "diverging", 1e-9).cap,
  };
}

/** At most so many, evenly by rank, with both ends. */
export function spread<T>(list: readonly T[], value: (one: T) => number, most = 150): T[] {
  if (list.length <= most) return [...list];
  const sorted = list.toSorted((a, b) => value(a) - value(b));
  return Array.from(
    { length: most },
    (_, i) => sorted[Math.round(i * (list.length - 1) / (most - 1))],
  );
}

/** How few nodes hold the sum, and how few would by movement alone; medians with the middle half. */
export function concentrationCurves(results: readonly Explained[]): Curve[] {
  const line = (
    style: Pick<Curve, "name" | "colour" | "dashed">,
    of: (result: Explained) => Explained["attributions"],
  ): Curve => {
    const curves = results.map((result) => new Map(of(result).curve)).filter(({ size }) =>
      size > 0
    );
    const counts = [...new Set(curves.flatMap((curve) => [...curve.keys()]))].sort((a, b) => a - b);
    const points = banded(counts, (count) => curves.map((curve) => curve.get(count) ?? 1));
    // Beyond the first point where all is held there is nothing to see.
    const full = points.points.findIndex(([, value]) => value > 0.9995);
    const shown = <T>(list: readonly T[]) => full < 0 ? list : list.slice(0, full + 1);
    return {
      ...style,
      points: shown(points.points),
      ...(results.length > 1 && { low: shown(points.low), high: shown(points.high) }),
    };
  };
  return [
    line({ ...RANKED, name: "|attribution|" }, ({ attributions }) => attributions),
    line(PLAIN, ({ magnitudes }) => magnitudes),
  ];
}

/** Share restored at every size, straight between those measured; medians with the middle half. */
export function circuitCurves(results: readonly CircuitView[]): Curve[] {
  const most = Math.max(1, ...results.map(({ candidates }) => candidates));
  const sizes = new Set<number>();
  for (let size = 1; size < most; size *= 1.2) sizes.add(Math.round(size));
  const all = [...sizes.add(most)];
  const of = (curveOf: (one: CircuitView) => readonly CurveView[]) => {
    const curves = results.map(curveOf).filter(({ length }) => length > 0);
    return banded(all, (nodes) => curves.map((curve) => curveAt(curve, nodes)));
  };
  return [
    { ...RANKED, ...of(({ curve }) => curve), chance: results[0].share },
    { ...PLAIN, ...of(({ byMagnitude }) => byMagnitude.curve) },
  ];
}

/** The value of a curve at a size, straight between those that were measured. */
export function curveAt(curve: readonly CurveView[], nodes: number): number {
  const above = curve.findIndex((point) => point.nodes >= nodes);
  if (above < 0) return curve.at(-1)?.faithfulness ?? NaN;
  const high = curve[above], low = curve[Math.max(0, above - 1)];
  if (high.nodes === low.nodes) return high.faithfulness;
  return low.faithfulness +
    (high.faithfulness - low.faithfulness) * (nodes - low.nodes) / (high.nodes - low.nodes);
}

/** Medians and the middle half of the values at each place. */
export function banded(places: readonly number[], values: (place: number) => readonly number[]) {
  const found = places.map((place) => ({ place, ...spreadOf(values(place)) }))
    .filter(({ count }) => count > 0);
  return {
    points: found.map(({ place, median }) => [place, median] as const),
    low: found.map(({ low }) => low),
    high: found.map(({ high }) => high),
  };
}

/** Mutations that a page draws, at all layers: those with the largest weight at any, of some proteins. */
export function chooseDrawn<R extends MutationView>(
  results: readonly R[],
  weight: (result: R) => number,
): R[] {
  const most = new Map<string, { weight: number; protein: string }>();
  for (const result of results) {
    const key = keyOf(result), known = most.get(key)?.weight ?? 0;
    most.set(key, { weight: Math.max(known, weight(result)), protein: result.protein.id });
  }
  const count = Math.max(1, Math.floor(MOST_ENTRIES / layersOf(results).length));
  const kept = new Set<string>(), proteins = new Set<string>();
  for (const [key, { protein }] of [...most].sort((a, b) => b[1].weight - a[1].weight)) {
    if (kept.size === count) break;
    if (proteins.size === MOST_DRAWN && !proteins.has(protein)) continue;
    kept.add(key);
    proteins.add(protein);
  }
  return results.filter((result) => kept.has(keyOf(result)));
}

/** The entries of a page. @param all how many share its room */
export function entriesOf<R extends MutationView>(
  kind: Kind<R>,
  results: readonly R[],
  metric: string,
  all: number,
): Entry[] {
  const budget = Math.min(4000, Math.max(60, Math.floor(MOST_NODES / all)));
  return results.map((result) => {
    const { answer, method = "" } = kind.finding([result], metric);
    return {
      ...{ mutation: result.mutation, layer: result.layer, marks: result.tokens, answer, method },
      ...kind.entry(result, budget),
    };
  });
}
