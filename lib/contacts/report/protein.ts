import { lineChart, type Series } from "../../report/chart.ts";
import { motifSection } from "./motif.ts";
import { contactMap } from "./map.ts";
import { hasStructure, structureView } from "./structure.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { short } from "../../report/scale.ts";
import { scrollingTable } from "../../report/table.ts";
import { precisionCurve } from "../evaluate.ts";
import { bestHeads } from "../rank_heads.ts";
import { contactRows, pairLabel } from "../tables.ts";
import { type ContactResult, type Method, RANGES, type RangeScores } from "../types.ts";

export const METHOD_NAMES: Record<Method, string> = {
  head: "contact head",
  attention: "mean attention",
  jacobian: "categorical Jacobian",
};

/** Browsers keep at most 16 drawing contexts alive in a page. */
const MOST_VIEWS = 12;

/** Everything about one protein. */
export function contactSection(result: ContactResult, i: number, method: Method): Markup {
  const { id, residues, scores, baseline, heads, motif, truth } = result;
  return markup`<section class="protein" id="protein-${i + 1}">
<h2>${id}</h2>
<p class="facts">${residues.length} residues${truth && ` · ${truth.source}`}</p>
<p class="finding">${contactFinding(result)}</p>
<h3>Contact map</h3>
${contactMap(result, method)}${
    hasStructure(result) && markup`<h3>On the structure</h3>
${
      i < MOST_VIEWS
        ? structureView(result)
        : markup`<p class="hint">Drawn for the first ${MOST_VIEWS} proteins of a page only.</p>\n`
    }`
  }${
    scores && markup`<h3>Precision</h3>
${scoreTable(METHOD_NAMES[method], scores, baseline)}${curves(result)}`
  }${heads && headTable(result)}${motif && motifSection(motif)}<h3>Highest pairs</h3>
${pairTable(result, method)}</section>
`;
}

/** The result in a sentence. */
function contactFinding({ residues, scores, truth, map }: ContactResult): string {
  const length = residues.length;
  if (!truth) {
    let apart = 0, high = 0;
    for (let i = 0; i < length; i++) {
      for (let j = i + 24; j < length; j++) {
        if (!Number.isNaN(map[i * length + j])) apart++;
        if (map[i * length + j] > 0.5) high++;
      }
    }
    return `Of ${apart} pairs at long range, ${high} have a value above one half. ` +
      "No true contacts were given to compare with.";
  }
  const [, , long] = scores!;
  if (Number.isNaN(long.precisionL)) return "No pair at long range is a contact to judge by.";
  const chance = long.contacts / long.pairs;
  return `Of the ${length} highest pairs at long range ${percent(long.precisionL)} are contacts ` +
    `(of the L/5 highest ${percent(long.precisionL5)}); by chance it would be ${percent(chance)}.`;
}

const percent = (x: number) => `${(100 * x).toFixed(x < 0.1 ? 1 : 0)} %`;
const number = (x: number) => Number.isNaN(x) ? "–" : x.toFixed(3);

function scoreTable(
  name: string,
  scores: readonly RangeScores[],
  baseline: ContactResult["baseline"],
): Markup {
  const lists = [[name, scores] as const, [baseline?.name ?? "", baseline?.scores ?? []] as const];
  return scrollingTable(
    "Precision by range",
    ["Predictor", "P@L", "P@L/2", "P@L/5", "AUC", "Contacts", "Pairs", "Range"],
    lists.flatMap(([predictor, list]) =>
      list.map((s) => [
        predictor,
        number(s.precisionL),
        number(s.precisionL2),
        number(s.precisionL5),
        number(s.auc),
        s.contacts,
        s.pairs,
        s.range,
      ])
    ),
  );
}

function curves({ map, truth, baseline }: ContactResult): Markup {
  const others = baseline ? [baseline.map] : [];
  const charts = RANGES.map((range) => {
    const series: Series[] = [
      { name: "predicted", colour: 1, points: precisionCurve(map, truth!, range, others) },
    ];
    if (baseline) {
      const points = precisionCurve(baseline.map, truth!, range, [map]);
      series.push({ name: baseline.name, colour: 2, dashed: true, points });
    }
    return { range, series };
  }).filter(({ series }) => series[0].points.length > 0);
  return markup`<div class="charts">${
    charts.map(({ range: { name, min, max }, series }) =>
      lineChart(
        `Precision, ${name} range (${min}${Number.isFinite(max) ? `–${max}` : " and more"})`,
        { name: "pairs taken, as a multiple of L", from: 0 },
        { name: "precision", from: 0, reach: 1 },
        series,
      )
    )
  }</div>
`;
}

function headTable({ heads }: ContactResult): Markup {
  return markup`<h3>Heads that see the contacts</h3>
<p class="hint">Precision at L of each head’s own map, symmetrised and corrected; heads.csv has all.</p>
${
    scrollingTable(
      "Best heads",
      ["Head", "Long", "Medium", "Short", ""],
      bestHeads(heads!).slice(0, 10).map(({ layer, head, precisionL: [s, m, l] }) => [
        `layer ${layer}, head ${head}`,
        number(l),
        number(m),
        number(s),
        "",
      ]),
    )
  }`;
}

function pairTable(result: ContactResult, method: Method): Markup {
  const { residues, truth } = result, hasStructure = truth?.chain !== undefined;
  const head = [
    "Pair",
    method === "head" ? "Probability" : "Score",
    "Separation",
    "Range",
    "Contact",
  ];
  return scrollingTable(
    "Highest pairs",
    hasStructure ? [...head.slice(0, 1), "In the structure", "Å", ...head.slice(1)] : head,
    contactRows(result, 1).slice(0, 15).map(({ i, j, score, range, contact, ...row }) => [
      `${residues[i - 1]}${i} – ${residues[j - 1]}${j}`,
      ...(hasStructure
        ? [pairLabel(row.authors)?.replace(" ", " – ") ?? "–", row.distance?.toFixed(1) ?? "–"]
        : []),
      short(score, true),
      j - i,
      range,
      contact === undefined ? "not known" : contact ? "yes" : "no",
    ]),
  );
}
