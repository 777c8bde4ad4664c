/** Proteins that do not exist, the same in every run. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { padBatch, type PlannedBatch, tokenize } from "../esm2/mod.ts";

const LETTERS = "LAGVSERTIDPKQNFYMHWC";

/** Residues drawn evenly from the 20 amino acids. */
export function randomProtein(residues: number, seed: number): string {
  const draws = new PhiloxStream(seed);
  return Array.from({ length: residues }, (_, i) => LETTERS[draws.below(20, i, 0)]).join("");
}

/** A batch of `size` sequences of one length. */
export function randomBatch(residues: number, size: number): PlannedBatch {
  const members = Array.from({ length: size }, (_, i) => i);
  const rows = members.map((i) =>
    tokenize({ id: `random ${i}`, residues: randomProtein(residues, i) }, { maxLength: residues })
  );
  return { ...padBatch(rows), members };
}
