/** Circuits: how many nodes restore an effect, and how well. */
import { lineChart, type Series } from "../../report/chart.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { effectLayers, explanationFacts, explanationWeight, nodeTable } from "./sae_attribution.ts";
import { effectOf } from "../explain.ts";
import { completeness } from "./sae_completeness.ts";
import { concentration } from "./sae_concentration.ts";
import { layerChart } from "./sae_layers.ts";
import { layersOf } from "../tables.ts";
import {
  mutationName,
  mutationsOf,
  percent,
  plural,
  severalProteins,
  signed,
} from "./sae_names.ts";
import type { Panel } from "./sae_panels.ts";
import type { AutoencoderView, CircuitView, CurveView } from "./sae_types.ts";
import { short } from "../../report/scale.ts";
import { spreadOf } from "../../report/spread.ts";
import { scrollingTable } from "../../report/table.ts";

/** Rows of the table of circuits, and of the tables of nodes. */
const MOST_CIRCUITS = 40, MOST_NODES = 20;

/** The result in a sentence. */
export function circuitFinding(results: readonly CircuitView[]): Content {
  const median = (value: (result: CircuitView) => number) => spreadOf(results.map(value)).median;
  const mutations = mutationsOf(results);
  const of = results.length, reached = results.filter((one) => one.reached).length;
  const unsteady = results.filter(({ steady }) => !steady).length;
  const rest = [
    reached < of && `${of - reached} of ${of} circuits reach it with all nodes only`,
    unsteady > 0 &&
    `${unsteady} of ${of} have a curve that overshoots or falls as nodes join, so that their size says little`,
  ].filter(Boolean).join("; ");
  return `To restore ${percent(results[0]?.share ?? NaN)} of the effect of ${
    plural(mutations, "mutation")
  } takes a median of ${
    short(median(({ size }) => size))
  } nodes (latents at tokens, and error terms) of ${
    short(median(({ candidates }) => candidates))
  }; ranked by how far they move alone it takes ${
    short(median(({ byMagnitude }) => byMagnitude.size))
  } nodes. As many nodes at the same tokens, drawn at random, restore ${
    percent(median(({ random }) => random.mean))
  } of it (median of means; standard deviation between draws ${
    percent(median(({ random }) => random.sd))
  }).${rest && ` ${rest}.`}`;
}

export function circuitOverview(
  results: readonly CircuitView[],
  autoencoders: readonly AutoencoderView[],
  metric: string,
): Markup {
  const layers = layersOf(results);
  const of = (value: (one: CircuitView) => number) => (layer: number) =>
    results.filter((result) => result.layer === layer).map(value);
  return markup`<section><h2>Circuits</h2>
<p class="hint">A circuit’s nodes (latents at residues, and error terms) have the values of one run and all others those of the other. Faithfulness: the share of the effect that comes with the circuit alone; completeness: with everything but the circuit, 0 where nothing else carries it. A circuit is reached where its share and that of the next sizes lie between the share asked for and 1.2; at random: mean ± standard deviation of sets with as many nodes at the same tokens.</p>
<h3>Share of the effect against size</h3>
<div class="charts">${
    layers.map((layer) =>
      meanCurves(
        layers.length > 1 ? `Layer ${layer}` : "Share restored by the first nodes",
        results.filter((result) => result.layer === layer),
      )
    )
  }</div>
<p class="hint">Medians over mutations of the share restored at each size measured, straight between sizes; the bands hold the middle half. Dashed: nodes ranked by how far they move alone.</p>
${
    layers.length > 1 && markup`<h3>Size and faithfulness from layer to layer</h3>
<div class="charts">${
      layerChart("Nodes of a circuit", "nodes", layers, [
        { name: "ranked by attribution", colour: 1, values: of(({ size }) => size) },
        {
          name: "ranked by magnitude",
          colour: 2,
          dashed: true,
          values: of(({ byMagnitude }) => byMagnitude.size),
        },
      ])
    }${
      layerChart("Share of the effect", "share of the effect", layers, [
        { name: "the circuit", colour: 1, values: of(({ faithfulness }) => faithfulness) },
        { name: "everything else", colour: 4, values: of(({ completeness }) => completeness) },
        {
          name: "as many at random",
          colour: 2,
          dashed: true,
          values: of(({ random }) => random.mean),
        },
      ], 1)
    }</div>`
  }
<h3>Faithfulness and completeness</h3>
${circuitTable(results)}${effectLayers(results, metric)}${concentration(results, autoencoders)}${
    completeness(results, metric)
  }</section>
`;
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

function meanCurves(title: string, results: readonly CircuitView[]): Markup {
  const most = Math.max(1, ...results.map(({ candidates }) => candidates));
  const sizes = sizesUpTo(most);
  const line = (
    style: Pick<Series, "name" | "colour" | "dashed">,
    curveOf: (one: CircuitView) => readonly CurveView[],
  ) => {
    const spreads = sizes.map((nodes) => ({
      nodes,
      ...spreadOf(
        results.map(curveOf).filter(({ length }) => length > 0).map((curve) =>
          curveAt(curve, nodes)
        ),
      ),
    })).filter(({ count }) => count > 0);
    return {
      ...style,
      points: spreads.map(({ nodes, median }) => [nodes, median] as const),
      band: spreads.map(({ low, high }) => [low, high] as const),
    };
  };
  return restoredChart(title, [
    line({ name: "ranked by attribution", colour: 1 }, ({ curve }) => curve),
    line(
      { name: "ranked by magnitude", colour: 2, dashed: true },
      ({ byMagnitude }) => byMagnitude.curve,
    ),
  ]);
}

function restoredChart(title: string, series: readonly Series[]): Markup {
  const shares = series.flatMap((
    { points, band },
  ) => [...points.map(([, y]) => y), ...(band ?? []).flat()]);
  return lineChart(
    title,
    { name: "nodes", from: 1, log: true },
    { name: "share of the effect", from: Math.min(0, ...shares), reach: 1 },
    series.filter(({ points }) => points.length > 0),
  );
}

/** About 12 sizes per power of ten. */
function sizesUpTo(most: number): number[] {
  const sizes = new Set<number>();
  for (let size = 1; size < most; size *= 1.2) sizes.add(Math.round(size));
  return [...sizes.add(most)];
}

function circuitTable(results: readonly CircuitView[]): Markup {
  const several = severalProteins(results);
  const shown = results.toSorted((a, b) => explanationWeight(b) - explanationWeight(a))
    .slice(0, MOST_CIRCUITS);
  return markup`${
    shown.length < results.length &&
    markup`<p class="hint">The ${shown.length} largest effects of ${results.length}; circuits.csv has all.</p>`
  }${
    scrollingTable(
      "Circuits",
      [
        ...["Mutation", "Layer", "Effect", "Nodes", "Of", "Nodes by magnitude", "Faithfulness"],
        ...["Completeness", "At random", "Reached", "Curve"],
      ],
      shown.map((one) => [
        mutationName(one, several),
        one.layer,
        signed(effectOf(one)),
        one.size,
        one.candidates,
        one.byMagnitude.size,
        fixed(one.faithfulness),
        fixed(one.completeness),
        atRandom(one),
        one.reached ? "yes" : "no",
        curveText(one),
      ]),
    )
  }`;
}

/** Mean and standard deviation. */
const atRandom = ({ random: { mean, sd } }: CircuitView) =>
  Number.isNaN(mean) ? "–" : `${fixed(mean)} ± ${fixed(sd)}`;

/** What is wrong with a curve, most of all. */
const curveText = ({ steady, highest, drop }: CircuitView) =>
  steady ? "steady" : highest - 1 > drop ? `up to ${fixed(highest)}` : `falls by ${fixed(drop)}`;

const fixed = (value: number) =>
  Number.isFinite(value) ? value.toFixed(3).replace(/^-(?=.*[1-9])/, "−").replace("-", "") : "–";

/** One mutation at one layer. */
export function circuitPanel(result: CircuitView, metric: string): Panel {
  const points = (curve: readonly CurveView[]) =>
    curve.filter(({ nodes }) => nodes > 0)
      .map(({ nodes, faithfulness }) => [nodes, faithfulness] as const);
  return {
    ...result,
    weight: explanationWeight(result),
    facts: explanationFacts(result, metric),
    content: markup`<div class="charts">${
      restoredChart("Share restored by the first nodes", [
        { name: "ranked by attribution", colour: 1, dots: true, points: points(result.curve) },
        {
          name: "ranked by magnitude",
          colour: 2,
          dashed: true,
          dots: true,
          points: points(result.byMagnitude.curve),
        },
      ])
    }<div><h4>Nodes in the order they joined</h4>
${nodeTable(result, MOST_NODES)}${
      result.nodes.length > MOST_NODES &&
      markup`<p class="hint">The first ${MOST_NODES} of ${result.nodes.length}; circuit_nodes.csv has all.</p>`
    }</div></div>`,
  };
}
