/** The frame of a report: one HTML file whose styles and scripts are inside. */
import { colourProperties } from "./colour.ts";
import { type Content, Markup, markup } from "./markup.ts";
import { provenanceTable } from "./provenance.ts";
import plotScript from "./script_plot.js" with { type: "text" };
import tooltipScript from "./script_tooltip.js" with { type: "text" };
import pageStyle from "./style_page.css" with { type: "text" };
import tablesStyle from "./style_tables.css" with { type: "text" };

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

export interface PageInput {
  title: string;
  /** What was run. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  /** What the header ends with: the result in a sentence, a list of contents. */
  summary: Content;
  /** Sections between the header and the provenance. */
  sections: Content;
  provenance: Record<string, unknown>;
  /** Style sheets behind the page's own. */
  styles: readonly string[];
  /** Scripts behind script_tooltip.js and script_plot.js, which they may use. */
  scripts: readonly string[];
  /** Scripts of other authors, which come first; they may draw images from data of their own. */
  libraries?: readonly string[];
}

/** Renders a whole page; nothing is loaded from elsewhere. */
export function page(input: PageInput): string {
  const { title, subtitle, notes, summary, sections, provenance, styles, scripts } = input;
  const { libraries = [] } = input;
  const style = [colourRules(), pageStyle, tablesStyle, ...styles].join("");
  const script = ['"use strict";', tooltipScript, plotScript, ...scripts].join("\n");
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'${
    libraries.length > 0 && "; img-src data:"
  }">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<p class="subtitle">${subtitle}</p>
${noteList(notes)}${summary}</header>
${sections}<section><h2>Provenance</h2>
${provenanceTable(provenance)}</section>
</main>
<div id="tooltip" role="status" hidden></div>
${libraries.map(scriptElement)}${scriptElement(script)}</body>
</html>
`.text;
}

/** A script that cannot close its element. */
function scriptElement(script: string): Markup {
  const inlined = script.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
  return new Markup(`<script>${inlined}</script>\n`);
}

function colourRules(): string {
  const [light, dark] = [colourProperties("light"), colourProperties("dark")];
  return `:root{${light}}\n@media screen and (prefers-color-scheme:dark){:root{${dark}}}\n`;
}

/** Notes that stand open; those of many proteins would push the results off the screen. */
const OPEN_NOTES = 3;

function noteList(notes: readonly string[]): Markup {
  const all = notes.map((note) => markup`<p class="note">${note}</p>\n`);
  // One that is folded away saves nothing.
  if (all.length <= OPEN_NOTES + 1) return markup`${all}`;
  const rest = all.slice(OPEN_NOTES);
  return markup`${all.slice(0, OPEN_NOTES)}<details><summary>${rest.length} more notes</summary>
${rest}</details>
`;
}
