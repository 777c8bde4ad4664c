import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { tinyPath } from "../../tests/fixtures.ts";
import { fc } from "../../tests/property.ts";
import { openBackend } from "../backend/mod.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { Esm2, tokenize } from "../esm2/mod.ts";
import {
  centreOf,
  elementsOf,
  findJump,
  motifSteps,
  pairsOf,
  recovery,
  runMotif,
  stretchesOf,
  unitsOf,
} from "./motif.ts";
import { motifShares } from "./motif_summary.ts";
import type { MotifResult, MotifUnit, RecoveryPoint } from "./motif_types.ts";
import { Predictor, predictProtein } from "./predict.ts";

const curve = (values: number[]): RecoveryPoint[] =>
  values.map((value, flank) => ({ flank, unmasked: 22 + 2 * flank, recovery: value }));

Deno.test("elementsOf() takes strands of more than 3 and helices of more than 7 residues", () => {
  deepEqual(elementsOf("-EEE-EEEE-HHHHHHH-HHHHHHHHEEEEE"), [
    { kind: "E", begin: 5, end: 9 },
    { kind: "H", begin: 18, end: 26 },
    { kind: "E", begin: 26, end: 31 },
  ]);
});

/** A secondary structure with strands of five residues that begin at some places. */
const strands = (length: number, ...begins: number[]) => {
  const letters = Array<string>(length).fill("-");
  for (const begin of begins) letters.fill("E", begin, begin + 5);
  return letters.join("");
};

Deno.test("centreOf() is (begin + end) // 2, as in the published examples", () => {
  deepEqual([[0, 5], [0, 4], [7, 16], [3, 4]].map(([begin, end]) => centreOf({ begin, end })), [
    ...[2, 2, 11, 3],
  ]);
});

Deno.test("pairsOf() takes pairs as published: distance, contacts, and room at both ends", () => {
  const length = 200;
  const found = (begins: number[], separation = 50, pairContacts = 10, value = 0.09) => {
    const map = new Float32Array(length * length).fill(value);
    const elements = elementsOf(strands(length, ...begins));
    return pairsOf(elements, map, { separation, pairContacts })
      .map(({ elements, set }) => `${elements!.map(({ begin }) => begin)} ${set}`);
  };
  // Centres are 2 after the begin. 50 apart is not more than 50; 101 is more than 100.
  deepEqual(found([40, 90]), []);
  deepEqual(found([40, 91]), ["40,91 pair_50_100"]);
  deepEqual(found([40, 140]), ["40,140 pair_50_100"]);
  deepEqual(found([40, 141]), ["40,141 pair_100"]);
  deepEqual(found([20, 60, 130]), ["20,130 pair_100", "60,130 pair_50_100"]);
  deepEqual(found([20, 150], 100), ["20,150 pair_100"]);
  // The sum over 11 × 11 must exceed 10: 121 · 0.0826 = 9.99.
  deepEqual(found([40, 91], 50, 10, 0.0826), []);
  deepEqual(found([40, 91], 50, 10, 0.0827), ["40,91 pair_50_100"]);
  // More than 10 residues before the first block (centre − 5) and, but for one, behind the second.
  deepEqual(found([13, 91]), []);
  deepEqual(found([14, 91]), ["14,91 pair_50_100"]);
  deepEqual(found([40, 181]), []);
  deepEqual(found([40, 180]), ["40,180 pair_100"]);
  const [unit] = pairsOf(elementsOf(strands(length, 40, 91)), new Float32Array(4e4).fill(1), {
    separation: 50,
    pairContacts: 0,
  });
  deepEqual(unit.blocks, [{ begin: 37, end: 48 }, { begin: 88, end: 99 }]);
  equal(unit.weight, 121);
});

Deno.test("stretchesOf() takes 22 residues with more than 15 contacts and room at both ends", () => {
  const length = 60, map = new Float32Array(length * length).fill(16 / 484);
  const begins = stretchesOf(map, 15).map(({ blocks: [{ begin }] }) => begin);
  // 10 < begin < 60 − 22 − 10
  deepEqual(begins, Array.from({ length: 17 }, (_, i) => 11 + i));
  deepEqual(stretchesOf(map.map(() => 14 / 484), 15), []);
  equal(stretchesOf(map, 15)[0].blocks[0].end, 33);
});

Deno.test("unitsOf() draws as many as asked, the same for the same seed", () => {
  const length = 200, map = new Float32Array(length * length).fill(1);
  const options = { pairs: 2, segments: 3, pairContacts: 10, segmentContacts: 15, step: 1 };
  const units = (seed: number, more = {}) =>
    unitsOf(strands(length, 20, 80, 140), map, { ...options, separation: 50, seed, ...more })
      .map(({ blocks }) => blocks.map(({ begin }) => begin).join());
  equal(units(1).length, 5);
  deepEqual(units(1), units(1));
  ok([2, 3, 4].some((seed) => units(seed).join() !== units(1).join()));
  equal(units(1, { pairs: 99, segments: 0 }).length, 3);
});

Deno.test("recovery() is 1 for the map itself, and scales with it", () => {
  const blocks = [{ begin: 0, end: 5 }, { begin: 14, end: 19 }] as const;
  const map = Float32Array.from({ length: 400 }, (_, i) => i % 7);
  equal(recovery(map, map, { blocks }), 1);
  ok(Math.abs(recovery(map, map.map((x) => x / 4), { blocks }) - 0.25) < 1e-6);
  // Only the patch counts.
  const other = map.slice();
  other[2 * 20 + 13] = other[5 * 20 + 15] = 99;
  equal(recovery(map, other, { blocks }), 1);
});

Deno.test("motifSteps() shows 22 residues, then flanks outward only, or twice as many drawn elsewhere", () => {
  const lengths = fc.integer({ min: 110, max: 180 });
  const shown = (flags: Uint8Array) => [...flags].flatMap((flag, i) => flag ? [i] : []);
  const span = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 5 }), fc.nat(99), (length, step, seed) => {
      const pair = { blocks: [{ begin: 20, end: 31 }, { begin: 70, end: 81 }] } as const;
      const single = { blocks: [{ begin: 40, end: 62 }] } as const;
      for (const { blocks } of [pair, single]) {
        const steps = motifSteps(length, { blocks }, { step, seed }, 0);
        const first = blocks[0], last = blocks.at(-1)!;
        const isPair = blocks.length === 2;
        const reach = isPair
          ? Math.min(first.begin, length - last.end - 1)
          : Math.min(first.begin, length - last.end + 1);
        const flanks = steps.filter(({ mode }) => mode === "flanks");
        deepEqual(flanks.map(({ flank }) => flank), span(0, reach).filter((n) => n % step === 0));
        for (const { flank, flags } of flanks) {
          deepEqual(
            shown(flags),
            isPair
              ? [...span(20 - flank, 31), ...span(70, 81 + flank)]
              : span(40 - flank, 62 + flank),
          );
        }
        for (const { mode, flank, flags } of steps) {
          equal(shown(flags).length, 22 + 2 * flank, `${mode} ${flank}`);
          ok(blocks.every(({ begin, end }) => span(begin, end).every((i) => flags[i])));
          if (mode !== "random_far") continue;
          const others = shown(flags).filter((i) =>
            blocks.every(({ begin, end }) => i < begin || i >= end)
          );
          // More than 30 away from every residue of the blocks.
          ok(others.every((i) => blocks.every(({ begin, end }) => i < begin - 30 || i > end + 29)));
        }
        // Drawn anew at each step, not one order that grows.
        const random = steps.filter(({ mode, flank }) => mode === "random" && flank >= 5);
        const nested = random.slice(1).every(({ flags }, i) =>
          random[i].flags.every((flag, r) => !flag || flags[r])
        );
        ok(random.length < 3 || !nested);
        deepEqual(motifSteps(length, { blocks }, { step, seed }, 0), steps);
      }
    }),
    { numRuns: 15 },
  );
});

Deno.test("findJump() takes a rise by half in one step, lasting where at most 2 of 10 values fall", () => {
  deepEqual(findJump(curve([0, 0.1, 0.1, 0.7, 0.8, 0.9])), { flank: 3, keeps: true });
  deepEqual(findJump(curve([0, 0.5, 0.7])), { flank: 1, keeps: true });
  // Two steps are not one.
  equal(findJump(curve([0, 0.3, 0.7, 0.9])), undefined);
  deepEqual(findJump(curve([0, 0.7, 0.3, 0.4, 0.9])), { flank: 1, keeps: true });
  deepEqual(findJump(curve([0, 0.7, 0.3, 0.4, 0.2, 0.6])), { flank: 1, keeps: false });
  // The tenth value after the jump counts no more.
  const late = [0, 0.7, 0.3, 0.3, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.3, 0.3];
  deepEqual(findJump(curve(late)), { flank: 1, keeps: true });
  // A later jump that lasts goes before one that does not.
  deepEqual(findJump(curve([0, 0.7, 0, 0, 0, 0, 0.6, 0.6])), { flank: 6, keeps: true });
  equal(findJump(curve(Array.from({ length: 40 }, (_, i) => i / 40))), undefined);
});

Deno.test("motifShares() counts what is recovered at each step, of those with so much room", async () => {
  const result = (set: string, values: number[]): MotifResult => ({
    unit: { set } as MotifUnit,
    curves: { flanks: curve(values), random: curve([0]), random_far: [] },
    minimalLength: NaN,
  });
  const proteins = [
    // A recovery of exactly half is none.
    [result("segment", [0.5, 0.6, 0.9]), result("segment", [0.1, 0.2])],
    [result("segment", [0.7, 0.7, 0.1]), result("pair_100", [0.9])],
    [],
  ];
  const shares = await motifShares(proteins, { resamples: 200, seed: 1 });
  const flanks = shares.filter(({ set, mode }) => set === "segment" && mode === "flanks");
  deepEqual(
    flanks.map(({ unmasked, proteins, units, recovered, share }) => [
      ...[unmasked, proteins, units, recovered, share],
    ]),
    [[22, 2, 3, 1, 1 / 3], [24, 2, 3, 2, 2 / 3], [26, 2, 2, 1, 1 / 2]],
  );
  // Resamples: both proteins, or one of them twice.
  deepEqual(flanks.map(({ interval }) => interval), [
    { low: 0, high: 1 },
    { low: 0.5, high: 1 },
    { low: 0, high: 1 },
  ]);
  deepEqual([...new Set(shares.map(({ set }) => set))], ["pair_100", "segment"]);
  const [pair] = shares;
  equal(pair.share, 1);
  ok(Number.isNaN(pair.interval.low), "one protein has no interval");
});

Deno.test("runMotif() masks all but what is visible, and gives the curves of every unit", async () => {
  await using backend = (await openBackend("cpu")).backend;
  using checkpoint = await openCheckpoint(tinyPath);
  await using model = await Esm2.open(checkpoint, backend);
  await using predictor = await Predictor.create(model, checkpoint, { method: "head" });
  const residues = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE".repeat(2);
  const row = tokenize({ id: "gb1", residues });
  const map = await predictProtein(predictor, row, 1022);
  const options = {
    ...{ pairs: 1, segments: 1, pairContacts: 0, segmentContacts: 0 },
    ...{ step: 9, separation: 50, seed: 1 },
  };
  const results = await runMotif(predictor, row, map, strands(112, 20, 80), options);
  deepEqual(results.map(({ unit }) => unit.set), ["segment", "pair_50_100"]);
  for (const { unit, curves } of results) {
    for (const mode of ["flanks", "random"] as const) {
      equal(curves[mode][0].unmasked, 22);
      // By hand: the same residues written as <mask>.
      const shown = new Set(
        unit.blocks.flatMap(({ begin, end }) =>
          Array.from({ length: end - begin }, (_, i) => begin + i)
        ),
      );
      const text = [...residues].map((letter, i) => shown.has(i) ? letter : "<mask>").join("");
      const [own] = await predictor.maps([tokenize({ id: "x", residues: text })]);
      ok(Math.abs(curves[mode][0].recovery - recovery(map, own, unit)) < 1e-4);
    }
    ok(curves.flanks.length > 1 && curves.flanks[1].unmasked === 40);
  }
});
