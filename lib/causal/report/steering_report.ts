/** The report of steering: one HTML file that needs nothing else, online or off. */
import type { Piece } from "../../report/bundle.ts";
import { short } from "../../report/client/numbers.js";
import { lettersMap, scatter, strips, structure, track } from "../../report/figures/mod.ts";
import { markup } from "../../report/markup.ts";
import { frame, packed, panel, ramp, reportPage, tableHead, view } from "../../report/page.ts";
import { scaleFor } from "../../report/scale.ts";
import { viewerScript } from "../../structure/molecules.ts";
import { shapeArrays } from "../../structure/shape.ts";
import { autoencoders } from "./autoencoders.ts";
import { countLetters, steeringFinding } from "./finding.ts";
import { plural, signed } from "./names.ts";
import { plainTable } from "./overview.ts";
import script from "./steering_page.js" with { type: "text" };
import style from "./style.css" with { type: "text" };
import type { SteeringReport } from "./types.ts";

export type * from "./types.ts";

const PAGE: Piece = {
  ...{ name: "page.js", script, style },
  uses: [lettersMap, scatter, strips, structure, track],
};

/** Rows of the table of residues, and of that of latents. */
const MOST_RESIDUES = 15, MOST_LATENTS = 40;

/** The amino acids by their chemistry, as maps show them. */
export const LETTERS = "AVILMFWYCGPSTNQHKRDE";

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export async function renderSteeringReport(report: SteeringReport): Promise<string> {
  const { notes, protein, residues, logProbs, latents, tokens, autoencoder, run, shape } = report;
  const { id, offset, residues: letters } = protein;
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const steered = residues.filter(({ position }) => tokens.includes(position));
  const isEverywhere = steered.length === residues.length;
  const changes = Array.from(logProbs.after, (after, i) => after - logProbs.before[i]);
  const cap = scaleFor(changes, "diverging", 1e-6).cap;
  const data = {
    ...{ letters: LETTERS, cap, counts: countLetters(residues, LETTERS) },
    rows: residues.map((one) => [
      ...[one.before, one.after, one.logProbBefore, one.logProbAfter],
      ...[one.steeredLogProbBefore, one.steeredLogProbAfter, one.divergence],
    ]),
    ranked: residues.toSorted((a, b) => b.divergence - a.divergence).slice(0, MOST_RESIDUES)
      .map(({ position }) => position),
  };
  const bar = {
    ...{ id, letters, first: offset, secondary: shape?.secondary },
    marks: isEverywhere ? [] : steered.map(({ position }) => position),
  };
  return reportPage({
    name: id,
    about: `steered latents, layer ${autoencoder.layer}`,
    context: [plural(letters.length, "residue"), model?.name ?? "", backend?.name ?? ""]
      .filter(Boolean),
    finding: steeringFinding(report),
    cautions: notes,
    body: [
      view(bar, data, [
        panel({
          span: 8,
          title: "Change of log p by letter",
          body: markup`${frame("map", "rows")}<div class="beneath">${
            ramp("d", "log p after − before, nats", `≤ −${short(cap)}`, `≥ ${short(cap)}`)
          }</div>`,
          caption:
            "Letters by their chemistry; a dot is the sequence’s own. Nothing is masked. Click a cell to see " +
            "the residue’s letters.",
        }),
        panel({
          span: 4,
          title: markup`Letters at <b data-text="residue"></b> <span>— before and after</span>`,
          controls:
            markup`<span class="key"><span><i style="--c:var(--blue)"></i>after</span><span><i class="ring" style="--c:var(--muted)"></i>before</span></span>`,
          body: frame("letters", "grow"),
        }),
        panel({
          span: shape ? 7 : 12,
          title: "How far the prediction moves",
          controls:
            markup`<span class="key"><span><i style="--c:var(--orange)"></i>most probable letter changes</span><span><i style="--c:var(--blue)"></i>stays</span></span>`,
          body: frame("divergence", shape ? "grow" : "low"),
          caption: isEverywhere
            ? undefined
            : "Triangles on the residue bar: residues at which latents were steered.",
        }),
        shape && panel({
          span: 5,
          title: "Divergence on the structure",
          body: frame("structure", "grow"),
          caption:
            `${shape.source}. Drag or use the arrow keys to turn; click a residue to select it everywhere.`,
        }),
        panel({
          span: 5,
          title: "Letters predicted, before and after",
          controls:
            markup`<span class="key"><span><i style="--c:var(--blue)"></i>after</span><span><i class="ring" style="--c:var(--muted)"></i>before</span></span>`,
          body: frame("counts", "rows"),
          caption: "Residues at which each amino acid is the most probable one.",
        }),
        panel({
          span: 7,
          title: "log p of the sequence’s own letter",
          controls:
            markup`<span class="key"><span><i style="--c:var(--orange)"></i>most probable letter changes</span><span><i style="--c:var(--blue)"></i>stays</span></span>`,
          body: frame("own", "rows"),
          caption:
            "A residue each; where own letters become less probable, points lie low on the right.",
        }),
        panel({
          span: 12,
          title: markup`Residues that move most <span>— ${
            data.ranked.length < residues.length
              ? `${data.ranked.length} of ${residues.length}; steering.csv has all`
              : "all"
          }</span>`,
          body: markup`<div class="scroll"><table data-table="residues">${
            tableHead([
              "Residue",
              "Letter",
              "log p of own",
              "after",
              "of steered",
              "after",
              "Divergence",
            ])
          }<tbody></tbody></table></div>`,
        }),
        panel({
          span: 12,
          title: "Steered latents",
          body: plainTable(
            [
              "Latent",
              "Becomes",
              "Active before",
              "Largest before",
              "Mean before",
              "after",
              "Change",
            ],
            latents.slice(0, MOST_LATENTS).map((one) => [
              ...[one.latent, one.becomes],
              `at ${one.active} of ${tokens.length}`,
              short(one.maxBefore),
              short(one.meanBefore),
              short(one.meanAfter),
              signed(one.meanAfter - one.meanBefore),
            ]),
          ),
          caption: [
            `Activations over the ${plural(tokens.length, "token")} that ${
              tokens.length === 1 ? "was" : "were"
            } steered.`,
            latents.length > MOST_LATENTS &&
            ` The first ${MOST_LATENTS} of ${latents.length}; run.json has all.`,
          ],
        }),
        packed("before", logProbs.before),
        packed("after", logProbs.after),
        shape && shapeArrays(shape),
      ]),
      autoencoders([autoencoder]),
    ],
    run,
    pieces: [PAGE],
    libraries: shape ? [await viewerScript()] : [],
  });
}
