import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { random } from "../../tests/report_sample.ts";
import { structureOf } from "../structure/structure.ts";
import { areaUnderCurve, evaluate, precisionAt, rankPairs } from "./evaluate.ts";
import { truthFromStructure } from "./truth.ts";
import { RANGES, type Truth } from "./types.ts";
import { joinWindows, windowsOf } from "./windows.ts";

function sample(length: number, seed: number, levels: number): { map: Float32Array; truth: Truth } {
  const next = random(seed);
  const map = new Float32Array(length * length), contacts = new Uint8Array(length * length);
  const known = Uint8Array.from({ length }, () => next() < 0.9 ? 1 : 0);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < i; j++) {
      const score = Math.floor(next() * levels) / levels;
      map[i * length + j] = map[j * length + i] = score;
      const contact = next() < 0.1 + 0.3 * score ? 1 : 0;
      contacts[i * length + j] = contacts[j * length + i] = contact;
    }
  }
  return { map, truth: { source: "made", contacts, known } };
}

/** Written apart from the library: all pairs as records, a plain sort, counting. */
function independent(map: Float32Array, { contacts, known }: Truth) {
  const L = known.length;
  return [[6, 12], [12, 24], [24, L]].map(([from, to]) => {
    const pairs: { score: number; hit: boolean; at: number }[] = [];
    for (let d = from; d < to; d++) {
      for (let i = 0; i + d < L; i++) {
        if (!known[i] || !known[i + d]) continue;
        const at = i * L + i + d;
        pairs.push({ score: map[at], hit: contacts[at] === 1, at });
      }
    }
    pairs.sort((a, b) => a.score === b.score ? a.at - b.at : b.score - a.score);
    const share = (n: number) => {
      const taken = pairs.slice(0, n);
      return taken.filter(({ hit }) => hit).length / taken.length;
    };
    let wins = 0;
    const hits = pairs.filter(({ hit }) => hit), misses = pairs.filter(({ hit }) => !hit);
    for (const a of hits) {
      for (const b of misses) wins += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
    }
    return [
      share(L),
      share(L >> 1),
      share(Math.floor(L / 5)),
      wins / (hits.length * misses.length),
    ];
  });
}

Deno.test("evaluate() equals an independent count, with and without ties", () => {
  for (const levels of [4, 1e6]) {
    const { map, truth } = sample(61, levels, levels);
    const found = evaluate(map, truth).map((
      s,
    ) => [s.precisionL, s.precisionL2, s.precisionL5, s.auc]);
    independent(map, truth).forEach((expected, r) => {
      allClose(found[r], expected, { atol: 1e-12 }, `${levels} levels, range ${r}`);
    });
  }
});

Deno.test("evaluate() of the truth itself is perfect, of its opposite the contrary", () => {
  const { truth } = sample(60, 3, 10);
  const map = Float32Array.from(truth.contacts);
  for (const { contacts, precisionL5, auc } of evaluate(map, truth)) {
    ok(contacts >= 12);
    equal(precisionL5, 1);
    equal(auc, 1);
  }
  evaluate(map.map((x) => 1 - x), truth).forEach(({ auc }) => equal(auc, 0));
});

Deno.test("evaluate() of a short protein has no long range", () => {
  const { map, truth } = sample(20, 5, 100);
  const [, , long] = evaluate(map, truth);
  equal(long.pairs, 0);
  ok(Number.isNaN(long.precisionL) && Number.isNaN(long.auc));
});

Deno.test("rankPairs() leaves pairs without a score or a known residue out", () => {
  const { map, truth } = sample(30, 6, 100), [short] = RANGES;
  const all = rankPairs(map, truth, short).pairs.length;
  map[0 * 30 + 7] = NaN;
  truth.known.fill(1);
  const pairs = rankPairs(map, truth, short).pairs;
  ok(!pairs.includes(7) && pairs.length > all);
  equal(precisionAt({ pairs, hits: new Uint8Array(pairs.length).fill(1) }, 5), 1);
  ok(Number.isNaN(areaUnderCurve({ pairs, hits: new Uint8Array(pairs.length) }, map)));
});

Deno.test("truthFromStructure() measures Cβ, Cα of glycine, and marks missing residues", async () => {
  const atom = (name: string, resn: string, n: number, x: number) =>
    `ATOM      1  ${name.padEnd(3)} ${resn} A${String(n).padStart(4)}    ` +
    `${x.toFixed(3).padStart(8)}   0.000   0.000  1.00 20.00           C`;
  // Letters M K G L W; K3 is missing, and only Cβ bring M1 and L5 below 8 Å.
  const text = [
    atom("CA", "MET", 1, 0),
    atom("CB", "MET", 1, 1.5),
    atom("CA", "LYS", 2, 4),
    atom("CB", "LYS", 2, 4.5),
    atom("CA", "GLY", 4, 8),
    atom("CA", "LEU", 5, 10),
    atom("CB", "LEU", 5, 9),
    atom("CA", "TRP", 6, 30),
    atom("CB", "TRP", 6, 30),
  ].join("\n");
  const structure = await structureOf(text, "x.pdb");
  const protein = { id: "x", residues: "MKRGLW" };
  const { truth, notes } = truthFromStructure(protein, structure);
  deepEqual([...truth.known], [1, 1, 0, 1, 1, 1]);
  const pairs = (t: Truth) =>
    [...t.contacts].flatMap((c, i) =>
      c && i % 6 > i / 6 ? [`${(i / 6 | 0) + 1}-${i % 6 + 1}`] : []
    );
  deepEqual(pairs(truth), ["1-2", "1-4", "1-5", "2-4", "2-5", "4-5"]);
  ok(/1 residues have no coordinates \(3\)/.test(notes[0]), notes[0]);
  const alpha = truthFromStructure(protein, structure, { atoms: "ca" }).truth;
  deepEqual(pairs(alpha), ["1-2", "2-4", "2-5", "4-5"]);
  const wide = truthFromStructure(protein, structure, { cutoff: 25 }).truth;
  ok(pairs(wide).includes("5-6"));
});

Deno.test("truthFromStructure() refuses a chain of another protein", async () => {
  const text = [..."ACDEFGHIKL"].map((_, i) =>
    `ATOM      1  CA  TRP A${String(i + 1).padStart(4)}       0.000   0.000   0.000  1.00 20.00`
  ).join("\n");
  const structure = await structureOf(text, "x.pdb");
  let message = "";
  try {
    truthFromStructure({ id: "p", residues: "MKTAYIAKQR" }, structure);
  } catch (error) {
    message = (error as Error).message;
  }
  ok(/must fit the sequence: chain A agrees in 0 of/.test(message), message);
});

Deno.test("windowsOf() covers a sequence with halves overlapping; joinWindows() averages", () => {
  deepEqual(windowsOf(10, 10), [{ begin: 0, end: 10 }]);
  deepEqual(windowsOf(23, 10), [0, 5, 10, 13].map((begin) => ({ begin, end: begin + 10 })));
  const windows = windowsOf(15, 10);
  const joined = joinWindows(15, windows, [
    new Float32Array(100).fill(1),
    new Float32Array(100).fill(3),
  ]);
  equal(joined[0], 1);
  equal(joined[7 * 15 + 8], 2);
  equal(joined[14 * 15 + 14], 3);
  ok(Number.isNaN(joined[14]));
});
