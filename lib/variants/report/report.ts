/** The report of variant scoring: the matrix, the profile along the protein, the assay. */
import type { Performance } from "../evaluate.ts";
import { AMINO_ACIDS } from "../letters.ts";
import type { ScoreMatrix } from "../matrix.ts";
import { residueOf } from "../resolve.ts";
import type { SampleCollector } from "../samples.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { page } from "../../report/page.ts";
import { short } from "../../report/scale.ts";
import headsStyle from "../../report/style_heads.css" with { type: "text" };
import mapsStyle from "../../report/style_maps.css" with { type: "text" };
import { variantMatrix } from "./matrix.ts";
import { performanceTable } from "./performance.ts";
import { scatter } from "./scatter.ts";
import residuesScript from "../../report/script_matrix.js" with { type: "text" };
import matrixScript from "./matrix.js" with { type: "text" };
import scatterScript from "./scatter.js" with { type: "text" };
import matrixStyle from "../../report/style_matrix.css" with { type: "text" };
import style from "./style.css" with { type: "text" };

export interface VariantReport {
  title: string;
  /** What was run: model, mode, number of variants. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: string[];
  matrix: ScoreMatrix;
  /** Statistics against the assay; empty without one. */
  performance: readonly Performance[];
  samples: SampleCollector;
  /** Column names of the score and of the measured value. */
  labels: { score: string; measured: string };
  provenance: Record<string, unknown>;
}

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderVariantReport(report: VariantReport): string {
  const { title, subtitle, notes, matrix, performance, samples, labels, provenance } = report;
  return page({
    ...{ title, subtitle, notes, provenance },
    summary: markup`<p class="finding">${finding(matrix)}${correlation(report)}</p>
`,
    sections: [
      markup`<section><h2>Every mutation</h2>
<p class="facts">Score: log p(mutation) − log p(wild type), in nats; negative is unfavourable. matrix.csv and matrix.npz have every digit.</p>
${variantMatrix(matrix)}</section>
`,
      performance.length > 0 &&
      markup`<section><h2>Against the assay</h2>
<p class="facts">${samples.headline.scores.length} variants with a measured value, column ${labels.measured}${
        performance[0].labelled > 0 && performance[0].labelled < performance[0].variants &&
        `; ${performance[0].labelled} of them with a label, which AUC and MCC are of`
      }.</p>
${performanceTable(performance)}${scatter(samples, labels)}</section>
`,
    ],
    styles: [headsStyle, mapsStyle, matrixStyle, style],
    scripts: [residuesScript, matrixScript, scatterScript],
  });
}

/** The positions where mutations cost most, in words. */
function finding(matrix: ScoreMatrix): string {
  const { target } = matrix;
  const known = Array.from(target.residues, (letter, i) => ({
    name: `${letter}${residueOf(i + 1, target)}`,
    mean: matrix.sensitivity(i + 1),
  })).filter(({ mean }) => !Number.isNaN(mean));
  if (known.length === 0) return "No single substitution was scored. ";
  const worst = known.toSorted((a, b) => a.mean - b.mean).slice(0, 5);
  const list = worst.map(({ name, mean }) => `${name} (${short(mean, true)})`).join(", ");
  return known.length <= 5
    ? `Mean score at ${list}. `
    : `Of ${known.length} residues, mutations are least favourable at ${list}, by the mean score of ` +
      `the ${AMINO_ACIDS.length - 1} substitutions. `;
}

function correlation({ performance, labels }: VariantReport): Markup | undefined {
  const [all] = performance;
  if (!all || Number.isNaN(all.values.spearman)) return undefined;
  const { low, high } = all.intervals?.spearman ?? { low: NaN, high: NaN };
  const range = Number.isNaN(low)
    ? ""
    : ` (95 % interval ${short(low, true)} to ${short(high, true)})`;
  return markup`The rank correlation with ${labels.measured} is ${
    short(all.values.spearman, true)
  }${range} over ${all.variants} variants.`;
}
