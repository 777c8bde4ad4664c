/** Small figures for notebooks: no script, styles inside, colours that light and dark pages both bear. */
import { type Content, type Markup, markup } from "./markup.ts";

/** A table under a caption. */
export function notebookTable(
  caption: Content,
  head: readonly Content[],
  rows: readonly (readonly Content[])[],
): Markup {
  return markup`<table><caption style="text-align:left">${caption}</caption><thead><tr>${
    head.map((name) => markup`<th scope="col">${name}</th>`)
  }</tr></thead><tbody>${
    rows.map((cells) => markup`<tr>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`)
  }</tbody></table>`;
}

/** Residues i and j of a pair, from 0, and how dark it is, 0 … 1. */
export type NotebookPair = readonly [i: number, j: number, strength: number];

/** A square map of some pairs of residues: above the diagonal (row i, column j > i) and below it. */
export function notebookPairs(
  caption: Content,
  length: number,
  above: readonly NotebookPair[],
  below: readonly NotebookPair[],
): Markup {
  // Marks stay visible however long the protein is.
  const side = Math.max(1, length / 160), half = (side - 1) / 2;
  const mark = (row: number, column: number, strength: number) =>
    markup`<rect x="${column - half}" y="${row - half}" width="${side}" height="${side}" opacity="${
      strength.toFixed(2)
    }"/>`;
  return markup`<figure style="margin:0"><svg viewBox="-1 -1 ${length + 2} ${
    length + 2
  }" width="360" height="360" role="img" aria-label="contact map of ${length} residues"><rect width="${length}" height="${length}" fill="#8881"/><path d="M0 0L${length} ${length}" stroke="#8888"/><g fill="#3b6fd4">${
    above.map(([i, j, strength]) => mark(i, j, strength))
  }</g><g fill="#c2571a">${
    below.map(([i, j, strength]) => mark(j, i, strength))
  }</g></svg><figcaption>${caption}</figcaption></figure>`;
}
