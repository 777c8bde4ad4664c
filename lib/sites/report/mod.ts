/** The site-attention report: one HTML file that needs nothing else, online or off. */
import type { Piece } from "../../report/bundle.ts";
import { headGrid, intervalRows, pairMap, track } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { drawnNote, MOST_DRAWN, tableHead } from "../../report/page.ts";
import { binOf } from "../../report/quantise.ts";
import {
  choices,
  foldedView,
  frame,
  packed,
  packedPicture,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  summaryView,
  view,
} from "../../report/page.ts";
import { roundUp, short } from "../../report/scale.ts";
import { isSensitive, rankHeads, SENSITIVE } from "../score.ts";
import { HEAD_COLUMNS, rowsOf, SUMMARY } from "../tables.ts";
import type { HeadRow, HeadSummary, ProteinResult } from "../types.ts";
import { ADAPTER_PIECE, adapterData, adapterPanels, adapterScripts } from "./adapter_panels.ts";
import { finding, findingOverall, RULE } from "./finding.ts";
import { lineOf, type ProteinLine } from "./line.ts";
import { mutantData, mutantPanels, MUTANTS_PIECE, mutantScripts } from "./mutant_panels.ts";
import { count } from "./names.ts";
import script from "./page.js" with { type: "text" };

export interface SiteReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  /** Those that can be drawn in full. */
  proteins: readonly ProteinResult[];
  /** All of them, these first. @default these */
  all?: readonly ProteinLine[];
  summary?: readonly HeadSummary[];
  run: RunFacts;
}

const PAGE: Piece = {
  name: "page.js",
  script,
  uses: [headGrid, intervalRows, pairMap, track, MUTANTS_PIECE, ADAPTER_PIECE],
};

/** Heads that the page's table has. */
const LISTED = 10;
/** Bytes that the maps of a protein may add to the page. */
const MAP_BYTES = 600_000;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderSiteReport(report: SiteReport): string {
  const { notes, proteins, all = proteins.map(lineOf), summary = [], run } = report;
  const [first] = proteins, drawn = proteins.slice(0, MOST_DRAWN);
  const isOne = all.length === 1;
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const sites = first.sites.length === 1 ? "the site" : `${first.sites.length} sites`;
  return reportPage({
    name: isOne ? first.id : count(all.length, "protein"),
    about: `attention to ${isOne ? sites : "their sites"}`,
    context: [
      ...(isOne ? [`${first.residues.length} residues`, siteList(first)] : []),
      model?.name ?? "",
      `${first.layers.length} layers × ${first.heads} heads`,
      backend?.name ?? "",
    ].filter(Boolean),
    finding: isOne ? finding(first) : findingOverall(all, summary),
    cautions: [...notes, ...drawnNote(drawn.length, all.length)],
    body: [
      isOne ? proteinView(first) : [
        overall(all, summary, drawn.length),
        drawn.map((protein, i) =>
          foldedView(
            `protein-${i + 1}`,
            markup`${protein.id} <span>${finding(protein).answer}</span>`,
            proteinView(protein),
          )
        ),
      ],
      glossary(),
    ],
    run,
    pieces: [PAGE],
  });
}

function siteList({ sites }: ProteinResult): string {
  const list = sites.slice(0, 8).map(({ letter, residue }) => `${letter}${residue}`).join(" ");
  return `site${sites.length === 1 ? "" : "s"} ${list}${sites.length > 8 ? " …" : ""}`;
}

function proteinView(protein: ProteinResult): Markup {
  const { id, residues, sites, rows, layers, heads } = protein, { length } = residues;
  const order = rankHeads(rows).map((row) => rows.indexOf(row));
  const maps = packedMaps(protein);
  const rounded = (key: "z" | "impact", least: number) => {
    const values = rows.map((row) => Math.abs(row[key])).filter(Number.isFinite);
    return roundUp(values.reduce((a, b) => Math.max(a, b), least));
  };
  const zEnd = Math.min(8, rounded("z", 3)), impactEnd = Math.min(8, rounded("impact", 3));
  const data = {
    ...{ layers, heads, order, rule: RULE, zEnd, impactEnd },
    columns: HEAD_COLUMNS.map(({ name, label }) => ({ name, label })),
    rows: rowsOf(id, rows).map((row) => HEAD_COLUMNS.map((column) => column.of(row))),
    sensitive: rows.flatMap((row, item) => isSensitive(row) ? [item] : []),
    maps: maps.heads,
    ...{ side: maps.side, bin: maps.bin },
    mutants: mutantData(protein),
    adapter: adapterData(protein),
  };
  return view(
    { id, letters: residues, marks: sites.map(({ residue }) => residue) },
    data,
    [
      markup`<div class="span-5 stack">${
        panel({
          span: 5,
          title: "Which heads look at the sites?",
          controls: choices("Measure", "measure", [
            { value: "z", label: "z" },
            { value: "impact", label: "impact" },
          ], "z"),
          body: markup`<div data-figure="heads"></div>
<div class="beneath">${
            ramp(
              "d",
              "z, layers down, heads across",
              `≤ −${short(zEnd)} less`,
              `more ≥ ${short(zEnd)}`,
              "z",
            )
          }${
            ramp("s", "impact, layers down, heads across", "0", `≥ ${short(impactEnd)}`, "impact")
          }<div class="key"><span><i class="ring" style="--c:var(--ink)"></i>sensitive: ${RULE}</span></div></div>`,
        })
      }${
        panel({
          span: 5,
          classes: "fill",
          title: markup`Against random sites <span>— ${
            Math.min(LISTED, rows.length)
          } highest heads</span>`,
          body: frame("random", "grow"),
          caption:
            "Dot: attention that the sites receive. Bar: mean ± 2 sd of random sets of as many residues. Filled: sensitive.",
        })
      }</div>`,
      maps.heads.length === 0 ? noMaps(length) : panel({
        span: 7,
        title: markup`Attention of <b data-text="head"></b> <span data-text="measures"></span>`,
        controls: maps.heads.length > 1 &&
          markup`<span class="buttons" role="group" aria-label="Head"><button type="button" data-do="previous">‹ previous</button><button type="button" data-do="next">next ›</button></span>`,
        body: markup`${frame("map", "square")}<div class="beneath">${
          ramp("s", "attention, square-root scale", "0", "largest of the head")
        }<p class="caption">Row: the residue that looks. Column: the residue looked at; orange: the sites. Click a cell to select the pair; drag on the residue bar to zoom. The ${
          count(maps.heads.length, "highest head")
        } ${maps.heads.length === 1 ? "has a map" : "have maps"}, in 256 steps${
          maps.bin > 1 && `, the largest of ${maps.bin} × ${maps.bin} residues`
        }<span data-text="unmapped"></span>.</p></div>`,
      }),
      maps.heads.length > 0 && [
        panel({
          span: 12,
          title:
            markup`Attention received by every residue <span>— <span data-text="head"></span>, sum over the column</span>`,
          controls:
            markup`<span class="key"><span><i style="--c:var(--site)"></i>site</span><span><i style="--c:var(--blue)"></i>other residue</span></span>`,
          body: frame("received", "low"),
        }),
        panel({
          span: 5,
          title:
            markup`<span data-text="residue"></span> <span>— strongest partners in <span data-text="head"></span></span>`,
          body: markup`<div class="ranks" data-list="partners"></div>`,
        }),
      ],
      panel({
        span: maps.heads.length > 0 ? 7 : 12,
        title: markup`Heads in numbers <span>— ${
          Math.min(LISTED, rows.length)
        } highest; all ${rows.length} in heads.csv</span>`,
        body: headTable(rows, order),
      }),
      adapterPanels(protein),
      mutantPanels(protein),
      [maps.scripts, mutantScripts(protein), adapterScripts(protein)],
    ],
  );
}

const noMaps = (length: number) =>
  panel({
    span: 7,
    title: "Attention maps",
    body:
      markup`<p class="caption">A protein of ${length} residues has no maps here; --save-attention writes all attention.</p>`,
  });

/** The maps of the highest heads, as many as the page has room for, and what each residue receives. */
function packedMaps({ residues: { length }, rows, maps }: ProteinResult) {
  const bin = binOf(length), side = Math.ceil(length / bin);
  const heads: { item: number; max: number }[] = [], scripts: Markup[] = [];
  let bytes = 0;
  for (const { layer, head, max, steps } of maps) {
    // What packs well may be more.
    const script = packedPicture(`map-${heads.length}`, steps);
    if (heads.length > 0 && bytes + script.text.length > MAP_BYTES) break;
    bytes += script.text.length;
    heads.push({ item: rows.findIndex((r) => r.layer === layer && r.head === head), max });
    scripts.push(script);
  }
  const received = new Float32Array(heads.length * length);
  heads.forEach((_, m) => received.set(maps[m].received, m * length));
  return {
    ...{ heads, bin, side },
    scripts: heads.length > 0 && [scripts, packed("received", received)],
  };
}

const NUMBERS: readonly string[] = [
  ...["impact", "snr", "z", "p_permutation", "q_bh", "enrichment", "observed"],
];

function headTable(rows: readonly HeadRow[], order: readonly number[]): Markup {
  const columns = NUMBERS.map((name) => HEAD_COLUMNS.find((column) => column.name === name)!);
  return markup`<div class="scroll"><table data-table="heads"><thead><tr><th scope="col">Head</th>${
    columns.map(({ label, meaning }) => markup`<th scope="col" title="${meaning}">${label}</th>`)
  }</tr></thead><tbody>${
    order.slice(0, LISTED).map((item) => {
      const [row] = rowsOf("", [rows[item]]);
      return markup`
<tr data-item="${item}"><td><button type="button">layer ${row.layer} head ${row.head}</button></td>${
        columns.map((column) => markup`<td>${short(Number(column.of(row)), true)}</td>`)
      }</tr>`;
    })
  }</tbody></table></div>`;
}

function overall(
  proteins: readonly ProteinLine[],
  summary: readonly HeadSummary[],
  drawn: number,
): Markup {
  const { columns } = SUMMARY;
  const layers = [...new Set(summary.map(({ layer }) => layer))];
  const order = summary.map((_, item) => item).filter((item) =>
    Number.isFinite(summary[item].impactMean)
  ).sort((a, b) => summary[b].impactMean - summary[a].impactMean);
  const impactEnd = Math.min(8, roundUp(Math.max(3, summary[order[0]]?.impactMean ?? 0)));
  const rule = `mean impact > ${SENSITIVE.impact}`;
  const data = {
    ...{ layers, heads: summary.length / layers.length, order, impactEnd, rule },
    columns: columns.map(({ name, label }) => ({ name, label })),
    rows: summary.map((row) => columns.map((column) => column.of(row))),
    high: order.filter((item) => summary[item].impactMean > SENSITIVE.impact),
  };
  return summaryView(data, [
    panel({
      span: 5,
      title: "Which heads look at sites, whatever the protein?",
      body: markup`<div data-figure="heads"></div><div class="beneath">${
        ramp("s", "mean impact, layers down, heads across", "0", `≥ ${short(impactEnd)}`)
      }<div class="key"><span><i class="ring" style="--c:var(--ink)"></i>${rule}</span></div></div>`,
    }),
    panel({
      span: 7,
      title: markup`Mean and spread over proteins <span>— ${
        Math.min(LISTED, order.length)
      } highest heads</span>`,
      body: frame("spread", "grow"),
      caption: "Dot: mean impact. Bar: one standard deviation over proteins to either side.",
    }),
    panel({
      span: 12,
      title: "Proteins",
      body: markup`<div class="scroll"><table>${
        tableHead([
          "Protein",
          "Residues",
          "Sites",
          "Sensitive heads",
          "By chance",
          { text: "Highest head" },
          "z",
          "q",
        ])
      }<tbody>${proteins.map((protein, i) => proteinRow(protein, i, drawn))}</tbody></table></div>`,
    }),
  ]);
}

function proteinRow(protein: ProteinLine, i: number, drawn: number): Markup {
  const { id, length, sites, sensitive, heads, calledByChance, best } = protein;
  return markup`
<tr><td class="wrap">${
    i < drawn ? markup`<a href="#protein-${i + 1}">${id}</a>` : id
  }</td><td>${length}</td><td>${sites.length}</td><td>${sensitive} of ${heads}</td><td>${
    calledByChance.toFixed(1)
  }</td><td class="text">${best && `layer ${best.layer} head ${best.head}`}</td><td>${
    best && short(best.z, true)
  }</td><td>${best && short(best.qBh, true)}</td></tr>`;
}

function glossary(): Markup {
  return markup`<details><summary>What the measures mean</summary><div class="inside"><dl class="glossary">${
    HEAD_COLUMNS.slice(2).map(({ label, meaning }) => markup`<dt>${label}</dt><dd>${meaning}</dd>`)
  }</dl></div></details>`;
}
