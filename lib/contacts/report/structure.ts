/** A protein's structure with the predicted contacts drawn on it, for the viewer in the page. */
import { choice } from "../../report/choice.ts";
import { jsonScript, type Markup, markup } from "../../report/markup.ts";
import { contactRows, pairLabel } from "../tables.ts";
import type { ContactResult } from "../types.ts";
import { backbonePdb } from "../../structure/molecules.ts";
import type { Point } from "../../structure/structure.ts";

/** How many pairs can be shown, as a multiple of the protein's length. */
const SHARES = [
  { value: 0.2, label: "L/5" },
  { value: 0.5, label: "L/2" },
  { value: 1, label: "L" },
];

/** Whether a result has a structure to draw. */
export const hasStructure = ({ truth }: ContactResult): boolean => truth?.chain !== undefined;

export function structureView(result: ContactResult): Markup {
  const { residues } = result, { chain, toChain } = result.truth!, { length } = residues;
  const place = (residue: number): Point | undefined => {
    const at = toChain![residue - 1];
    return at < 0 ? undefined : chain!.residues[at].beta ?? chain!.residues[at].alpha;
  };
  const contacts = contactRows(result, 1).flatMap(({ i, j, contact, authors, distance }, rank) => {
    const a = place(i), b = place(j);
    if (!a || !b) return [];
    const name = pairLabel(authors) ?? `${residues[i - 1]}${i} ${residues[j - 1]}${j}`;
    const label = `${name}, ${distance!.toFixed(1)} Å`;
    return [{ rank, a: a.map(tenth), b: b.map(tenth), hit: contact === true, label }];
  });
  return markup`<figure class="structure" data-length="${length}">
<figcaption>Chain ${
    chain!.id
  }, coloured from its first residue (blue) to its last (red), with the highest pairs; pointed at, they say their names</figcaption>
<div class="stage" role="img" aria-label="Three-dimensional structure; drag to turn it"></div>
${choice("Pairs shown", "Pairs", "share", SHARES, 0.5)}
<p class="contact-keys"><span class="key"><i class="is-hit"></i>predicted, contact</span> <span class="key"><i class="is-miss"></i>predicted, no contact</span></p>
<noscript><p>The structure is drawn by a script, which is switched off.</p></noscript>
${jsonScript("model", { pdb: backbonePdb(chain!), contacts })}</figure>
`;
}

const tenth = (x: number) => Math.round(100 * x) / 100;
