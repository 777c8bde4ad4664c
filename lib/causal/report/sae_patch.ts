/** Activation patching: all mutations together, and each by itself. */
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { latentEffects } from "./sae_effects.ts";
import { layerChart } from "./sae_layers.ts";
import { layersOf } from "../tables.ts";
import {
  mutationName,
  mutationsOf,
  plural,
  severalProteins,
  signed,
  tokenName,
} from "./sae_names.ts";
import type { Panel } from "./sae_panels.ts";
import type { PatchKindView, PatchPoint, PatchView } from "./sae_types.ts";
import { short } from "../../report/scale.ts";
import { spreadOf } from "../../report/spread.ts";
import { stripPlot } from "../../report/strip_plot.ts";
import { scrollingTable } from "../../report/table.ts";

const KINDS: readonly { kind: PatchKindView; name: string; colour: number }[] = [
  { kind: "real", name: "most changed latents", colour: 1 },
  { kind: "set", name: "sets of them", colour: 3 },
  { kind: "all", name: "all latents", colour: 4 },
  { kind: "random", name: "random, similar move", colour: 2 },
  { kind: "displaced", name: "any latent, as far", colour: 2 },
  { kind: "stable", name: "least changed latents", colour: 0 },
  { kind: "noop", name: "no change", colour: 0 },
];

const sizeOf = ({ patched, baseline }: PatchPoint) => Math.abs(patched - baseline);
const ofKind = (results: readonly PatchView[], kind: PatchKindView) =>
  results.flatMap(({ rows }) => rows.filter((row) => row.kind === kind).map(sizeOf));

/** The result in a sentence. */
export function patchFinding(results: readonly PatchView[], metric: string): Content {
  const several = severalProteins(results);
  const real = results.flatMap((result) =>
    result.rows.filter(({ kind }) => kind === "real").map((row) => ({ result, row }))
  );
  if (real.length === 0) return "No latent was patched by itself.";
  const strongest = real.reduce((a, b) => sizeOf(b.row) > sizeOf(a.row) ? b : a);
  const { result, row } = strongest;
  const medians = (["real", "random"] as const).map((kind) => spreadOf(ofKind(results, kind)));
  return markup`Of ${plural(real.length, "patch", "es")} of single latents over ${
    plural(mutationsOf(results), "mutation")
  }, latent ${row.latent} at ${tokenName(row.token, result.protein)} changes ${metric} of ${
    mutationName(result, several)
  } most, by ${
    signed(row.patched - row.baseline)
  } (layer ${result.layer}). The median size of a change is ${short(medians[0].median)}${
    medians[1].count > 0 &&
    `, and ${short(medians[1].median)} by other latents that move alike`
  }.`;
}

/** Changes and controls of all mutations, layer by layer. */
export function patchOverview(results: readonly PatchView[], metric: string): Markup {
  const layers = layersOf(results);
  const at = (layer: number) => results.filter((result) => result.layer === layer);
  /** Mean size of a kind's changes in each mutation of a layer. */
  const means = (kind: PatchKindView) => (layer: number) =>
    at(layer).map((result) => spreadOf(ofKind([result], kind)).mean);
  const present = KINDS.filter(({ kind }) => ofKind(results, kind).length > 0);
  const together = present.filter(({ kind }) => kind === "all" || kind === "set");
  return markup`<section><h2>Patched latents and controls</h2>
<p class="facts">Size of the change of ${metric}, over all mutations. A change that controls of the same size make too says nothing about the latent; no change at all must give 0.</p>
<div class="charts strips">${
    layers.map((layer) =>
      stripPlot(
        layers.length > 1 ? `Layer ${layer}` : "Size of the change",
        "size of the change",
        present.map(({ kind, name, colour }) => ({
          name,
          colour,
          values: ofKind(at(layer), kind),
        })),
      )
    )
  }</div>
${
    layers.length > 1 && markup`<h3>From layer to layer</h3>
<div class="charts">${
      layerChart(
        "Mean size of a mutation’s changes",
        "mean size of the change",
        layers,
        present.filter(({ kind }) => kind === "real" || kind === "random").map((each) => ({
          name: each.name,
          colour: each.colour,
          dashed: each.kind === "random",
          values: means(each.kind),
        })),
      )
    }${
      together.length > 0 && layerChart(
        "All patched together",
        "size of the change",
        layers,
        together.map((each) => ({
          name: each.name,
          colour: each.colour,
          values: means(each.kind),
        })),
      )
    }</div>
<p class="hint">Medians over mutations; the bands hold the middle half of them.</p>`
  }</section>
`;
}

/** The largest change that a patch makes. */
export const patchWeight = ({ rows }: PatchView): number =>
  rows.reduce((most, row) => Math.max(most, sizeOf(row)), 0);

/** One mutation at one layer. */
export function patchPanel(result: PatchView, metric: string): Panel {
  const { rows } = result;
  const real = rows.filter(({ kind }) => kind === "real");
  const together = rows.filter(({ kind }) => kind === "set" || kind === "all");
  const present = KINDS.filter(({ kind }) =>
    kind !== "set" && kind !== "all" && rows.some((row) => row.kind === kind)
  );
  return {
    ...result,
    weight: patchWeight(result),
    facts: rows.length === 0
      ? "Nothing was patched: no latent moves."
      : `${metric} before: ${short(rows[0].baseline, true)}.`,
    content: markup`${real.length > 0 && latentEffects(result, metric)}<div class="charts strips">${
      present.length > 0 && stripPlot(
        "Beside the controls",
        "size of the change",
        present.map(({ kind, name, colour }) => ({ name, colour, values: ofKind([result], kind) })),
      )
    }${
      together.length > 0 && markup`<div><h4>Patched together</h4>
${
        scrollingTable(
          "Patched together",
          ["Latents", "Before", "Patched", "Change"],
          together.map((row) => [
            row.kind === "all" ? `all ${row.latents}` : `${row.latents} that move most`,
            short(row.baseline, true),
            short(row.patched, true),
            signed(row.patched - row.baseline),
          ]),
          false,
        )
      }</div>`
    }</div>`,
  };
}
