/** A protein's contacts as they show themselves. */
import { counted, showAs } from "../display.ts";
import { notebookPairs } from "../report/notebook.ts";
import { short } from "../report/scale.ts";
import { type ContactResult, RANGES } from "./types.ts";

/** The L best pairs of residues that are far enough apart to count, best first. */
function bestPairs({ map, residues }: ContactResult): [i: number, j: number][] {
  const { length } = residues, pairs: number[] = [];
  for (let i = 0; i < length; i++) {
    for (let j = i + RANGES[0].min; j < length; j++) {
      if (!Number.isNaN(map[i * length + j])) pairs.push(i * length + j);
    }
  }
  return pairs.sort((a, b) => map[b] - map[a] || a - b).slice(0, length)
    .map((pair) => [Math.floor(pair / length), pair % length]);
}

/** Scores, the strongest contact, and how good the map is where that is known. */
function captionOf(result: ContactResult): string {
  const { id, residues, map, scores } = result, [best] = bestPairs(result);
  const long = scores?.find(({ range }) => range === "long");
  return `${id}: contacts of ${counted(residues.length, "residue")}` +
    (best
      ? `, best ${best.map((i) => residues[i] + (i + 1)).join("–")} (${
        short(map[best[0] * residues.length + best[1]])
      })`
      : "") +
    (long ? `; long-range precision at L ${short(long.precisionL)}` : "");
}

/** Makes a result show its map: the L best pairs, below the diagonal the true contacts where they are known. */
export const showContacts = (result: ContactResult): ContactResult =>
  showAs(result, {
    text: captionOf,
    html(contacts) {
      const { residues: { length }, map, truth } = contacts, pairs = bestPairs(contacts);
      const [first] = pairs, most = first ? Math.max(map[first[0] * length + first[1]], 1e-9) : 1;
      const found = pairs.map(([i, j]) =>
        [i, j, Math.min(1, Math.max(0.15, map[i * length + j] / most))] as const
      );
      const known = [...truth?.contacts.entries() ?? []].flatMap(([pair, contact]) => {
        const i = Math.floor(pair / length), j = pair % length;
        return contact && j - i >= RANGES[0].min ? [[i, j, 1] as const] : [];
      });
      return notebookPairs(captionOf(contacts), length, found, truth ? known : found);
    },
  });
