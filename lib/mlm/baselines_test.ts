import { allClose, equal } from "../../tests/assert.ts";
import { Baselines } from "./baselines.ts";

Deno.test("Baselines ask the other proteins, and the rest of the same one", () => {
  const baselines = new Baselines();
  for (const residues of ["ACA", "ACD", "ACA"]) baselines.add(residues);
  const [first] = baselines.losses("ACA", [1]);
  // The others: A 3, C 2, D 1 of 6; 25 letters share 20 pseudocounts.
  const p = (2 + 20 / 25) / (6 + 20);
  // Between A and A: once, a C.
  const losses = [first.unigram, first.neighbours, first.composition];
  allClose(losses, [
    ...[-Math.log(p), -Math.log((1 + 20 * p) / (1 + 20)), -Math.log((0 + 20 * p) / (2 + 20))],
  ], { atol: 1e-12 });
  // What was taken off is there again.
  allClose([baselines.losses("ACA", [1])[0].unigram], [-Math.log(p)], { atol: 1e-12 });
  equal(baselines.losses("ACA", []).length, 0);
});

Deno.test("Baselines of a lone protein are even but for its own composition", () => {
  const baselines = new Baselines();
  baselines.add("AAAC");
  const [first] = baselines.losses("AAAC", [0]);
  allClose([first.unigram, first.neighbours], [Math.log(25), Math.log(25)], { atol: 1e-12 });
  allClose([first.composition], [-Math.log((2 + 20 / 25) / (3 + 20))], { atol: 1e-12 });
});
