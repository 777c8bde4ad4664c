import { deepEqual, ok } from "../../tests/assert.ts";
import { ATOM_NAMES, ATOMS_37 } from "./constants.ts";
import { foldChains } from "./input.ts";
import { chainChecks, comparePublished } from "./verify.ts";

/** Atoms of a chain whose Cα atoms are so far from each other. */
function chainOf(count: number, step: number): Float64Array {
  const positions = new Float64Array(count * ATOMS_37 * 3);
  const [n, alpha, c] = ["N", "CA", "C"].map((name) => ATOM_NAMES.indexOf(name));
  for (let i = 0; i < count; i++) {
    positions.set([i * step, 1.46, 0], 3 * (i * ATOMS_37 + n));
    positions.set([i * step, 0, 0], 3 * (i * ATOMS_37 + alpha));
    positions.set([i * step, 0, 1.52], 3 * (i * ATOMS_37 + c));
  }
  return positions;
}

const passes = (positions: Float64Array, residues: string) =>
  chainChecks(positions, foldChains({ id: "x", residues })).map(({ ok }) => ok);

Deno.test("a chain's Cα atoms are 3.8 Å apart, those of different chains anywhere", () => {
  deepEqual(passes(chainOf(6, 3.8), "MKTAYI"), [true, true, true]);
  deepEqual(passes(chainOf(6, 3.5), "MKTAYI"), [true, false, true]);
  deepEqual(passes(chainOf(6, 0.2), "MKTAYI"), [true, false, false]);
  const cis = chainOf(6, 3.8);
  for (let at = 3 * 37 * 3; at < cis.length; at += 3) cis[at] -= 0.85;
  deepEqual(passes(cis, "MKTAYI"), [true, true, true]);
  const broken = chainOf(6, 3.8);
  for (let at = 3 * 37 * 3; at < broken.length; at += 3) broken[at] += 5;
  deepEqual(passes(broken, "MKTAYI"), [true, true, false]);
  const nothing = chainOf(6, NaN);
  deepEqual(passes(nothing.map((x) => Number.isNaN(x) ? 0 : x), "MKTAYI"), [true, false, false]);
  const two = chainOf(2 + 25 + 2, 3.8);
  for (let at = 27 * 37 * 3; at < two.length; at += 3) two[at] += 50;
  deepEqual(passes(two, "MK:TA"), [true, true, true]);
});

Deno.test("the published position agrees with itself, and with no other", () => {
  const published = [2.5828, 0.7993, -10.9334];
  ok(comparePublished(published).ok && comparePublished([2.583, 0.8, -10.93]).ok);
  for (const other of [[2.5828, 0.7993, 10.9334], [2.6, 0.7993, -10.9334], [NaN, 0, 0], []]) {
    ok(!comparePublished(other).ok, `${other}`);
  }
});
