/** The report of variant scoring: the matrix, the profile along the protein, the assay. */
import { three } from "../../cli/figures.ts";
import { type Performance, type ProteinMean, STATISTIC_LABELS } from "../evaluate.ts";
import { AMINO_ACIDS } from "../letters.ts";
import type { ScoreMatrix } from "../matrix.ts";
import { residueOf } from "../resolve.ts";
import type { SampleCollector } from "../samples.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { drawnNote, page } from "../../report/page.ts";
import { scrollingTable } from "../../report/table.ts";
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

/** What the page shows of a protein. */
export interface ScoredProtein {
  matrix: ScoreMatrix;
  /** Statistics against the assay; empty without one. */
  performance: readonly Performance[];
  samples: SampleCollector;
}

export interface VariantReport {
  title: string;
  /** What was run: model, mode, number of variants. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: string[];
  /** Those that the page shows in full. */
  proteins: readonly ScoredProtein[];
  /** How many there are. */
  count: number;
  /** Statistics over proteins. */
  summary: readonly ProteinMean[];
  /** Column names of the score and of the measured value. */
  labels: Labels;
  provenance: Record<string, unknown>;
}

interface Labels {
  score: string;
  measured: string;
}

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderVariantReport(report: VariantReport): string {
  const { title, subtitle, proteins, count, summary, labels, provenance } = report;
  const notes = [...report.notes, ...drawnNote(proteins.length, count)];
  return page({
    ...{ title, subtitle, notes, provenance },
    summary: count === 1 &&
      proteins.map((protein) =>
        markup`<p class="finding">${finding(protein.matrix)}${correlation(protein, labels)}</p>
`
      ),
    sections: [
      summary.length > 0 && summarySection(summary),
      proteins.map((protein) => proteinSections(protein, labels, count > 1)),
    ],
    styles: [headsStyle, mapsStyle, matrixStyle, style],
    scripts: [residuesScript, matrixScript, scatterScript],
  });
}

function proteinSections(protein: ScoredProtein, labels: Labels, isNamed: boolean): Markup {
  const { matrix, performance, samples } = protein, { id } = matrix.target;
  return markup`<section><h2>${isNamed ? `Every mutation of ${id}` : "Every mutation"}</h2>
${
    isNamed && markup`<p class="finding">${finding(matrix)}${correlation(protein, labels)}</p>
`
  }<p class="facts">Score: log p(mutation) − log p(wild type), in nats; negative is unfavourable. matrix.csv and matrix.npz have every digit.</p>
${variantMatrix(matrix)}</section>
${
    performance.length > 0 &&
    markup`<section><h2>${isNamed ? `${id} against the assay` : "Against the assay"}</h2>
<p class="facts">${samples.headline.scores.length} variants with a measured value, column ${labels.measured}${
      performance[0].labelled > 0 && performance[0].labelled < performance[0].variants &&
      `; ${performance[0].labelled} of them with a label, which AUC and MCC are of`
    }.</p>
${performanceTable(performance)}${scatter(samples, labels)}</section>
`
  }`;
}

function summarySection(summary: readonly ProteinMean[]): Markup {
  return markup`<section><h2>Across proteins</h2>
<p class="facts">Means with 95 % intervals over resampled proteins; summary.csv has every digit.</p>
${
    scrollingTable(
      "Means over proteins",
      ["Variants", "Statistic", "Proteins", "Mean", "95 % interval"],
      summary.map(({ group, statistic, proteins, mean, interval }) => [
        group,
        STATISTIC_LABELS[statistic],
        proteins,
        three(mean),
        interval && !Number.isNaN(interval.low)
          ? `${three(interval.low)} to ${three(interval.high)}`
          : "–",
      ]),
    )
  }</section>
`;
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

function correlation({ performance }: ScoredProtein, labels: Labels): Markup | undefined {
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
