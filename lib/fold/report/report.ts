/** The report of folds: one HTML file that needs nothing else, online or off. */
import type { Piece } from "../../report/bundle.ts";
import { fixed, short } from "../../report/client/numbers.js";
import { headGrid, pairMap, scatter, structure, track } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import {
  drawnNote,
  foldedView,
  frame,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
  view,
} from "../../report/page.ts";
import { viewerScript } from "../../structure/molecules.ts";
import { keptResidues } from "../input.ts";
import type { Nearness } from "../nearness.ts";
import { CLASSES, type FoldResult } from "../result.ts";
import type { ScanRow, SummaryRow } from "../tables.ts";
import type { FoldTruth } from "../truth.ts";
import { foldData } from "./data.ts";
import { finding, findingOverall } from "./finding.ts";
import script from "./page.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

export interface FoldReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  /** Of every protein. */
  rows: readonly SummaryRow[];
  /** The first of them, which the page shows in full. */
  drawn: readonly FoldResult[];
  truth?: FoldTruth;
  /** What was changed of the language model's pass, in words. */
  changed?: string;
  /** Residues that were hidden, from 1. */
  mask?: readonly number[];
  run: RunFacts;
}

const PAGE: Piece = {
  ...{ name: "page.js", script, style },
  uses: [headGrid, pairMap, scatter, structure, track],
};

/** Heads of a scan's table. */
const MOST_HEADS = 12;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export async function renderFoldReport(report: FoldReport): Promise<string> {
  const { notes, rows, drawn, truth, changed, run } = report, [first] = drawn;
  const isOne = rows.length === 1, said = { changed, source: truth?.source };
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const views = await Promise.all(drawn.map((result) => proteinView(result, report)));
  return reportPage({
    name: isOne ? first.chains.id : `${rows.length} proteins`,
    about: changed === undefined ? "folded from one sequence" : `folded, ${changed}`,
    context: [
      ...(isOne ? [`${rows[0].length} residues`] : []),
      ...[model?.name ?? "", backend?.name ?? ""],
    ].filter(Boolean),
    finding: isOne ? finding(first, said) : findingOverall(rows),
    cautions: [...notes, ...drawnNote(drawn.length, rows.length)],
    body: [
      !isOne && overall(report),
      isOne ? views[0] : drawn.map((result, i) =>
        foldedView(
          `protein-${i + 1}`,
          markup`${result.chains.id} <span>${finding(result, said).answer}</span>`,
          views[i],
        )
      ),
    ],
    run,
    pieces: [PAGE],
    libraries: [await viewerScript()],
  });
}

const classes = CLASSES.map(({ name, least, colour }, i) => {
  const to = CLASSES[i - 1]?.least;
  const range = to === undefined ? `≥ ${least}` : least === 0 ? `< ${to}` : `${least}–${to}`;
  return markup`<span><i style="--c:var(--${colour})"></i>${name} ${range}</span>`;
});

const toggle = (name: string, label: string) =>
  markup`<span class="buttons"><button type="button" data-do="${name}" aria-pressed="true">${label}</button></span>`;

async function proteinView(result: FoldResult, report: FoldReport): Promise<Markup> {
  const { chains, change, scan } = result, { truth, changed } = report;
  const { data, arrays } = await foldData(result, truth);
  const letters = keptResidues(chains).map((residue) => chains.letters[residue]).join("");
  const isBinned = data.bin > 1 &&
    `A pixel stands for ${data.bin} × ${data.bin} pairs and shows the highest. `;
  const protein = {
    ...{ id: chains.id, letters, secondary: data.secondary },
    marks: report.mask ?? [],
  };
  return view(protein, data, [
    panel({
      span: 7,
      title: "The fold by pLDDT",
      controls: [
        change && toggle("changed", "after the change"),
        truth && toggle("true", "true structure"),
      ],
      body: markup`${frame("structure", "grow")}<div class="beneath"><div class="key">${classes}${
        change &&
        markup`<span><i class="line" style="--c:var(--violet)"></i>after the change</span>`
      }${
        truth && markup`<span><i class="line" style="--c:var(--grey)"></i>true structure</span>`
      }</div></div>`,
      caption: [
        "Drag or use the arrow keys to turn; click a residue to select it everywhere.",
        (change || truth) &&
        " The others are superposed on the fold with the least RMSD of their Cα atoms.",
      ],
    }),
    panel({
      span: 5,
      title: "Predicted aligned error",
      body: markup`${frame("pae", "square")}<div class="beneath">${
        ramp("s", "expected error of position, Å", `${fixed(data.maxPae, 1)}`, "0")
      }</div>`,
      caption: [
        isBinned,
        "Of the residue in the column, when the fold is laid on the true structure at the residue in the row.",
        data.starts.length > 1 && " Lines part the chains, through which residues are numbered on.",
      ],
    }),
    panel({
      span: 12,
      title: "pLDDT along the sequence",
      controls: markup`<span class="key">${classes}</span>`,
      body: frame("plddt", "low"),
    }),
    truth && panel({
      span: 7,
      title: "How far each Cα is from the true one",
      body: frame("true-distances", "grow"),
      caption: `After superposition on ${truth.source}.`,
    }),
    truth && panel({
      span: 5,
      title: "Is the confidence right?",
      body: frame("calibration", "grow"),
      caption:
        "A residue each; on the line pLDDT is the lDDT that the residue’s Cα has against the true structure.",
    }),
    change && panel({
      span: 7,
      title: markup`What the change does to pLDDT <span>— ${changed}</span>`,
      body: frame("plddt-change", "grow"),
      caption: report.mask && "Triangles on the residue bar: residues that were hidden.",
    }),
    change && panel({
      span: 5,
      title: "How far each Cα moves",
      body: frame("changed-distances", "grow"),
      caption: "After superposition of the two folds.",
    }),
    panel({
      span: change ? 6 : 7,
      title: "Predicted contacts and those of the fold",
      body: markup`${frame("contacts", "square")}<div class="beneath">${
        ramp("s", "probability by the distogram, above the diagonal", "0", "1")
      }<div class="key"><span>below, contacts of the fold:</span><span><i style="--c:var(--blue)"></i>predicted</span><span><i style="--c:var(--grey)"></i>not predicted</span><span><i style="--c:var(--orange)"></i>predicted, not folded</span></div></div>`,
      caption: [
        isBinned,
        `Predicted: probability above one half. A contact of the fold: Cβ nearer than ${data.cutoff}\u202fÅ, ` +
        `residues at least ${data.apart} apart.`,
      ],
    }),
    change
      ? panel({
        span: 6,
        title: "Contacts before and after",
        body: markup`${frame("contact-change", "square")}<div class="beneath">${
          ramp("d", "probability after − before, above the diagonal", "−1", "1")
        }<div class="key"><span>below:</span><span><i style="--c:var(--grey)"></i>in both folds</span><span><i style="--c:var(--orange)"></i>goes</span><span><i style="--c:var(--blue)"></i>comes</span></div></div>`,
        caption: isBinned,
      })
      : pairTable(),
    scan.length > 0 && panel({
      span: 7,
      title: "Heads whose ablation costs contacts",
      body: markup`<div data-figure="heads"></div><div class="beneath">${
        ramp(
          "s",
          `${scan[0].contacts > 0 ? "share of contacts lost" : "RMSD"}, layers down, heads across`,
          "0",
          "highest",
        )
      }</div>`,
      caption:
        "In per cent. Each head in turn gives nothing in the language model’s pass; hatched ones were not ablated.",
    }),
    scan.length > 0 && panel({
      span: 5,
      title: markup`Heads that matter most <span>— ${
        scan.length > MOST_HEADS ? `${MOST_HEADS} of ${scan.length}; scan.csv has all` : "all"
      }</span>`,
      body: markup`<div class="scroll"><table data-table="heads">${
        tableHead(["Head", "Contacts lost", "come", "RMSD, Å", "TM", "pLDDT"])
      }<tbody>${
        scan.slice(0, MOST_HEADS).map((row) => scanLine(row, data.scan!))
      }</tbody></table></div>`,
    }),
    change && beforeAfter(result, truth?.source),
    change && pairTable(),
    arrays.flat(),
  ]);
}

function scanLine(
  row: ScanRow,
  { layers, heads }: { layers: readonly number[]; heads: number },
): Markup {
  const item = layers.indexOf(row.layer) * heads + row.head;
  return markup`
<tr data-item="${item}"><td><button type="button">${row.layer}:${row.head}</button></td><td>${row.lost} of ${row.contacts}</td><td>${row.gained}</td><td>${
    fixed(row.rmsd, 2)
  }</td><td>${fixed(row.tm, 2)}</td><td>${fixed(row.plddtChange, 2)}</td></tr>`;
}

const pairTable = (): Markup =>
  panel({
    span: 5,
    title: markup`Likeliest contacts <span>— by the distogram</span>`,
    body: markup`<div class="scroll"><table data-table="pairs">${
      tableHead(["Pair", "Probability", "Apart", "Å in the fold", "Contact"])
    }<tbody></tbody></table></div>`,
  });

/** What a change does, in numbers. */
function beforeAfter({ plain, change, truth }: FoldResult, source: string | undefined): Markup {
  const { fold, apart, contacts } = change!, before = plain.trace, after = fold.trace;
  const held = truth && truth.changed && [truth.plain, truth.changed] as const;
  const rows: [name: string, before: string, after: string][] = [
    ["mean pLDDT", fixed(before.meanPlddt, 1), fixed(after.meanPlddt, 1)],
    ["pTM", fixed(before.ptm, 2), fixed(after.ptm, 2)],
    [
      "contacts",
      String(contacts.contacts),
      String(contacts.contacts - contacts.lost + contacts.gained),
    ],
    ["of them in both", ...both(contacts.contacts - contacts.lost)],
    ["RMSD between the two, Å", "0", fixed(apart.rmsd, 2)],
    ["TM-score between the two", "1", fixed(apart.tm, 2)],
    ...(held
      ? [
        row("RMSD from the true structure, Å", held, ({ rmsd }) => fixed(rmsd, 2)),
        row("TM-score", held, ({ tm }) => fixed(tm, 2)),
        row("lDDT", held, ({ lddt }) => fixed(lddt, 2)),
      ]
      : []),
  ];
  return panel({
    span: 7,
    title: "Before and after in numbers",
    body: markup`<div class="scroll"><table>${
      tableHead(["Quantity", "Plain fold", "After the change"])
    }<tbody>${
      rows.map((cells) =>
        markup`
<tr>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`
      )
    }</tbody></table></div>`,
    caption: source && `The true structure is ${source}.`,
  });
}

const both = (value: number): [string, string] => [String(value), String(value)];

const row = (
  name: string,
  [before, after]: readonly [Nearness, Nearness],
  say: (one: Nearness) => string,
): [string, string, string] => [name, say(before), say(after)];

/** All proteins in a table. */
function overall({ rows, drawn }: FoldReport): Markup {
  const hasChange = rows[0].change !== undefined;
  return summaryView({}, [
    panel({
      span: 12,
      title: "Proteins",
      body: markup`<div class="scroll"><table>${
        tableHead([
          ...["Protein", "Residues", "Mean pLDDT", "pTM", "Mean PAE, Å"],
          ...(hasChange ? ["pLDDT after", "RMSD, Å", "TM", "Contacts lost"] : []),
        ])
      }<tbody>${
        rows.map(({ id, length, plddt, ptm, meanPae, change }, i) =>
          markup`
<tr><td class="wrap">${
            i < drawn.length ? markup`<a href="#protein-${i + 1}">${id}</a>` : id
          }</td><td>${length}</td><td>${fixed(plddt, 1)}</td><td>${fixed(ptm, 2)}</td><td>${
            fixed(meanPae, 1)
          }</td>${
            change &&
            markup`<td>${fixed(change.plddt, 1)}</td><td>${short(change.rmsd)}</td><td>${
              fixed(change.tm, 2)
            }</td><td>${change.lost} of ${change.contacts}</td>`
          }</tr>`
        )
      }</tbody></table></div>`,
    }),
  ]);
}
