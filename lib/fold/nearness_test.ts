import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { foldChains } from "./input.ts";
import { contactChange, nearness, superposeShared, touching } from "./nearness.ts";
import { checkScan, headsOf, scanRows, scanText } from "./scan.ts";
import type { Trace } from "./unit.ts";

/** Points of a helix of so many residues. */
const helix = (length: number) =>
  Float64Array.from({ length: 3 * length }, (_, i) => {
    const residue = Math.floor(i / 3), angle = residue * 100 * Math.PI / 180;
    return [2.3 * Math.cos(angle), 2.3 * Math.sin(angle), 1.5 * residue][i % 3];
  });

Deno.test("nearness() compares what both structures have, wherever they are", () => {
  const truth = helix(30),
    model = truth.map((x, i) => i % 3 === 0 ? 7 - truth[i + 1] : i % 3 === 1 ? truth[i - 1] : x);
  model.fill(NaN, 3 * 4, 3 * 5);
  truth.fill(NaN, 3 * 9, 3 * 11);
  const found = nearness(model, truth);
  equal(found.count, 27);
  allClose([found.rmsd, found.tm, found.lddt], [0, 1, 1], { atol: 1e-9 });
  deepEqual(
    [...found.residueLddt.keys()].filter((i) => Number.isNaN(found.residueLddt[i])),
    [4, 9, 10],
  );
  ok(Math.abs(superposeShared(model, truth).rmsd) < 1e-6);
});

Deno.test("touching() counts Cβ within 8 Å of residues 6 apart, and of other chains whatever they are", () => {
  // On a line, 1.2 Å apart: six residues are 7.2 Å.
  const line = Float64Array.from({ length: 27 }, (_, i) => i % 3 === 0 ? 1.2 * i / 3 : 0);
  const pairs = (places: number[]) => {
    const found = touching(line, places);
    return [...found.keys()].filter((at) => found[at] === 1).map((
      at,
    ) => [Math.floor(at / 9), at % 9])
      .filter(([i, j]) => i < j);
  };
  deepEqual(pairs([0, 1, 2, 3, 4, 5, 6, 7, 8]), [[0, 6], [1, 7], [2, 8]]);
  deepEqual(
    pairs([0, 1, 2, 3, 4, 5, 6, 700, 701]),
    [[0, 6], [1, 7], [2, 7], [2, 8], [3, 7], [3, 8], [4, 7], [4, 8], [5, 7], [5, 8], [6, 7], [
      6,
      8,
    ]],
  );
  line.fill(NaN, 0, 3);
  deepEqual(pairs([0, 1, 2, 3, 4, 5, 6, 7, 8]), [[1, 7], [2, 8]]);
});

Deno.test("contactChange() counts pairs once", () => {
  const map = (...pairs: [number, number][]) => {
    const found = new Uint8Array(16);
    for (const [i, j] of pairs) found[4 * i + j] = found[4 * j + i] = 1;
    return found;
  };
  deepEqual(contactChange(map([0, 1], [0, 2], [1, 3]), map([0, 1], [2, 3])), {
    ...{ contacts: 3, lost: 2, gained: 1 },
  });
});

Deno.test("headsOf() spreads heads evenly over those of the layers", () => {
  const model = { layers: 3, heads: 4 };
  const of = (flags: Parameters<typeof headsOf>[0]) =>
    headsOf(flags, model).chosen.map(({ layer, head }) => `${layer}:${head}`).join(" ");
  equal(of({ scanMost: 5 }), "0:0 0:2 1:0 1:3 2:1");
  equal(of({ scanLayers: [0, 2], scanMost: 4 }), "0:0 0:2 2:0 2:2");
  equal(headsOf({}, model).chosen.length, 12);
  equal(headsOf({}, { layers: 36, heads: 40 }).chosen.length, 100);
  throws(() => headsOf({ scanLayers: [3] }, model), /--scan-layers as layers must be in 0\.\.2/);
  throws(() => checkScan({ scanLayers: [3] }), /--scan heads must be given/);
  equal(
    scanText(5, 12, 2, 0),
    "Scan: 5 of 12 heads (--scan-most), 12 folds, each of 1 pass (--recycles 0).",
  );
});

Deno.test("scanRows() puts what costs most contacts first, then what moves most", () => {
  const chains = foldChains({ id: "a", residues: "A".repeat(30) });
  const trace = (scale: number): Trace => {
    const points = helix(30).map((x, i) => i % 3 === 2 ? scale * x : x);
    const plddt = new Float32Array(30).fill(50);
    return { alphas: points, betas: points, plddt, meanPlddt: 50 * scale, ptm: 0.5, seconds: 1 };
  };
  // Six residues of a helix are 9 Å apart; pressed together they touch.
  const plain = trace(0.5);
  const rows = scanRows(chains, plain, [
    { head: { layer: 0, head: 0 }, trace: trace(0.5) },
    { head: { layer: 0, head: 1 }, trace: trace(1) },
    { head: { layer: 1, head: 0 }, trace: trace(0.51) },
  ]);
  deepEqual(rows.map(({ layer, head, rank }) => [layer, head, rank]), [[0, 1, 1], [1, 0, 2], [
    0,
    0,
    3,
  ]]);
  ok(rows[0].lost > 0 && rows[0].lostShare === rows[0].lost / rows[0].contacts);
  equal(rows[0].plddtChange, 25);
  equal(rows[2].rmsd < 1e-6, true);
});
