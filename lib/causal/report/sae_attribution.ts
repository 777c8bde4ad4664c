/** Attributions: all mutations together, and each by itself. */
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { effectOf, relativeGap } from "../explain.ts";
import { latentShares, layersOf } from "../tables.ts";
import { completeness } from "./sae_completeness.ts";
import { concentration } from "./sae_concentration.ts";
import { layerChart } from "./sae_layers.ts";
import { attributionMap } from "./sae_map.ts";
import { latentLabel, mutationsOf, percent, plural, signed, tokenName } from "./sae_names.ts";
import type { Panel } from "./sae_panels.ts";
import type { AttributionView, AutoencoderView, ExplanationView } from "./sae_types.ts";
import { short } from "../../report/scale.ts";
import { spreadOf } from "../../report/spread.ts";
import { scrollingTable } from "../../report/table.ts";

/** Rows of the tables of latents. */
const MOST_LATENTS = 12;

/** The result in a sentence. */
export function attributionFinding(results: readonly AttributionView[]): Content {
  const sums = results.filter(({ addsUp }) => addsUp).length;
  const [top, plain] = (["attributions", "magnitudes"] as const).map((key) =>
    spreadOf(results.map((result) => result[key].top20)).median
  );
  const mutations = mutationsOf(results);
  const all = results.length,
    which = sums < all
      ? `${sums} of ${all} explanations`
      : all === 1
      ? "The explanation"
      : `All ${all} explanations`;
  return `${which} of ${plural(mutations, "mutation")} ${
    sums === 1 ? "adds" : "add"
  } up to the effect. The 20 nodes (latents at tokens) with the largest |attribution| hold ${
    percent(top)
  } of the sum of all |attribution| (median); the 20 nodes that move farthest hold ${
    percent(plain)
  } of the sum of all moves.`;
}

/** Effects, concentration and completeness of all mutations. */
export function attributionOverview(
  results: readonly AttributionView[],
  autoencoders: readonly AutoencoderView[],
  metric: string,
): Markup {
  const layers = layersOf(results);
  return markup`<section><h2>Attribution to latents</h2>
${effectLayers(results, metric)}${concentration(results, autoencoders)}${
    completeness(results, metric)
  }<h3>Latents that contribute most</h3>
<p class="hint">Share of the sum of |attribution|, mean over the mutations of a layer; among the nodes written.</p>
<div class="charts">${layers.map((layer) => strongest(results, layer))}</div>
</section>
`;
}

/** The effect, and what of it passes the latents and their error terms, from layer to layer. */
export function effectLayers(
  results: readonly (ExplanationView & { layer: number })[],
  metric: string,
): Markup | false {
  const layers = layersOf(results);
  if (layers.length < 2) return false;
  const of = (value: (one: ExplanationView) => number) => (layer: number) =>
    results.filter((result) => result.layer === layer).map(value);
  return markup`<h3>From layer to layer</h3>
<div class="charts">${
    layerChart("Where the effect passes", "size, units of the metric", layers, [
      { name: "effect", colour: 1, values: of((one) => Math.abs(effectOf(one))) },
      {
        name: "sum over latents",
        colour: 3,
        values: of((one) => Math.abs(one.sum - one.errorSum)),
      },
      {
        name: "sum over error terms",
        colour: 2,
        dashed: true,
        values: of((one) => Math.abs(one.errorSum)),
      },
    ])
  }${
    layerChart("Share of the effect that latents carry", "share of the effect", layers, [
      {
        name: "latents",
        colour: 3,
        values: of((one) => (one.sum - one.errorSum) / effectOf(one)),
      },
    ], 1)
  }</div>
<p class="hint">Medians over mutations; the bands hold the middle half of them. What the autoencoder does not reconstruct goes past the latents, in the error terms. The metric is ${metric}.</p>
`;
}

function strongest(results: readonly AttributionView[], layer: number): Markup {
  const own = results.filter((result) => result.layer === layer);
  return markup`<div><h4>Layer ${layer}</h4>
${
    scrollingTable(
      `Latents of layer ${layer} that contribute most`,
      ["Latent", "Mean share", "Mutations"],
      latentShares(own, own.length).slice(0, MOST_LATENTS)
        .map(({ latent, share, mutations }) => [
          latentLabel(latent),
          percent(share),
          `${mutations} of ${own.length}`,
        ]),
    )
  }</div>`;
}

export const explanationWeight = (result: ExplanationView): number => Math.abs(effectOf(result));

/** One mutation at one layer. */
export function attributionPanel(result: AttributionView, metric: string): Panel {
  return {
    ...result,
    weight: explanationWeight(result),
    facts: explanationFacts(result, metric),
    content: markup`${attributionMap(result)}<h4>Nodes that contribute most</h4>
${nodeTable(result, MOST_LATENTS)}`,
  };
}

/** What there is to say of an explanation before its charts. */
export function explanationFacts(result: ExplanationView, metric: string): Content {
  return `${metric} goes from ${short(result.baseline, true)} to ${short(result.input, true)}, by ${
    signed(effectOf(result))
  }. Attributions sum to ${signed(result.sum)} with ${plural(result.steps, "step")} (gap ${
    percent(relativeGap(result))
  }), ${
    signed(result.errorSum)
  } of that in error terms. ${result.moving} nodes (latents at tokens) move.`;
}

/** The first nodes of a result. */
export function nodeTable(
  { nodes, protein, absoluteSum, mutation }: Pick<
    AttributionView,
    "nodes" | "protein" | "absoluteSum" | "mutation"
  >,
  most: number,
): Markup {
  return scrollingTable(
    `Nodes of ${mutation}`,
    ["Latent", "Moves by", "Attribution", "Share", "Where"],
    nodes.slice(0, most).map((node) => [
      latentLabel(node.latent),
      node.latent < 0 ? "–" : signed(node.delta),
      signed(node.attribution),
      percent(Math.abs(node.attribution) / absoluteSum),
      tokenName(node.token, protein),
    ]),
  );
}
