/** The contact report: one HTML file that needs nothing else, online or off. */
import type { Piece } from "../../report/bundle.ts";
import { headGrid, histogram, lines, pairMap, structure } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { drawnNote, tableHead } from "../../report/page.ts";
import {
  choices,
  foldedView,
  frame,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  small,
  summaryView,
  view,
} from "../../report/page.ts";
import { short } from "../../report/scale.ts";
import { viewerScript } from "../../structure/molecules.ts";
import { countPredicted } from "../evaluate.ts";
import type { MotifShare } from "../motif_types.ts";
import type { MetricSummary } from "../summary.ts";
import { SUMMARY } from "../tables.ts";
import type { ContactRecord, ContactResult, Method } from "../types.ts";
import { CHANGE_PIECE, changePanels } from "./change.ts";
import { contactData, curvesOf, METHOD_NAMES, shapeOfTruth } from "./data.ts";
import { finding, findingOverall } from "./finding.ts";
import script from "./page.js" with { type: "text" };

export interface ContactReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  method: Method;
  /** Of every protein. */
  results: readonly ContactRecord[];
  /** The first of them, which the page shows in full. */
  drawn: readonly ContactResult[];
  summary?: readonly MetricSummary[];
  /** The motif experiment's headline curves, where it was run. */
  motifShares?: readonly MotifShare[];
  run: RunFacts;
}

const PAGE: Piece = {
  name: "page.js",
  script,
  uses: [headGrid, histogram, lines, pairMap, structure, CHANGE_PIECE],
};

/** Whether a result has a structure to draw. */
const hasStructure = ({ truth }: ContactResult): boolean => truth?.chain !== undefined;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export async function renderContactReport(report: ContactReport): Promise<string> {
  const { method, results, drawn, summary, motifShares = [], run } = report;
  const [first] = drawn, isOne = results.length === 1;
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  return reportPage({
    name: isOne ? first.id : `${results.length} proteins`,
    about: `contacts by ${METHOD_NAMES[method]}`,
    context: [
      ...(isOne ? [`${first.residues.length} residues`, first.truth?.source ?? ""] : []),
      ...[model?.name ?? "", backend?.name ?? ""],
    ].filter(Boolean),
    finding: isOne ? finding(first, method) : findingOverall(results, summary, method),
    cautions: [...report.notes, ...drawnNote(drawn.length, results.length)],
    body: [
      !isOne && overall(report),
      isOne
        ? [proteinView(first, method), motifShares.length > 0 && overall(report)]
        : drawn.map((result, i) =>
          foldedView(
            `protein-${i + 1}`,
            markup`${result.id} <span>${finding(result, method).answer}</span>`,
            proteinView(result, method),
          )
        ),
    ],
    run,
    pieces: [PAGE],
    libraries: drawn.some(hasStructure) ? [await viewerScript()] : [],
  });
}

function proteinView(result: ContactResult, method: Method): Markup {
  const { id, residues, truth } = result;
  const shape = shapeOfTruth(result);
  const { data, arrays } = contactData(result, method, shape);
  const { missing } = countPredicted(result.map);
  const drawn = shape !== undefined, isBinned = data.bin > 1;
  const keys = truth &&
    markup`<div class="key"><span>below the diagonal:</span><span><i style="--c:var(--grey)"></i>true contact</span><span><i style="--c:var(--blue)"></i>predicted, right</span><span><i style="--c:var(--orange)"></i>predicted, wrong</span></div>`;
  return view({ id, letters: residues, secondary: shape?.secondary }, data, [
    panel({
      span: drawn ? 7 : 8,
      title: truth ? "Predicted against true contacts" : "Predicted contacts",
      controls: markup`${
        choices("Range", "range", [
          { value: "all", label: "all ≥ 6" },
          { value: "long", label: "long ≥ 24" },
        ], "long")
      }${
        choices("Pairs", "share", [
          { value: "0.2", label: "L/5" },
          { value: "0.5", label: "L/2" },
          { value: "1", label: "L" },
        ], "1")
      }`,
      body: markup`${frame("map", "square")}<div class="beneath">${
        ramp(
          "s",
          `${data.value}, above the diagonal`,
          `≤ ${short(data.low)}`,
          `≥ ${short(data.high)}`,
        )
      }${keys}</div>`,
      caption: (isBinned || missing > 0) && [
        isBinned &&
        `A pixel stands for ${data.bin} × ${data.bin} pairs and shows the highest; map.npz has all. `,
        missing > 0 &&
        `Without colour: not predicted (${missing} pairs are in no window together).`,
      ],
    }),
    drawn && panel({
      span: 5,
      title: "The same pairs in 3-D",
      controls:
        markup`<span class="buttons"><button type="button" data-do="wrong" aria-pressed="true">wrong pairs</button></span>`,
      body: markup`${
        frame("structure", "grow")
      }<div class="beneath"><div class="key"><span><i class="line" style="--c:var(--blue)"></i>right</span><span><i class="line" style="--c:var(--orange)"></i>wrong</span><span><i style="--c:var(--violet)"></i>helix</span><span><i style="--c:var(--ochre)"></i>strand</span></div></div>`,
      caption: "Drag or use the arrow keys to turn; click a residue to select it everywhere.",
    }),
    !drawn && pairTable(4, data.value, truth !== undefined, false),
    data.curves.length > 0 && panel({
      span: drawn ? 5 : 12,
      title: "Precision of the highest pairs",
      body: frame("precision", "grow"),
      caption: "Dotted: share of all pairs of that range that touch, what random choice gives.",
    }),
    drawn && panel({
      span: 3,
      classes: "half",
      title: "How far apart they are",
      body: frame("distances", "grow"),
      caption: "Of the pairs on view, in the structure.",
    }),
    drawn && pairTable(4, data.value, true, true),
    changePanels(result, method, data.value),
    data.headRows && panel({
      span: 4,
      title: "Heads that see contacts",
      body: markup`<div data-figure="heads"></div><div class="beneath">${
        ramp("s", "precision at L, layers down, heads across", "0", "highest")
      }</div>`,
      caption:
        "Long-range precision at L of each head's own map, symmetrised and corrected, in per cent; heads.csv has all ranges.",
    }),
    data.contexts.length > 0 && panel({
      span: data.headRows ? 8 : 12,
      title: "Which context do contacts need?",
      controls:
        markup`<span class="key"><span><i class="line" style="--c:var(--blue)"></i>flanking residues</span><span><i class="line" style="--c:var(--grey)"></i>random</span><span><i class="line" style="--c:var(--orange)"></i>random, far away</span></span>`,
      body: markup`<div class="several">${
        data.contexts.map(({ name, note }, k) => small(name, frame(`context-${k}`, "low"), note))
      }</div>`,
      caption:
        "All but the segments is masked, then residues are given back step by step. Recovery 1: the contacts as with the whole sequence.",
    }),
    arrays,
  ]);
}

function pairTable(span: 4, value: string, hasTruth: boolean, hasDistance: boolean): Markup {
  const head = [
    ...[value, "Apart"],
    ...(hasDistance ? ["Å"] : []),
    ...(hasTruth ? ["Contact"] : []),
  ];
  return panel({
    span,
    title: markup`Highest pairs <span>— on view</span>`,
    body:
      markup`<div class="scroll"><table data-table="pairs"><thead><tr><th scope="col">Pair</th>${
        head.map((name) => markup`<th scope="col">${name[0].toUpperCase() + name.slice(1)}</th>`)
      }</tr></thead><tbody></tbody></table></div>`,
  });
}

/** The experiment's headline, and the proteins in a table. */
function overall({ results, drawn, summary, motifShares = [] }: ContactReport): Markup {
  const sets = [...new Set(motifShares.map(({ set }) => set))];
  const headline = sets.map((set) => {
    const own = motifShares.filter((share) => share.set === set);
    return {
      name: setName(set),
      note: `${own[0].units} of ${own[0].proteins} protein${own[0].proteins === 1 ? "" : "s"}`,
      curves: curvesOf((mode) => {
        const points = own.filter((share) => share.mode === mode);
        const hasInterval = points.every(({ interval }) => !Number.isNaN(interval.low));
        return {
          points: points.map(({ unmasked, share }) => [unmasked, share]),
          ...(hasInterval && {
            low: points.map(({ interval }) => interval.low),
            high: points.map(({ interval }) => interval.high),
          }),
        };
      }),
    };
  });
  return summaryView({ headline }, [
    summary && panel({
      span: results.length > 1 ? 5 : 12,
      title: "Means over proteins",
      body: markup`<div class="scroll"><table><thead><tr>${
        SUMMARY.columns.map(({ name, meaning }) =>
          markup`<th scope="col" title="${meaning}">${name}</th>`
        )
      }</tr></thead><tbody>${
        summary.map((row) =>
          markup`
<tr>${
            SUMMARY.columns.map((column) => {
              const cell = column.of(row);
              return markup`<td>${
                typeof cell === "number" ? short(cell, true) : String(cell)
              }</td>`;
            })
          }</tr>`
        )
      }</tbody></table></div>`,
      caption: "With 95 % intervals over resampled proteins.",
    }),
    results.length > 1 && panel({
      span: summary ? 7 : 12,
      title: "Proteins",
      body: markup`<div class="scroll"><table>${
        tableHead(["Protein", "Residues", "P@L long", "P@L medium", "P@L short", {
          text: "True contacts",
        }])
      }<tbody>${
        results.map(({ id, residues, scores, truth }, i) =>
          markup`
<tr><td class="wrap">${
            i < drawn.length ? markup`<a href="#protein-${i + 1}">${id}</a>` : id
          }</td><td>${residues.length}</td>${
            [2, 1, 0].map((r) => {
              const value = scores?.[r].precisionL ?? NaN;
              return markup`<td>${Number.isNaN(value) ? "–" : value.toFixed(3)}</td>`;
            })
          }<td class="text wrap">${truth?.source ?? "none"}</td></tr>`
        )
      }</tbody></table></div>`,
    }),
    headline.length > 0 && panel({
      span: 12,
      title: "Context that contacts need",
      controls:
        markup`<span class="key"><span><i class="line" style="--c:var(--blue)"></i>flanking residues</span><span><i class="line" style="--c:var(--grey)"></i>random</span><span><i class="line" style="--c:var(--orange)"></i>random, far away</span></span>`,
      body: markup`<div class="several">${
        headline.map(({ name, note }, k) =>
          small(`${name}: ${note}`, frame(`headline-${k}`, "low"))
        )
      }</div>`,
      caption:
        "Share of units whose contacts are recovered, against residues unmasked; bands are 95 % intervals over resampled proteins.",
    }),
  ]);
}

/** What a set is of, in words. */
function setName(set: string): string {
  if (set === "segment") return "Stretches of 22 residues";
  const [, from, to] = set.split("_");
  return `Pairs more than ${from}${to ? ` and at most ${to}` : ""} residues apart`;
}
