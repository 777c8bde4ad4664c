import { deepEqual, match, throws } from "../../tests/assert.ts";
import { examples } from "../../data/examples.ts";
import { UserError } from "../errors.ts";
import { parseSites } from "./parse_sites.ts";

const protein = { id: "P", residues: "MkLWACDEFG" };
const parse = (text: string) => parseSites(text, protein, "--sites");
const residues = (text: string) => parse(text).map((s) => s.residue);

function message(text: string): string {
  let found = "";
  throws(() => parse(text), (error) => {
    found = (error as Error).message;
    return error instanceof UserError;
  });
  return found;
}

Deno.test("parseSites reads numbers, letters, ranges and separators", () => {
  deepEqual(parse("L3, w4"), [{ residue: 3, letter: "L" }, { residue: 4, letter: "W" }]);
  deepEqual(residues("7-9;2 5"), [2, 5, 7, 8, 9]);
});

Deno.test("parseSites verifies letters of the A2A site sets", () => {
  const { residues: sequence, siteSets } = examples.a2a;
  for (const { sites } of Object.values(siteSets)) {
    const found = parseSites(sites.join(","), { id: "a2a", residues: sequence }, "data");
    deepEqual(found.map(({ letter, residue }) => `${letter}${residue}`), sites);
  }
});

Deno.test("parseSites reads names of three letters, ranges with letters, and another numbering", () => {
  deepEqual(residues("Leu3,trp4"), [3, 4]);
  deepEqual(residues("L3-A5"), [3, 4, 5]);
  deepEqual(residues("Leu3-Ala5 C6"), [3, 4, 5, 6]);
  match(message("L3-C5"), /residue 5 must be the sequence's A: current value is "L3-C5"$/);
  deepEqual(parseSites("L-7,W-6,-5--4", protein, "--sites", -9).map((s) => s.residue), [
    3,
    4,
    5,
    6,
  ]);
  deepEqual(parseSites("L103", protein, "--sites", 101), [{ residue: 3, letter: "L" }]);
  throws(
    () => parseSites("L103,W104,A106", protein, "--sites", 101),
    /residue 106 must be the sequence's C: current value is "A106"$/,
  );
  throws(() => parseSites("3", protein, "--sites", 101), /must be in 101\.\.110: .*"3"/);
  throws(() => parseSites("K102,L103,W104", protein, "--sites", 100), /; --offset 101 would fit/);
});

Deno.test("parseSites names what is wrong", () => {
  match(message("K3"), /residue 3 must be the sequence's L: current value is "K3"$/);
  match(message("K3,L4,W5"), /; --offset 2 would fit all letters$/);
  match(message("11"), /must be in 1\.\.10: current value is "11"/);
  match(message("0"), /must be in 1\.\.10/);
  match(message("3,3"), /given once: current value is "3"/);
  match(message("3,2-4"), /given once: current value is "3"/);
  match(message("9-7"), /must ascend/);
  match(message("x"), /residue number/);
  match(message("3.5"), /residue number/);
  match(message("85L"), /residue number/);
  match(message(""), /at least one/);
  match(message("1-10"), /must not be sites/);
});
