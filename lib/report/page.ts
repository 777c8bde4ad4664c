/** A report: one HTML file whose figures share one selection, with everything it needs inside. */
import { constants, gzipSync } from "node:zlib";
import { bundle, inOrder, type Piece } from "./bundle.ts";
import linkedTable from "./client/linked_table.js" with { type: "text" };
import { CORE } from "./client/mod.ts";
import start from "./client/start.js" with { type: "text" };
import style from "./client/style.css" with { type: "text" };
import { colours } from "./colour.ts";
import { type Content, Markup, markup } from "./markup.ts";
import { flatten } from "./provenance.ts";

export interface ReportPage {
  /** The protein, or how many. */
  name: string;
  /** The question: "attention to four sites". */
  about: string;
  /** What one must know of the input, shortest first: length, sites, model, backend. */
  context: readonly string[];
  finding: Finding;
  /** What keeps a reader from misusing the result. */
  cautions: readonly string[];
  /** Panels, views and folded proteins. */
  body: Content;
  /** What ran: the six facts, and the whole record folded. */
  run: RunFacts;
  /** The page's own modules, the last of which starts it. */
  pieces: readonly Piece[];
  /** Scripts of other authors. */
  libraries?: readonly string[];
}

/** Proteins that a page shows in full: every browser opens that, and nobody reads more. */
export const MOST_DRAWN = 20;

/** What the reader of a page with fewer proteins than there are must know. */
export function drawnNote(drawn: number, all: number): string[] {
  return drawn < all
    ? [
      `Of ${all} proteins the first ${drawn} are drawn here; the tables beside this page have all.`,
    ]
    : [];
}

/** The answer in one sentence, and how it was found in one or two. */
export interface Finding {
  answer: string;
  method?: string;
}

export interface RunFacts {
  /** The record of the run, as in run.json. */
  record: Record<string, unknown>;
  input: string;
  /** Options that decide the numbers, in words. */
  options: string;
  /** Files beside the page. */
  files: readonly string[];
  /** Where the record is from. @default run.json */
  recordFile?: string;
}

/** Pieces that every page has behind the core. */
const ALWAYS: readonly Piece[] = [
  ...CORE,
  { name: "start.js", script: start },
  { name: "linked_table.js", script: linkedTable },
];

/** Renders the page; nothing is loaded from elsewhere. */
export function reportPage(page: ReportPage): string {
  const { name, about, context, finding, cautions, body, run, libraries = [] } = page;
  const pieces = inOrder([...ALWAYS, ...page.pieces]);
  const styles = [themes(), style, ...pieces.map(({ style }) => style ?? "")].join("\n");
  const title = `${name}: ${about}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:">
<title>${title}</title>
<style>${new Markup(styles)}</style>
</head>
<body data-source="${sourceOf(run.record)}">
<main>
<header>
<div class="masthead"><h1>${name} <span>${about}</span></h1><ul>${
    context.map((fact) => markup`<li>${fact}</li>`)
  }</ul></div>
<p class="finding">${finding.answer}</p>
${finding.method && markup`<p class="method">${finding.method}</p>\n`}${
    cautionList(cautions)
  }</header>
<noscript><p class="caution">The figures are drawn by a script, which is switched off; the tables are complete.</p></noscript>
${body}
${sixFacts(run)}
</main>
<div id="tip" role="tooltip" hidden></div>
${libraries.map(library)}${scriptElement(bundle(pieces))}</body>
</html>
`.text;
}

/** A script that cannot close its element. */
function scriptElement(script: string): Markup {
  const inlined = script.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
  return new Markup(`<script>${inlined}</script>\n`);
}

/** A script of other authors, packed: it is larger than the page. */
function library(script: string): Markup {
  const text = gzipSync(script, { level: 9 }).toString("base64");
  return new Markup(`<script type="text/plain" data-library>${text}</script>\n`);
}

let themesMade: string | undefined;

/** The scales of both themes, as lists for figures and as stops for legends; the same for every page. */
const themes = (): string => themesMade ??= makeThemes();

function makeThemes(): string {
  const of = (scheme: "light" | "dark") =>
    (["sequential", "diverging"] as const).map((kind) => {
      const list = colours(kind, scheme), letter = kind[0];
      const stops = list.filter((_, i) => i % 4 === 0).join(",");
      return `--${letter}:${list.join(" ")};--${letter}-stops:${stops}`;
    }).join(";");
  return `:root{${of("light")}}\n@media screen and (prefers-color-scheme:dark){` +
    `:root:not(.printing){${of("dark")}}}`;
}

/** Cautions that stand open; more would push the result off the screen. */
const OPEN = 3;

function cautionList(cautions: readonly string[]): Content {
  const all = cautions.map((text) => markup`<p class="caution">${text}</p>\n`);
  if (all.length <= OPEN + 1) return all;
  return [
    all.slice(0, OPEN),
    markup`<details><summary>${all.length - OPEN} more notes</summary><div class="inside">${
      all.slice(OPEN)
    }</div></details>\n`,
  ];
}

interface Recorded {
  esmscope?: string;
  command?: string;
  started?: string;
  elapsedSeconds?: number;
  model?: { name?: string; sha256?: string };
  backend?: { name?: string; detail?: string };
}

/** Where a saved figure is from, in a line. */
function sourceOf(record: Record<string, unknown>): string {
  const { esmscope, command, model } = record as Recorded;
  return [`esmscope ${esmscope ?? ""} ${command ?? ""}`.trim(), model?.name].filter(Boolean)
    .join(", ");
}

function sixFacts({ record, input, options, files, recordFile }: RunFacts): Markup {
  const { esmscope, command, started, elapsedSeconds, model, backend } = record as Recorded;
  const when = started ? `${started.slice(0, 16).replace("T", " ")} UTC, ` : "";
  const took = elapsedSeconds === undefined ? "" : `${elapsedSeconds.toFixed(1)} s, `;
  const facts: [string, Content][] = [
    ["Command", command ? `deno task ${command}` : "none"],
    ["Input", input],
    ["Model", [
      model?.name ?? "none",
      model?.sha256 && markup`<br>sha256 ${model.sha256.slice(0, 12)}…`,
    ]],
    ["Backend", [backend?.name, backend?.detail].filter(Boolean).join(", ") || "none"],
    ["Options that matter", options],
    ["Run", `${when}${took}esmscope ${esmscope ?? ""}`.trim()],
  ];
  const entries = flatten(record);
  return markup`<dl class="facts" aria-label="Provenance">${
    facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)
  }</dl>
${files.length > 0 && markup`<p class="files">Beside this page: ${files.join(" · ")}</p>`}
<details><summary>Complete record of the run <span>${entries.length} entries, as in ${
    recordFile ?? "run.json"
  }</span></summary><div class="inside"><dl class="record">${
    entries.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)
  }</dl></div></details>`;
}

/** A protein as the page's script knows it. */
export interface ViewProtein {
  id: string;
  /** One a residue. */
  letters: string;
  /** Number of the first residue, where it is not 1. */
  first?: number;
  /** Residues that came with the input, 1-based. */
  marks?: readonly number[];
  /** H, E or - for each residue. */
  secondary?: string;
}

/** The residue bar, the panels, and the data of one protein. @param data what its module draws */
export function view(protein: ViewProtein, data: unknown, panels: Content): Markup {
  return markup`<section class="view" data-view aria-label="${protein.id}">
${json("protein", protein)}${json("data", data)}
<section class="bar" aria-label="Residue selection">
<div class="canvas bar-canvas" data-figure="bar"></div>
<div class="bar-line"><output class="readout" aria-live="polite"></output><span class="buttons"><button type="button" data-do="out" aria-label="Show more residues" disabled>−</button><button type="button" data-do="in" aria-label="Show fewer residues">+</button><button type="button" data-do="all" disabled>All</button></span><span class="buttons"><button type="button" data-do="clear" disabled>Clear</button></span></div>
</section>
<div class="grid">${panels}</div>
</section>
`;
}

/** Panels over all proteins, before those of each. */
export function summaryView(data: unknown, panels: Content): Markup {
  return markup`<section class="summary" data-summary aria-label="All proteins">
${json("data", data)}
<div class="grid">${panels}</div>
</section>
`;
}

/** A protein of several, drawn when it is opened. */
export function foldedView(id: string, summary: Content, inside: Content): Markup {
  return markup`<details class="protein" id="${id}"><summary>${summary}</summary>
${inside}</details>
`;
}

export interface Panel {
  /** Columns of twelve. */
  span: 3 | 4 | 5 | 6 | 7 | 8 | 12;
  title: Content;
  body: Content;
  /** Buttons and keys beside the title. */
  controls?: Content;
  caption?: Content;
  /** Further classes: `half` keeps two side by side on middle screens. */
  classes?: string;
}

/** A framed part of the page; a menu that saves its figure is added by the script. */
export function panel({ span, title, body, controls, caption, classes }: Panel): Markup {
  return markup`<section class="panel span-${span}${classes && ` ${classes}`}">
<header><h2>${title}</h2>${controls}</header>
${body}${caption && markup`<p class="caption">${caption}</p>`}
</section>
`;
}

/** One of several figures of a panel, with a title of its own. */
export function small(title: Content, body: Content, caption?: Content): Markup {
  return markup`<div class="small"><header><h3>${title}</h3></header>${body}${
    caption && markup`<p class="caption">${caption}</p>`
  }</div>`;
}

/** The frame of a figure. @param size `square`, `grow` or `low` */
export function frame(name: string, size: string): Markup {
  return markup`<div class="canvas ${size}" data-figure="${name}"></div>`;
}

/** Heads of a table's columns; those of text stand to the left. */
export function tableHead(columns: readonly (string | { text: string })[]): Markup {
  return markup`<thead><tr>${
    columns.map((column) =>
      typeof column === "string"
        ? markup`<th scope="col">${column}</th>`
        : markup`<th scope="col" class="text">${column.text}</th>`
    )
  }</tr></thead>`;
}

/** The scale of colours with its ends. */
export function ramp(
  kind: "s" | "d",
  name: Content,
  from: Content,
  to: Content,
  id?: string,
): Markup {
  return markup`<div class="ramp"${
    id && markup` data-ramp="${id}"`
  }><b>${name}</b><i class="${kind}"></i><span>${from}</span><span>${to}</span></div>`;
}

/** Buttons of which one is pressed. */
export function choices(
  label: string,
  name: string,
  options: readonly { value: string; label: Content }[],
  pressed: string,
): Markup {
  return markup`<span class="buttons" role="group" aria-label="${label}">${
    options.map(({ value, label }) =>
      markup`<button type="button" data-${name}="${value}" aria-pressed="${
        String(value === pressed)
      }">${label}</button>`
    )
  }</span>`;
}

/** JSON has no infinity, but a number so large that it is read as one; NaN is null. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Data for the page's script; JSON that cannot close its element. */
export function json(name: string, value: unknown): Markup {
  const text = JSON.stringify(value, (_, x) => {
    if (typeof x !== "number" || Number.isFinite(x)) return x;
    return Number.isNaN(x) ? null : rawJSON(x > 0 ? "1e999" : "-1e999");
  }).replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return markup`<script type="application/json" data-name="${name}">${new Markup(text)}</script>`;
}

/**
 * Bytes for the page's script, packed. Single-precision numbers repeat in their upper bytes alone: to look for
 * more than that takes twice as long and gains two per cent.
 */
export const packed = (
  name: string,
  values: Uint8Array | Uint32Array | Float32Array | Float64Array,
): Markup =>
  packedBy(
    values instanceof Float32Array ? constants.Z_RLE : constants.Z_DEFAULT_STRATEGY,
    name,
    values,
  );

/**
 * The same of a picture's steps, which repeat their neighbours or nothing: to look for more than runs takes
 * ten times as long and gains nothing.
 */
export const packedPicture = (name: string, steps: Uint8Array): Markup =>
  packedBy(constants.Z_RLE, name, steps);

function packedBy(
  strategy: number,
  name: string,
  values: Uint8Array | Uint32Array | Float32Array | Float64Array,
): Markup {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const text = gzipSync(bytes, { strategy }).toString("base64");
  return markup`<script type="text/plain" data-name="${name}">${new Markup(text)}</script>`;
}
