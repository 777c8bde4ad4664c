/** The report of steering: one HTML file that needs nothing else, online or off. */
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { page } from "../../report/page.ts";
import { autoencoderTable } from "./sae_autoencoders.ts";
import { plural, signed, tokenName } from "./sae_names.ts";
import { scatterChart } from "../../report/scatter_chart.ts";
import { short } from "../../report/scale.ts";
import { countLetters, letterChart } from "./steering_letters.ts";
import { isEverywhere, steeringTracks } from "./steering_tracks.ts";
import type { SteeringReport } from "./steering_types.ts";
import { scrollingTable } from "../../report/table.ts";
import marksScript from "../../report/script_marks.js" with { type: "text" };
import saeStyle from "./sae_style.css" with { type: "text" };
import chartsStyle from "../../report/style_charts.css" with { type: "text" };
import headsStyle from "../../report/style_heads.css" with { type: "text" };
import mapsStyle from "../../report/style_maps.css" with { type: "text" };
import steeringStyle from "./steering_style.css" with { type: "text" };

export type * from "./steering_types.ts";

/** Rows of the table of residues, and of that of latents. */
const MOST_RESIDUES = 15, MOST_LATENTS = 40;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderSteeringReport(report: SteeringReport): string {
  const { title, subtitle, notes, provenance } = report;
  return page({
    ...{ title, subtitle, notes, provenance },
    summary: markup`<p class="finding">${finding(report)}</p>\n`,
    sections: [
      markup`<section><h2>Along the sequence</h2>
<p class="facts">${facts(report)}</p>
${steeringTracks(report)}</section>
`,
      letterSection(report),
      residueTable(report),
      latentTable(report),
      autoencoderTable([report.autoencoder]),
    ],
    styles: [headsStyle, mapsStyle, chartsStyle, saeStyle, steeringStyle],
    scripts: [marksScript],
  });
}

/** The result in a few sentences. */
function finding({ residues, protein }: SteeringReport): Content {
  const changed = residues.filter(({ before, after }) => before !== after).length;
  const most = residues.reduce((a, b) => b.divergence > a.divergence ? b : a);
  if (most.divergence === 0) return "Steering changes no prediction at all.";
  const risen = countLetters(residues).reduce((a, b) =>
    b.after - b.before > a.after - a.before ? b : a
  );
  return `Steering changes ${changed === 0 ? "none" : changed} of ${residues.length} predicted ` +
    `letters. The prediction moves most at ${tokenName(most.position, protein)}, where the ` +
    `divergence is ${short(most.divergence, true)} nats.${
      risen.after > risen.before
        ? ` ${risen.letter} is predicted at ${
          plural(risen.after, "residue")
        }, without steering at ` +
          `${risen.before}.`
        : ""
    }`;
}

function facts(report: SteeringReport): Content {
  const { tokens, residues } = report;
  const steered = residues.filter(({ position }) => tokens.includes(position)).length;
  const where = isEverywhere(report)
    ? "Latents were steered at every residue"
    : `Latents were steered at ${steered} of ${plural(residues.length, "residue")}`;
  return `${where}${
    tokens.includes(0) ? " and at <cls> and <eos>" : ""
  }. Letters are the most probable of the 20 amino acids, read from the sequence as it is, without ` +
    "masks; the divergence is that of Kullback and Leibler, of all 33 tokens, after steering from " +
    "before.";
}

function letterSection({ residues, protein }: SteeringReport): Markup {
  const known = residues.filter(({ letter }) => /[A-Z]/.test(letter));
  return markup`<section><h2>Letters before and after</h2>
<div class="charts">${letterChart(residues)}${
    scatterChart(
      "log p of the sequence’s own letter",
      { name: "predicted" },
      { name: "after steering" },
      known.map((one) => ({
        x: one.logProbBefore,
        y: one.logProbAfter,
        colour: one.before === one.after ? 1 : 2,
        title: tokenName(one.position, protein),
        entries: [
          ["log p before", short(one.logProbBefore, true)],
          ["after", short(one.logProbAfter, true)],
          ["predicted", `${one.before} → ${one.after}`],
        ],
      })),
      [{ name: "predicted letter stays", colour: 1 }, { name: "changes", colour: 2 }],
    )
  }</div>
<p class="hint">Below the diagonal the sequence’s own letter has become less probable.</p></section>
`;
}

function residueTable({ residues, protein }: SteeringReport): Markup {
  const shown = residues.toSorted((a, b) => b.divergence - a.divergence).slice(0, MOST_RESIDUES);
  return markup`<section><h2>Where the prediction moves most</h2>
<p class="facts">${
    shown.length < residues.length && `The first ${shown.length} of ${residues.length}; `
  }steering.csv has all.</p>
${
    scrollingTable(
      "Residues whose prediction moves most",
      [
        ...["Residue", "Predicted", "Steered", "log p of own letter", "after"],
        ...["log p of steered letter", "after", "Divergence"],
      ],
      shown.map((one) => [
        tokenName(one.position, protein),
        one.before,
        one.after,
        short(one.logProbBefore, true),
        short(one.logProbAfter, true),
        short(one.steeredLogProbBefore, true),
        short(one.steeredLogProbAfter, true),
        short(one.divergence, true),
      ]),
      false,
    )
  }</section>
`;
}

function latentTable({ latents, tokens }: SteeringReport): Markup {
  return markup`<section><h2>Steered latents</h2>
<p class="facts">Activations over the ${
    tokens.length === 1 ? "token" : `${tokens.length} tokens`
  } that were steered.${
    latents.length > MOST_LATENTS &&
    ` The first ${MOST_LATENTS} of ${latents.length}; run.json has all.`
  }</p>
${
    scrollingTable(
      "Steered latents",
      [
        "Latent",
        "Active before",
        "Largest before",
        "Mean before",
        "Mean after",
        "Change",
        "Becomes",
      ],
      latents.slice(0, MOST_LATENTS).map((one) => [
        one.latent,
        `at ${one.active} of ${tokens.length}`,
        short(one.maxBefore, true),
        short(one.meanBefore, true),
        short(one.meanAfter, true),
        signed(one.meanAfter - one.meanBefore),
        one.becomes,
      ]),
    )
  }</section>
`;
}
