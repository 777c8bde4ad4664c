/** The page of what latents detect: one HTML file that needs nothing else, online or off. */
import type { Piece } from "../../../report/bundle.ts";
import { letterBars, letterHeights, scatter } from "../../../report/figures/mod.ts";
import { groupColour, GROUPS } from "../../../report/figures/letter_heights/letter_heights.js";
import { markup } from "../../../report/markup.ts";
import {
  choices,
  frame,
  packed,
  panel,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
} from "../../../report/page.ts";
import { AMINO_ACIDS } from "../../../variants/letters.ts";
import { fitCautions, type JudgedFidelity } from "../../fidelity_text.ts";
import type { SaeConfig } from "../../types.ts";
import type { DetectorCounts, LatentProfile } from "../detectors.ts";
import { finding } from "./finding.ts";
import script from "./page.js" with { type: "text" };

export interface LatentsReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  config: SaeConfig;
  quality?: JudgedFidelity;
  counts: DetectorCounts;
  /** Latents that are active, the clearest detectors first. */
  profiles: readonly LatentProfile[];
  run: RunFacts;
}

const PAGE: Piece = { name: "page.js", script, uses: [letterBars, letterHeights, scatter] };

/** Latents that the page has at most. */
export const MOST_LATENTS = 3000;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderLatentsReport(report: LatentsReport): string {
  const { config, quality, counts, profiles, run } = report;
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const shown = profiles.slice(0, MOST_LATENTS), totals = counts.totals();
  const { latents, residues, proteins, threshold } = counts;
  const own = shown.map(({ latent }) => counts.counts(latent));
  const data = {
    amino: AMINO_ACIDS,
    colours: [...AMINO_ACIDS].map(groupColour),
    totals: { letters: [...totals.letters], residues: [...totals.residues] },
    rows: shown.map((one) => [
      ...[one.latent, one.active, one.proteins, one.meanActivation, one.maxActivation],
      ...[one.firstShare, one.lastShare, one.meanPlace],
    ]),
  };
  const best = own.flatMap(({ best }) =>
    best.flatMap(({ column, both, active }) => [column, both, active])
  );
  return reportPage({
    name: proteins === 1 ? "1 protein" : `${proteins} proteins`,
    about: `what latents of layer ${config.depth} detect`,
    context: [
      `${residues} residues`,
      model?.name ?? "",
      `${config.name}: ${config.latents} latents${config.k ? `, ${config.k} a residue` : ""}`,
      backend?.name ?? "",
    ].filter(Boolean),
    finding: finding({ latents, residues, proteins, threshold, profiles, totals }),
    cautions: [...fitCautions(quality, config.depth), ...report.notes],
    body: shown.length === 0 ? "" : summaryView(data, [
      panel({
        span: 7,
        title: "What each latent tells",
        controls: choices("Axes", "axes", [
          { value: "neighbour", label: "letter and neighbour" },
          { value: "activity", label: "activity and letter" },
        ], "neighbour"),
        body: markup`${frame("latents", "grow")}<div class="beneath"><div class="key">${
          GROUPS.map(({ name, colour }) =>
            markup`<span><i style="--c:var(--${colour})"></i>${name}</span>`
          )
        }</div></div>`,
        caption: [
          "Each dot a latent, in the colour of the letter that it tells best. F1: 1 where it is active at every " +
          "such residue and nowhere else. Click a dot to choose it.",
          shown.length < profiles.length &&
          ` Of ${profiles.length} active latents the ${shown.length} with the highest F1; latents.csv has all.`,
        ],
      }),
      panel({
        span: 5,
        title: "Latents",
        controls: choices("Order", "order", [
          { value: "letter", label: "letter" },
          { value: "neighbour", label: "neighbour" },
          { value: "ends", label: "ends" },
        ], "letter"),
        body: markup`<div class="scroll"><table data-table="latents">${
          tableHead(["Latent", "Active", "Letter", "F1", "Times", "Beside", "F1", "End"])
        }<tbody></tbody></table></div>`,
        caption:
          "Active: residues. Times: its share of the letter against the letter's own. Beside: the neighbour's letter that it tells best, and where. End: share of its active residues that are a protein's first, or last.",
      }),
      panel({
        span: 7,
        title: markup`<b data-text="latent">Latent ${
          shown[0].latent
        }</b> <span data-text="says"></span>`,
        controls:
          markup`<span class="buttons" role="group" aria-label="Latent"><button type="button" data-do="previous">‹ previous</button><button type="button" data-do="next">next ›</button></span>`,
        body: markup`${
          frame("letters", "grow")
        }<div class="beneath"><div class="key"><span><i style="--c:var(--blue)"></i>precision: of its active residues</span><span><i style="--c:var(--orange)"></i>recall: of the letter's residues</span><span><i class="line" style="--c:var(--ink)"></i>precision by chance: the letter's frequency</span></div></div>`,
      }),
      panel({
        span: 5,
        title: markup`<b data-text="latent">Latent ${shown[0].latent}</b> and its neighbours`,
        body: markup`<div class="scroll"><table data-table="offsets">${
          tableHead(["Residue", "Letter", "Precision", "Recall", "F1", "Times"])
        }<tbody></tbody></table></div>`,
        caption:
          markup`The letter told best at each residue from three before (−3) to three after. <span data-text="ends"></span>`,
      }),
      packed("letters", Uint32Array.from(own.flatMap(({ letters }) => [...letters]))),
      packed("best", Uint32Array.from(best)),
    ]),
    run,
    pieces: [PAGE],
  });
}
