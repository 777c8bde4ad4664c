import { type Markup, markup } from "../../report/markup.ts";
import type { Site } from "../types.ts";

const BLOCK = 10;

/** The residues in blocks of ten under their numbers, sites marked. */
export function sequenceStrip(residues: string, sites: Site[]): Markup {
  const marked = new Set(sites.map(({ residue }) => residue));
  const blocks: Markup[] = [];
  for (let start = 0; start < residues.length; start += BLOCK) {
    const letters = [...residues.slice(start, start + BLOCK)].map((letter, i) => {
      const number = start + i + 1;
      return marked.has(number)
        ? markup`<mark title="${letter}${number}">${letter}</mark>`
        : letter;
    });
    blocks.push(markup`<span class="block"><i>${start + 1}</i><b>${letters}</b></span> `);
  }
  const list = sites.map(({ residue, letter }) => markup`<li>${letter}${residue}</li>`);
  return markup`<ul class="sites" aria-label="Sites">${list}</ul>
<div class="sequence">${blocks}</div>
`;
}
