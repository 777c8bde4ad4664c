/** How few latents hold the attribution, and whether that says anything. */
import { type Axis, lineChart, type Series } from "../../report/chart.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { layersOf } from "../tables.ts";
import { percent } from "./sae_names.ts";
import type { AutoencoderView, ConcentrationView, ExplanationView } from "./sae_types.ts";
import { spreadOf } from "../../report/spread.ts";

type Result = ExplanationView & { layer: number };

/** Curves of attributions and of magnitudes, layer by layer, and how to read them. */
export function concentration(
  results: readonly Result[],
  autoencoders: readonly AutoencoderView[],
): Markup {
  const layers = layersOf(results);
  return markup`<h3>Concentration</h3>
${conclusion(results, autoencoders)}
<div class="charts">${
    layers.map((layer) => {
      const own = results.filter((result) => result.layer === layer);
      return concentrationChart(
        layers.length > 1 ? `Layer ${layer}` : "Share of the largest nodes",
        own,
      );
    })
  }</div>
<p class="hint">Medians over ${
    layers.length > 1 ? "the mutations of each layer" : "mutations"
  }; the bands hold the middle half of them.</p>
`;
}

function conclusion(
  results: readonly Result[],
  autoencoders: readonly AutoencoderView[],
): Markup {
  const median = (value: (result: Result) => number) => spreadOf(results.map(value)).median;
  const top = median(({ attributions }) => attributions.top20);
  const plain = median(({ magnitudes }) => magnitudes.top20);
  const gini = [
    median(({ attributions }) => attributions.giniMoving),
    median(({ magnitudes }) => magnitudes.giniMoving),
  ];
  const ks = [...new Set(autoencoders.map(({ k }) => k))];
  const sparse = ks.length === 1 && ks[0] !== undefined
    ? `at most ${ks[0]} latents of a token are not 0`
    : "most latents of a token are 0";
  const all = [...new Set(autoencoders.map(({ latents }) => latents))].join(" or ");
  const gain = top - plain;
  return markup`<p>A sparse autoencoder is concentrated by construction: of its ${all} latents ${sparse}, so that a few nodes (latents at tokens) hold most of any sum whatever the model does with them. The dashed line shows that much: it ranks nodes by how far they move the residual stream (|Δ activation| × length of the decoder’s row), which asks the model nothing. Only what the solid line has above it is the model’s doing, and part of that is place: the metric reads the mutated residues, while latents may move everywhere.</p>
<p class="finding">The 20 nodes (latents at tokens) with the largest |attribution| hold ${
    percent(top)
  } of the sum of all |attribution|, the 20 that move farthest ${
    percent(plain)
  } of the sum of all moves: ${
    gain > 0.05
      ? `attribution is more concentrated by ${percent(gain)} of the whole`
      : gain < -0.05
      ? "attribution is the less concentrated of the two"
      : "no real difference, so that the share says little about the model"
  }. Gini coefficient over the nodes that move: ${gini[0].toFixed(2)} and ${
    gini[1].toFixed(2)
  }.</p>`;
}

function concentrationChart(title: string, results: readonly Result[]): Markup {
  const series = [
    line("|attribution|", 1, false, results.map(({ attributions }) => attributions)),
    line("magnitude of the move alone", 2, true, results.map(({ magnitudes }) => magnitudes)),
  ];
  const axis: Axis = { name: "number of nodes", from: 1, log: true };
  return lineChart(title, axis, { name: "share of the sum", from: 0, reach: 1 }, series);
}

function line(
  name: string,
  colour: number,
  dashed: boolean,
  list: readonly ConcentrationView[],
): Series {
  const counts = [...new Set(list.flatMap(({ curve }) => curve.map(([count]) => count)))]
    .sort((a, b) => a - b);
  const spreads = counts.map((latents) => ({
    latents,
    ...spreadOf(
      list.filter(({ curve }) => curve.length > 0)
        .map(({ curve }) => curve.find(([at]) => at === latents)?.[1] ?? 1),
    ),
  }));
  // Beyond the first point where all is held there is nothing to see.
  const full = spreads.findIndex(({ low }) => low > 0.9995);
  const shown = full < 0 ? spreads : spreads.slice(0, full + 1);
  return {
    ...{ name, colour, dashed },
    points: shown.map(({ latents, median }) => [latents, median] as const),
    band: shown.map(({ low, high }) => [low, high] as const),
  };
}
