import { allClose, deepEqual, equal, match, ok, throws } from "../../tests/assert.ts";
import { random } from "../../tests/report_sample.ts";
import { structureOf } from "../structure/structure.ts";
import { areaUnderCurve, evaluate, precisionAt, rankPairs } from "./evaluate.ts";
import { truthFromStructure } from "./truth.ts";
import { RANGES, type Truth } from "./types.ts";
import { windowsOf } from "../esm2/mod.ts";
import { joinWindows } from "./windows.ts";

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

Deno.test("evaluate() of a range without a contact is undefined, not 0", () => {
  const { map, truth } = sample(60, 4, 10);
  for (let i = 0; i < 60; i++) {
    for (let j = i + 24; j < 60; j++) truth.contacts[i * 60 + j] = truth.contacts[j * 60 + i] = 0;
  }
  const [short, , long] = evaluate(map, truth);
  ok(short.precisionL > 0 && long.pairs > 60);
  deepEqual([long.contacts, long.precisionL, long.precisionL2, long.precisionL5, long.auc], [
    ...[0, NaN, NaN, NaN, NaN],
  ]);
});

Deno.test("evaluate() counts pairs that a short protein lacks as wrong, as fair-esm does", () => {
  // 27 residues have 6 pairs at long range; fair-esm divides by L, L/2 and L/5 all the same.
  const length = 27,
    map = new Float32Array(length * length),
    known = new Uint8Array(length).fill(1);
  const contacts = new Uint8Array(length * length);
  contacts[0 * length + 24] = contacts[24 * length] = 1;
  contacts[1 * length + 26] = contacts[26 * length + 1] = 1;
  map[0 * length + 24] = 1;
  map[1 * length + 26] = 0.5;
  const [, , long] = evaluate(map, { source: "made", contacts, known });
  deepEqual([long.pairs, long.contacts], [6, 2]);
  deepEqual([long.precisionL, long.precisionL2, long.precisionL5], [2 / 27, 2 / 13, 2 / 5]);
});

Deno.test("evaluate() scores maps that are compared on the pairs that both predict, and counts the others", () => {
  const { map, truth } = sample(50, 8, 1e6), other = sample(50, 9, 1e6).map;
  truth.known.fill(1);
  for (let k = 0; k < map.length; k += 7) map[k] = NaN;
  for (let k = 0; k < map.length; k += 5) other[k] = NaN;
  const both = map.map((x, k) => Number.isNaN(x) || Number.isNaN(other[k]) ? NaN : x);
  const first = evaluate(map, truth, [other]), second = evaluate(other, truth, [map]);
  deepEqual(first, evaluate(both, truth));
  const counts = ({ pairs, contacts, notPredicted }: typeof first[0]) => [
    ...[pairs, contacts, notPredicted],
  ];
  deepEqual(first.map(counts), second.map(counts));
  // 26 · 27 / 2 pairs at least 24 apart.
  equal(first[2].pairs + first[2].notPredicted, 351);
  ok(evaluate(map, truth)[2].pairs > first[2].pairs);
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

/** A chain of Cα atoms in a line. */
async function lineOf(letters: string) {
  const three = new Map(
    "A ALA D ASP E GLU F PHE G GLY H HIS I ILE K LYS L LEU M MET N ASN P PRO Q GLN R ARG S SER T THR V VAL W TRP Y TYR"
      .split(" ").flatMap((word, i, all) => i % 2 === 0 ? [[word, all[i + 1]] as const] : []),
  );
  const lines = [...letters].map((letter, i) =>
    `ATOM      1  CA  ${three.get(letter)} A${String(i + 1).padStart(4)}    ` +
    `${(3.8 * i).toFixed(3).padStart(8)}   0.000   0.000  1.00 20.00           C`
  );
  return await structureOf(lines.join("\n"), "x.pdb");
}

const ALPHA3D = "MGSWAEFKQRLAAIKTRLQALGGSEAELAAFEKEIAAFESELQAYKGKGNPEVEALRKEAAAIRDELQAYRHN";
const L9 = "MKVIFLKDVKGKGKKGEIKNVADGYANNFLFKQGLAIEATPANLKALEAQK";

Deno.test("truthFromStructure() takes identity and coverage, and says both", async () => {
  const fit = (residues: string, structure: Awaited<ReturnType<typeof lineOf>>) =>
    truthFromStructure({ id: "p", residues }, structure).notes[0];
  const l9 = await lineOf(L9);
  // 7 of 9 aligned residues agree, but they are few.
  throws(
    () => fit(ALPHA3D, l9),
    /must fit the sequence: chain A agrees in 7 of 9 .* 12 % of the sequence and 18 % of the chain$/,
  );
  match(
    fit(L9, l9),
    /chain A has 51 of 51 residues \(100 %\), 100 % of these identical; 0 residues have/,
  );
  const mutant = L9.slice(0, 10) + "WWWWW" + L9.slice(15);
  match(fit(mutant, l9), /chain A has 51 of 51 residues \(100 %\), 90 % of these identical/);
  // A domain of a longer protein, a chain with a tag, half of the protein unresolved: all are fine.
  match(fit(ALPHA3D + L9 + ALPHA3D, l9), /has 51 of 197 residues \(26 %\).*146 residues have no/);
  match(
    fit(L9, await lineOf("GSHHHHHHGS" + L9)),
    /has 51 of 51 residues.*10 residues of the chain/,
  );
  match(fit(L9, await lineOf(L9.slice(20))), /has 31 of 51 residues \(61 %\).*20 residues have no/);
  // A few residues of a peptide fit anywhere: it must fit nearly whole.
  const part = await lineOf("WWWW" + ALPHA3D.slice(20, 27) + "WWW"),
    whole = await lineOf("W" + ALPHA3D.slice(20, 30));
  throws(() => fit(ALPHA3D, part), /must fit the sequence/);
  match(fit(ALPHA3D, whole), /has 11 of 73 residues \(15 %\), 91 %/);
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
