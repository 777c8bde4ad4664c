/** All mutations together: how large the effects are and at which layer, then each in a table. */
import { fixed, percent } from "../../report/client/numbers.js";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { frame, panel, small, summaryView } from "../../report/page.ts";
import { spreadOf } from "../../report/spread.ts";
import { effectOf, relativeGap } from "../explain.ts";
import { latentShares, layersOf } from "../tables.ts";
import {
  banded,
  circuitCurves,
  concentrationCurves,
  type Curve,
  type Group,
  PATCH_GROUPS,
  spread,
} from "./entries.ts";
import { changeOf, largest, ofKind } from "./finding.ts";
import { latentTitle, mutationsOf, signed } from "./names.ts";
import type { AttributionView, CircuitView, Explained, PatchView } from "./types.ts";

/** Mutations of the table, latents of a layer's table, and layers with a chart of their own. */
const MOST_LISTED = 15, MOST_LATENTS = 10, MOST_LAYERS = 12;

interface Chart {
  title: string;
  x: string;
  y: string;
  curves: readonly Curve[];
  isPercent?: boolean;
  isLog?: boolean;
}

interface Overview<R> {
  charts(results: readonly R[]): Chart[];
  caption: string;
  groups?(results: readonly R[]): Group[];
  columns: readonly [name: string, of: (result: R) => string][];
  more?(results: readonly R[]): Markup | false;
}

type Places = { protein: { id: string }; mutation: string; layer: number };

/** Quantities from layer to layer: medians over mutations, with the middle half. */
function byLayer<R extends { layer: number }>(
  results: readonly R[],
  lines: readonly [name: string, colour: string, of: (result: R) => number, dashed?: boolean][],
): Curve[] {
  return lines.map(([name, colour, of, dashed]) => ({
    ...{ name, colour, dashed, dots: true },
    ...banded(layersOf(results), (layer) => results.filter((one) => one.layer === layer).map(of)),
  })).filter(({ points }) => points.length > 0);
}

/** One chart for each layer. */
const perLayer = <R extends { layer: number }>(
  results: readonly R[],
  of: (own: readonly R[]) => Omit<Chart, "title">,
): Chart[] =>
  layersOf(results).slice(0, MOST_LAYERS).map((layer) => ({
    title: `Layer ${layer}`,
    ...of(results.filter((one) => one.layer === layer)),
  }));

const meanSize = (result: PatchView, kind: "real" | "random") =>
  spreadOf(ofKind(result, kind).map((row) => Math.abs(changeOf(row)))).mean;

export const PATCH_OVERVIEW: Overview<PatchView> = {
  charts: (results) =>
    layersOf(results).length < 2 ? [] : [
      {
        ...{ title: "Size of a mutation’s changes", x: "layer", y: "mean size of a change" },
        curves: byLayer(results, [
          ["one latent", "blue", (one) => meanSize(one, "real")],
          ["random control", "orange", (one) => meanSize(one, "random"), true],
        ]),
      },
      {
        ...{ title: "All latents at once", x: "layer", y: "size of the change" },
        curves: byLayer(results, [
          ["all at once", "green", (one) => spreadOf([largest(ofKind(one, "all"))]).median],
        ]),
      },
    ],
  caption: "Medians over mutations; bands hold the middle half of them.",
  groups: (results) =>
    PATCH_GROUPS.flatMap(({ kind, ...group }) => {
      const own = results.flatMap((one) => ofKind(one, kind).map(changeOf));
      return own.length === 0
        ? []
        : [{ ...group, fact: "change", points: spread(own, (x) => x).map((x) => [x]) }];
    }),
  columns: [
    ["Largest change", (one) => signedOf(ofKind(one, "real").map(changeOf))],
    ["By random control", (one) => signedOf(ofKind(one, "random").map(changeOf))],
    ["All at once", (one) => signedOf(ofKind(one, "all").map(changeOf))],
  ],
};

/** The value farthest from zero. */
const signedOf = (values: readonly number[]) =>
  values.length === 0 ? "–" : signed(values.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a));

const effectCharts = (results: readonly Explained[]): Chart[] =>
  layersOf(results).length < 2 ? [] : [
    {
      ...{ title: "Where the effect passes", x: "layer", y: "size" },
      curves: byLayer(results, [
        ["effect", "ink", (one) => Math.abs(effectOf(one))],
        ["latents", "blue", (one) => Math.abs(one.sum - one.errorSum)],
        ["error terms", "orange", (one) => Math.abs(one.errorSum), true],
      ]),
    },
  ];

export const IG_OVERVIEW: Overview<AttributionView> = {
  charts: (results) => [
    ...effectCharts(results),
    ...perLayer(results, (own) => ({
      ...{ x: "nodes", y: "share of the sum", isPercent: true, isLog: true },
      curves: concentrationCurves(own),
    })),
  ],
  caption:
    "Medians over mutations; bands hold the middle half of them. A sparse autoencoder is concentrated by " +
    "construction; only what |attribution| has above movement alone is the model’s doing.",
  columns: [
    ["Effect", (one) => signed(effectOf(one))],
    ["Sum", (one) => signed(one.sum)],
    ["Gap", (one) => percent(relativeGap(one), 1)],
    ["Steps", (one) => String(one.steps)],
    ["Top 20 hold", (one) => percent(one.attributions.top20)],
    ["By movement", (one) => percent(one.magnitudes.top20)],
    ["Error terms", (one) => signed(one.errorSum)],
  ],
  more: (results) =>
    panel({
      span: layersOf(results).length > 1 ? 12 : 5,
      title:
        markup`Latents that contribute most <span>— mean share of |attribution| by layer</span>`,
      body: markup`<div class="several">${
        layersOf(results).slice(0, MOST_LAYERS).map((layer) => {
          const own = results.filter((result) => result.layer === layer);
          return small(
            `Layer ${layer}`,
            plainTable(
              ["Latent", "Share", "Mutations"],
              latentShares(own, own.length).slice(0, MOST_LATENTS).map((
                { latent, share, mutations },
              ) => [latentTitle(latent), percent(share, 1), `${mutations} of ${own.length}`]),
            ),
          );
        })
      }</div>`,
      caption: "Among the nodes that are written.",
    }),
};

export const CIRCUIT_OVERVIEW: Overview<CircuitView> = {
  charts: (results) => [
    ...(layersOf(results).length < 2 ? [] : [
      {
        ...{ title: "Nodes of a circuit", x: "layer", y: "nodes" },
        curves: byLayer(results, [
          ["by attribution", "blue", ({ size }) => size],
          ["by movement alone", "orange", ({ byMagnitude }) => byMagnitude.size, true],
        ]),
      },
      {
        ...{ title: "Share of the effect", x: "layer", y: "share", isPercent: true },
        curves: byLayer(results, [
          ["the circuit", "blue", ({ faithfulness }) => faithfulness],
          ["everything else", "green", ({ completeness }) => completeness],
          ["as many at random", "grey", ({ random }) => random.mean, true],
        ]),
      },
    ]),
    ...effectCharts(results),
    ...perLayer(results, (own) => ({
      ...{ x: "nodes", y: "share of the effect", isPercent: true, isLog: true },
      curves: circuitCurves(own),
    })),
  ],
  caption:
    "Medians over mutations, straight between sizes measured; bands hold the middle half of them. Dotted: " +
    "the share asked for.",
  columns: [
    ["Effect", (one) => signed(effectOf(one))],
    ["Nodes", (one) => String(one.size)],
    ["Of", (one) => String(one.candidates)],
    ["By movement", (one) => String(one.byMagnitude.size)],
    ["Faithfulness", (one) => fixed(one.faithfulness, 3)],
    ["Completeness", (one) => fixed(one.completeness, 3)],
    [
      "At random",
      ({ random: { mean, sd } }) =>
        Number.isNaN(mean) ? "–" : `${fixed(mean, 3)} ± ${fixed(sd, 3)}`,
    ],
    ["Reached", (one) => one.reached ? "yes" : "no"],
    [
      "Curve",
      ({ steady, highest, drop }) =>
        steady
          ? "steady"
          : highest - 1 > drop
          ? `up to ${fixed(highest, 2)}`
          : `falls by ${fixed(drop, 2)}`,
    ],
  ],
};

/**
 * Panels over all mutations.
 *
 * @param placeOf where a result is drawn, if it is: protein and entry of the page
 */
export function overview<R extends Places & (PatchView | Explained)>(
  results: readonly R[],
  { charts: chartsOf, caption, groups: groupsOf, columns: all, more }: Overview<R>,
  { metric, weight, placeOf }: {
    metric: string;
    weight(result: R): number;
    placeOf(result: R): string | undefined;
  },
): Markup {
  const charts = chartsOf(results), groups = groupsOf?.(results) ?? [];
  const listed = results.toSorted((a, b) => weight(b) - weight(a)).slice(0, MOST_LISTED);
  // What was not run has no column.
  const columns = all.filter(([, of]) => listed.some((result) => of(result) !== "–"));
  const isSeveral = new Set(results.map(({ protein }) => protein.id)).size > 1;
  const layers = layersOf(results);
  const name = (result: R): Content => {
    const place = placeOf(result),
      text = `${isSeveral ? `${result.protein.id} ` : ""}${result.mutation}`;
    return place === undefined
      ? text
      : markup`<button type="button" data-go="${place}">${text}</button>`;
  };
  const several = (title: string, isOwn: (chart: Chart) => boolean) => {
    const own = [...charts.entries()].filter(([, chart]) => isOwn(chart));
    return own.length > 0 && panel({
      span: groups.length > 0 || more && layers.length === 1 ? 7 : 12,
      title,
      body: markup`<div class="several">${
        own.map(([k, { title, curves }]) =>
          small(title, [frame(`chart-${k}`, "chart"), curveKey(curves)])
        )
      }</div>`,
      caption: [
        caption,
        layers.length > MOST_LAYERS && ` The first ${MOST_LAYERS} layers of ${layers.length}.`,
      ],
    });
  };
  return summaryView({ charts, groups }, [
    several("From layer to layer", ({ x }) => x === "layer"),
    several("How few nodes carry it", ({ x }) => x !== "layer"),
    groups.length > 0 && panel({
      span: charts.length > 0 ? 5 : 12,
      title: "All latents beside their controls",
      body: frame("groups", "grow"),
      caption:
        `Changes of ${metric}, over all mutations${
          layers.length > 1 ? " and layers" : ""
        }; of many, 150 evenly ` +
        "by rank. What controls of the same size do too says nothing about a latent; no change must give 0.",
    }),
    more?.(results),
    panel({
      span: 12,
      title: markup`Mutations <span>— ${
        listed.length < results.length
          ? `the ${listed.length} largest of ${results.length}; the tables have all`
          : `largest effects first, of ${mutationsOf(results)}`
      }</span>`,
      body: plainTable(
        ["Mutation", "Layer", ...columns.map(([title]) => title)],
        listed.map((result) => [
          name(result),
          result.layer,
          ...columns.map(([, of]) => of(result)),
        ]),
      ),
      caption: "Choose a mutation to see its latents below.",
    }),
  ]);
}

/** Names of curves in their colours, where they have no room at the curves’ ends. */
const curveKey = (curves: readonly Curve[]): Markup =>
  markup`<div class="key">${
    curves.map(({ name, colour }) =>
      markup`<span><i class="line" style="--c:var(--${colour})"></i>${name}</span>`
    )
  }</div>`;

/** A table of the page that scrolls by itself. */
export function plainTable(
  head: readonly string[],
  rows: readonly (readonly Content[])[],
): Markup {
  return markup`<div class="scroll"><table><thead><tr>${
    head.map((title) => markup`<th scope="col">${title}</th>`)
  }</tr></thead><tbody>${
    rows.map((cells) =>
      markup`
<tr>${cells.map((content) => markup`<td>${content}</td>`)}</tr>`
    )
  }</tbody></table></div>`;
}
