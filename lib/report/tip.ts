import { type Markup, markup } from "./markup.ts";

/** Attributes of a mark that script_marks.js shows in the tooltip: a title, and names with values. */
export function tip(title: string, entries: readonly (readonly string[])[]): Markup {
  return markup`data-tip="${JSON.stringify([title, ...entries])}"`;
}
