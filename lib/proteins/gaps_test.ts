import { deepEqual, equal } from "../../tests/assert.ts";
import { ungapped } from "./gaps.ts";

const written = (residues: string, choice?: "remove" | "keep") => {
  const notes: string[] = [];
  return [ungapped({ id: "p", residues }, notes, choice).residues, notes.length];
};

Deno.test("gaps are removed with a note; white space and a closing stop go without one", () => {
  deepEqual(written("MK-T..A"), ["MKTA", 1]);
  deepEqual(written(" MKT\n  AYI\t* "), ["MKTAYI", 0]);
  deepEqual(written("MKTAYI"), ["MKTAYI", 0]);
});

Deno.test("gaps that are kept are tokens like residues", () => {
  deepEqual(written("MK-T..A*", "keep"), ["MK-T..A", 0]);
  const protein = { id: "p", residues: "MKT" };
  equal(ungapped(protein, []), protein);
});
