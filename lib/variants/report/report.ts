/** The report of variant scoring: one HTML file that needs nothing else, online or off. */
import { counted } from "../../display.ts";
import type { Piece } from "../../report/bundle.ts";
import { fixed, short } from "../../report/client/numbers.js";
import { intervalRows, lettersMap, scatter } from "../../report/figures/mod.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { drawnNote, tableHead } from "../../report/page.ts";
import {
  choices,
  foldedView,
  frame,
  panel,
  ramp,
  reportPage,
  small,
  summaryView,
  view,
} from "../../report/page.ts";
import {
  type Performance,
  type Statistic,
  STATISTIC_LABELS,
  STATISTIC_MEANINGS,
  STATISTICS,
} from "../evaluate.ts";
import type { Interval } from "../../stats/bootstrap.ts";
import { residueOf } from "../resolve.ts";
import { isVariant } from "../scan.ts";
import type { Scored } from "../tables.ts";
import type { Target } from "../types.ts";
import { BY_CHEMISTRY, scoreData } from "./data.ts";
import { finding, findingOverall, many } from "./finding.ts";
import script from "./page.js" with { type: "text" };
import style from "./style.css" with { type: "text" };
import type { Labels, ProteinLine, ScoredProtein, VariantReport } from "./types.ts";

const PAGE: Piece = {
  ...{ name: "page.js", script, style },
  uses: [intervalRows, lettersMap, scatter],
};

/** Letters of the measured column's name on the page. */
const NAME = 40;

/** Proteins that the summary's figure has; of more, those at both ends. */
const ROWS = 60;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderVariantReport(report: VariantReport): string {
  const { proteins, lines, summary, notes, run } = report, [first] = proteins;
  const { measured } = report.labels;
  const labels = {
    ...report.labels,
    measured: measured.length > NAME ? `${measured.slice(0, NAME - 1)}…` : measured,
  };
  const isOne = lines.length === 1;
  const hasAssay = lines.some(({ performance }) => performance.length > 0);
  const { model, backend, mode } = run.record as Recorded;
  return reportPage({
    name: isOne ? first.matrix.target.id : counted(lines.length, "protein"),
    about: hasAssay
      ? `scores against ${labels.measured}`
      : isOne && first.isScan
      ? "score of every substitution"
      : "scores of variants",
    context: [
      ...(isOne ? [counted(first.matrix.target.residues.length, "residue")] : []),
      many(lines.reduce((sum, { variants }) => sum + variants, 0), "variant"),
      ...[model?.name ?? "", mode ?? "", backend?.name ?? ""],
    ].filter(Boolean),
    finding: isOne ? finding(first, labels) : findingOverall(lines, summary, labels),
    cautions: [...notes, ...drawnNote(proteins.length, lines.length)],
    body: [
      isOne ? proteinView(first, labels) : [
        overall(report, proteins.length),
        proteins.map((protein, i) =>
          foldedView(
            `protein-${i + 1}`,
            markup`${protein.matrix.target.id} <span>${finding(protein, labels).answer}</span>`,
            proteinView(protein, labels),
          )
        ),
      ],
      hasAssay && glossary(),
    ],
    run,
    pieces: [PAGE],
  });
}

interface Recorded {
  model?: { name: string };
  backend?: { name: string };
  mode?: string;
}

function proteinView(protein: ScoredProtein, labels: Labels): Markup {
  const { matrix: { target }, performance, samples } = protein;
  const { id, residues, offset } = target;
  const { data, arrays } = scoreData(protein, labels);
  const hasPoints = performance.length > 0 && samples.points.length > 0;
  const letters = data.hasScores && panel({
    span: 4,
    title: markup`<b data-text="residue"></b> <span>— its letters, highest score first</span>`,
    body: letterTable(data.measured ? labels.measured : undefined),
  });
  const points = hasPoints && scatterPanel(protein, labels, data.hasScores ? 4 : 12);
  return view(
    { id, letters: residues, ...(offset !== 1 && { first: offset }) },
    data,
    [
      data.hasScores && panel({
        span: 8,
        title: markup`Score of every substitution${
          data.isPartial && markup` <span>— as far as computed</span>`
        }`,
        body: markup`${frame("scores", "letters with-strips")}<div class="beneath">${
          ramp(
            "d",
            "score, nats; 0 is the wild type",
            `${data.scale.cappedBelow ? "≤ " : ""}−${short(data.scale.cap)} less likely`,
            `likelier ${data.scale.cappedAbove ? "≥ " : ""}${short(data.scale.cap)}`,
          )
        }<div class="key"><span><i style="--c:var(--ink);border-radius:50%;width:6px;height:6px"></i>wild type</span>${
          data.isPartial &&
          markup`<span><i class="hatch"></i>not computed</span>`
        }</div><p class="caption">Letters in order of chemistry: ${BY_CHEMISTRY}. Colours end at the 98th percentile of all sizes, rounded up; where residues share a pixel it has the score farthest from 0.</p></div>${
          data.measured && small(
            markup`Measured: ${labels.measured}`,
            markup`${frame("measured", "letters")}<div class="beneath">${
              ramp(
                "s",
                labels.measured,
                `${data.measured.below ? "≤ " : ""}${short(data.measured.low)}`,
                `${data.measured.above ? "≥ " : ""}${short(data.measured.high)}`,
              )
            }<div class="key"><span><i class="hatch"></i>not measured</span></div></div>`,
            "Single substitutions, the mean where one was measured more than once; colours from the 2nd to the 98th percentile.",
          )
        }`,
      }),
      letters && points
        ? markup`<div class="span-4 stack">${letters}${points}</div>`
        : [letters, points],
      performance.length > 0 && [
        performance.length > 1 && panel({
          span: 4,
          title: "Agreement with the assay by group",
          body: rowsFrame("groups", performance.length),
          caption:
            "Dot: Spearman of score and measured value. Bar: its 95\u202f% interval over resampled variants; filled where it leaves out 0.",
        }),
        panel({
          span: performance.length > 1 ? 8 : 12,
          title: markup`All statistics <span>— with 95 % intervals</span>`,
          body: performanceTable(performance),
        }),
      ],
      protein.scored <= protein.highest.length
        ? variantTable("Scores", 12, protein.highest, target)
        : [
          variantTable("Lowest scores", 6, protein.lowest, target),
          variantTable("Highest scores", 6, protein.highest, target),
        ],
      arrays,
    ],
  );
}

/** Filled by the script, residue by residue. */
const letterTable = (measured: string | undefined) =>
  markup`<div class="scroll"><table data-table="letters"><thead><tr><th scope="col">To</th><th scope="col" class="letter-bar"><span class="unseen">Bar of the score</span></th><th scope="col">Score</th>${
    measured && markup`<th scope="col" title="${measured}">Measured</th>`
  }</tr></thead><tbody></tbody></table></div>`;

function scatterPanel({ samples }: ScoredProtein, labels: Labels, span: 4 | 12): Markup {
  const [singles, multiples, indels] = (["single", "multiple", "indel"] as const)
    .map((kind) => samples.count(kind));
  const { points } = samples, all = singles + multiples + indels;
  const key = (count: number, colour: string, name: string) =>
    count > 0 && markup`<span><i style="--c:var(--${colour})"></i>${name}</span>`;
  return panel({
    span,
    classes: "fill",
    title: markup`${labels.measured} against score`,
    controls: singles + multiples > 0 && indels > 0 && choices("Variants", "set", [
      { value: "substitutions", label: "substitutions" },
      { value: "indels", label: "length changed" },
    ], "substitutions"),
    body: markup`${frame("scatter", "grow")}<div class="key">${
      key(singles, "blue", "single substitution: click selects it")
    }${key(multiples, "orange", "several")}${key(indels, "green", "length changed")}</div>`,
    caption: [
      points.length < all &&
      `Drawn: ${points.length} of ${all}, evenly spaced; the statistics are of all. `,
      indels > 0 && singles + multiples > 0 &&
      "Scores of other lengths are on another scale and have a plot of their own.",
    ],
  });
}

/** A frame as tall as its rows need. */
const rowsFrame = (name: string, rows: number) =>
  markup`<div class="canvas" style="height:${
    String(62 + 26 * Math.max(2, rows))
  }px" data-figure="${name}"></div>`;

const three = (value: number) => fixed(value, 3);

interface StatisticsRow {
  group: string;
  count: number;
  labelled?: number;
  value: (name: Statistic) => number;
  interval: (name: Statistic) => Interval | undefined;
}

const performanceTable = (performance: readonly Performance[]) =>
  statisticsTable(
    performance.map(({ group, variants, labelled, values, intervals }) => ({
      ...{ group, count: variants, labelled },
      value: (name) => values[name],
      interval: (name) => intervals?.[name],
    })),
    "n",
  );

/** One row per group of variants, intervals below the values. */
function statisticsTable(rows: readonly StatisticsRow[], countName: string): Markup {
  const shown = STATISTICS.filter((name) => rows.some(({ value }) => !Number.isNaN(value(name))));
  // Of no interest where all or none have a label.
  const some = rows.some(({ count, labelled = 0 }) => labelled > 0 && labelled < count);
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Statistics"><table><thead><tr><th scope="col">Variants</th><th scope="col">${countName}</th>${
    some && markup`<th scope="col" title="AUC and MCC are of these">labelled</th>`
  }${
    shown.map((name) =>
      markup`<th scope="col" title="${STATISTIC_MEANINGS[name]}">${STATISTIC_LABELS[name]}</th>`
    )
  }</tr></thead><tbody>${
    rows.map(({ group, count, labelled, value, interval }) =>
      markup`
<tr><td>${group.replaceAll("_", " ")}</td><td>${count}</td>${some && markup`<td>${labelled}</td>`}${
        shown.map((name) => {
          const { low, high } = interval(name) ?? { low: NaN, high: NaN };
          return markup`<td>${three(value(name))}${
            !Number.isNaN(low) && markup`<br><small>${three(low)} to ${three(high)}</small>`
          }</td>`;
        })
      }</tr>`
    )
  }</tbody></table></div>`;
}

function variantTable(
  title: string,
  span: 6 | 12,
  variants: readonly Scored[],
  target: Target,
): Content {
  return variants.length > 0 && panel({
    span,
    title: markup`${title} <span>— ${span === 6 && `${variants.length}; `}all in scores.csv</span>`,
    body: markup`<div class="scroll"><table data-table="variants">${
      tableHead(["Variant", "Score"])
    }<tbody>${variants.map((variant) => variantRow(variant, target))}</tbody></table></div>`,
  });
}

function variantRow({ name, score, reading }: Scored, target: Target): Markup {
  const changed = reading && isVariant(reading) && reading.indel === undefined
    ? reading.substitutions.filter(({ from, to }) => from !== to)
    : [];
  const [one] = changed, item = one ? BY_CHEMISTRY.indexOf(one.to) : -1;
  const cells = (first: Content) =>
    markup`<td class="wrap">${first}</td><td>${three(score)}</td></tr>`;
  return changed.length === 1 && item >= 0
    ? markup`
<tr data-residue="${String(one.position)}" data-item="${String(item)}">${
      cells(
        markup`<button type="button">${one.from}${
          residueOf(one.position, target)
        }${one.to}</button>`,
      )
    }`
    : markup`
<tr>${cells(name)}`;
}

function overall({ lines, summary, labels }: VariantReport, drawn: number): Markup {
  const found = lines.flatMap(({ id, performance: [all] }, item) =>
    all
      ? [{
        ...{ item, name: id, variants: all.variants, value: all.values.spearman },
        low: all.intervals?.spearman.low ?? NaN,
        high: all.intervals?.spearman.high ?? NaN,
      }]
      : []
  ).sort((a, b) => b.value - a.value || (Number.isNaN(a.value) ? 1 : -1));
  const rows = found.length <= ROWS
    ? found
    : [...found.slice(0, ROWS / 2), ...found.slice(-ROWS / 2)];
  const mean = summary.find(({ group, statistic }) => group === "all" && statistic === "spearman");
  const all = mean && {
    ...{ item: -2, name: "mean of proteins", variants: mean.proteins, value: mean.mean },
    ...{ low: mean.interval?.low ?? NaN, high: mean.interval?.high ?? NaN },
  };
  return summaryView({ rows: all ? [all, ...rows] : rows }, [
    rows.length > 0 && panel({
      span: summary.length > 0 ? 4 : 12,
      title: markup`Spearman of score and ${labels.measured} <span>— by protein</span>`,
      body: rowsFrame("proteins", rows.length + (all ? 1 : 0)),
      caption: `Dot: Spearman. Bar: 95\u202f% interval over resampled variants${
        all ? "; of the mean, over resampled proteins" : ""
      }. Filled: it leaves out 0.${
        found.length > ROWS
          ? ` Of ${found.length} proteins the ${ROWS / 2} at each end are drawn.`
          : ""
      }`,
    }),
    summary.length > 0 && panel({
      span: 8,
      title: markup`Means over proteins <span>— with 95 % intervals</span>`,
      body: statisticsTable(
        [...new Set(summary.map(({ group }) => group))].map((group) => {
          const own = summary.filter((row) => row.group === group);
          const of = (name: Statistic) => own.find(({ statistic }) => statistic === name);
          return {
            group,
            count: Math.max(...own.map(({ proteins }) => proteins)),
            value: (name) => of(name)?.mean ?? NaN,
            interval: (name) => of(name)?.interval,
          };
        }),
        "Proteins",
      ),
      caption: "Intervals over resampled proteins; summary.csv has every digit.",
    }),
    panel({ span: 12, title: "Proteins", body: proteinTable(lines, drawn) }),
  ]);
}

function proteinTable(lines: readonly ProteinLine[], drawn: number): Markup {
  const hasAssay = lines.some(({ performance }) => performance.length > 0);
  const end = (scored: Scored | undefined) =>
    markup`<td class="text wrap">${
      scored && (scored.name.length > 30 ? `${scored.name.slice(0, 29)}…` : scored.name)
    }</td><td>${scored ? three(scored.score) : "–"}</td>`;
  return markup`<div class="scroll"><table data-table="proteins"><thead><tr><th scope="col">Protein</th><th scope="col">Residues</th><th scope="col">Variants</th>${
    hasAssay && markup`<th scope="col">Spearman</th>`
  }<th scope="col" class="text">Lowest</th><th scope="col">Score</th><th scope="col" class="text">Highest</th><th scope="col">Score</th></tr></thead><tbody>${
    lines.map(({ id, residues, variants, performance: [all], low, high }, i) =>
      markup`
<tr data-item="${String(i)}"><td class="wrap">${
        i < drawn ? markup`<a href="#protein-${i + 1}">${id}</a>` : id
      }</td><td>${residues}</td><td>${variants}</td>${
        hasAssay && markup`<td>${all ? three(all.values.spearman) : "–"}</td>`
      }${end(low)}${end(high)}</tr>`
    )
  }</tbody></table></div>`;
}

const glossary = () =>
  markup`<details><summary>What the statistics mean</summary><div class="inside"><dl class="glossary">${
    STATISTICS.map((name) =>
      markup`<dt>${STATISTIC_LABELS[name]}</dt><dd>${STATISTIC_MEANINGS[name]}</dd>`
    )
  }</dl></div></details>`;
