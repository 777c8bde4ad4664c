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

Deno.test("parseSites names what is wrong", () => {
  match(message("K3"), /residue 3 must be the sequence's L: current value is "K3"$/);
  match(message("K3,L4,W5"), /adding -1 to every number would fit all letters$/);
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
