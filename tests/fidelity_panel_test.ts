import { fidelityPanel } from "../data/fidelity_panel.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { fixtureIndex } from "./fixtures.ts";

const residuesOf = (id: string) => fidelityPanel.find((protein) => protein.id === id)!.residues;

Deno.test("fidelityPanel has the sequences that the literature numbers", () => {
  const lysozyme = residuesOf("LYSC_CHICK");
  equal(lysozyme.length, 129);
  // Its four disulphide bridges and its catalytic residues.
  const cysteines = [...lysozyme].flatMap((letter, i) => letter === "C" ? [i + 1] : []);
  deepEqual(cysteines, [6, 30, 64, 76, 80, 94, 115, 127]);
  deepEqual([lysozyme[34], lysozyme[51]], ["E", "D"]);
  equal(residuesOf("UBIQUITIN_HUMAN"), fixtureIndex.tiny_ubiquitin.sequences![0]);
  equal(residuesOf("GB1"), fixtureIndex.tiny_gb1.sequences![0]);
  for (const { residues, source } of fidelityPanel) {
    match(residues, /^[ACDEFGHIKLMNPQRSTVWY]{56,130}$/);
    ok(source.length > 20);
  }
});
