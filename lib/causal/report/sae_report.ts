/** The report of sparse features: one HTML file that needs nothing else, online or off. */
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { page } from "../../report/page.ts";
import { autoencoderTable } from "./sae_autoencoders.ts";
import {
  attributionFinding,
  attributionOverview,
  attributionPanel,
  explanationWeight,
} from "./sae_attribution.ts";
import { circuitFinding, circuitOverview, circuitPanel } from "./sae_circuit.ts";
import { mutationsOf } from "./sae_names.ts";
import { choosePanels, type Panel, panels } from "./sae_panels.ts";
import { patchFinding, patchOverview, patchPanel, patchWeight } from "./sae_patch.ts";
import type { MutationView, SaeReport } from "./sae_types.ts";
import marksScript from "../../report/script_marks.js" with { type: "text" };
import matrixScript from "../../report/script_matrix.js" with { type: "text" };
import attributionsScript from "./sae_matrix.js" with { type: "text" };
import panelsScript from "./sae_panels.js" with { type: "text" };
import chartsStyle from "../../report/style_charts.css" with { type: "text" };
import headsStyle from "../../report/style_heads.css" with { type: "text" };
import mapsStyle from "../../report/style_maps.css" with { type: "text" };
import matrixStyle from "../../report/style_matrix.css" with { type: "text" };
import saeStyle from "./sae_style.css" with { type: "text" };

export type * from "./sae_types.ts";

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderSaeReport(report: SaeReport): string {
  const { title, subtitle, notes, metric, autoencoders, provenance } = report;
  const { patches = [], attributions = [], circuits = [] } = report;
  const findings: Content[] = [
    patches.length > 0 && patchFinding(patches, metric),
    attributions.length > 0 && attributionFinding(attributions),
    circuits.length > 0 && circuitFinding(circuits),
  ];
  return page({
    ...{ title, subtitle, notes, provenance },
    summary: findings.filter(Boolean).map((each) => markup`<p class="finding">${each}</p>\n`),
    sections: [
      patches.length > 0 && patchOverview(patches, metric),
      single("Latents of each mutation", patches, patchWeight, patchPanel, metric, "patches.csv"),
      attributions.length > 0 && attributionOverview(attributions, autoencoders, metric),
      single(
        "Attribution of each mutation",
        ...[attributions, explanationWeight, attributionPanel, metric, "attributions.csv"] as const,
      ),
      circuits.length > 0 && circuitOverview(circuits, autoencoders, metric),
      single(
        "Circuit of each mutation",
        ...[circuits, explanationWeight, circuitPanel, metric, "circuits.csv"] as const,
      ),
      autoencoderTable(autoencoders),
    ],
    styles: [headsStyle, mapsStyle, matrixStyle, chartsStyle, saeStyle],
    scripts: [marksScript, matrixScript, attributionsScript, panelsScript],
  });
}

/** Panels of the mutations that fit into the page. */
function single<T extends MutationView>(
  title: string,
  results: readonly T[],
  weight: (result: T) => number,
  panel: (result: T, metric: string) => Panel,
  metric: string,
  file: string,
): Markup | false {
  if (results.length === 0) return false;
  const chosen = choosePanels(results, weight).map((result) => panel(result, metric));
  return panels(title, chosen, mutationsOf(results), file);
}
