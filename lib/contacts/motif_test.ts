import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { embeddedPath } from "../../tests/fixtures.ts";
import { fc } from "../../tests/property.ts";
import { openBackend } from "../backend/mod.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { Esm2, tokenize } from "../esm2/mod.ts";
import { findJump, motifSteps, recovery, runMotif, segmentPairs, segmentsOf } from "./motif.ts";
import type { RecoveryPoint, SegmentPair } from "./motif_types.ts";
import { Predictor, predictProtein } from "./predict.ts";

const curve = (values: number[]): RecoveryPoint[] =>
  values.map((value, flank) => ({ flank, unmasked: 20 + 4 * flank, recovery: value }));

Deno.test("segmentsOf() takes strands of more than 3 and helices of more than 7 residues", () => {
  deepEqual(segmentsOf("-EEE-EEEE-HHHHHHH-HHHHHHHHEEEEE"), [
    { kind: "E", begin: 5, end: 9 },
    { kind: "H", begin: 18, end: 26 },
    { kind: "E", begin: 26, end: 31 },
  ]);
});

Deno.test("segmentPairs() keeps distant pairs, heaviest patch first", () => {
  const segments = segmentsOf("EEEE----EEEE----EEEE");
  const map = new Float32Array(400);
  map[2 * 20 + 17] = 3;
  map[10 * 20 + 18] = 5;
  const pairs = segmentPairs(segments, map, 8);
  deepEqual(pairs.map(({ first, second, weight }) => [first.begin, second.begin, weight]), [
    [8, 16, 5],
    [0, 16, 3],
    [0, 8, 0],
  ]);
});

Deno.test("recovery() is 1 for the map itself, and scales with it", () => {
  const pair: SegmentPair = {
    first: { kind: "E", begin: 0, end: 5 },
    second: { kind: "E", begin: 14, end: 19 },
    weight: 0,
  };
  const map = Float32Array.from({ length: 400 }, (_, i) => i % 7);
  equal(recovery(map, map, pair), 1);
  ok(Math.abs(recovery(map, map.map((x) => x / 4), pair) - 0.25) < 1e-6);
});

Deno.test("motifSteps() grows every curve by as many residues, and far ones stay far", () => {
  const lengths = fc.integer({ min: 90, max: 140 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 9 }), fc.nat(99), (length, step, seed) => {
      const pair: SegmentPair = {
        first: { kind: "E", begin: 4, end: 9 },
        second: { kind: "H", begin: length - 14, end: length - 4 },
        weight: 1,
      };
      const steps = motifSteps(length, pair, { pairs: 1, step, separation: 50, seed }, 0);
      const shown = (flags: Uint8Array) => [...flags].flatMap((flag, i) => flag ? [i] : []);
      const flanks = steps.filter(({ mode }) => mode === "flanks");
      equal(shown(flanks[0].flags).length, 15);
      equal(shown(flanks.at(-1)!.flags).length, length);
      for (const { mode, flank, flags } of steps) {
        const partner = flanks.find((each) => each.flank === flank)!;
        equal(shown(flags).length, shown(partner.flags).length, `${mode} ${flank}`);
        if (mode !== "random_far") continue;
        for (const i of shown(flags)) {
          const inside = i >= 4 && i < 9 || i >= length - 14 && i < length - 4;
          ok(inside || i >= 8 + 30 && i <= length - 14 - 30, `residue ${i} of ${length}`);
        }
      }
      deepEqual(motifSteps(length, pair, { pairs: 1, step, separation: 50, seed }, 0), steps);
    }),
    { numRuns: 15 },
  );
});

Deno.test("findJump() tells a jump that lasts from one that does not, and from a slow rise", () => {
  deepEqual(findJump(curve([0, 0.1, 0.1, 0.7, 0.8, 0.9])), { flank: 3, keeps: true });
  deepEqual(findJump(curve([0, 0.7, 0.3, 0.8, 0.9])), { flank: 1, keeps: true });
  deepEqual(findJump(curve([0, 0.7, 0.3, 0.2, 0.9])), { flank: 1, keeps: false });
  equal(findJump(curve(Array.from({ length: 40 }, (_, i) => i / 40))), undefined);
});

Deno.test("runMotif() recovers everything once nothing is masked", async () => {
  await using backend = (await openBackend("cpu")).backend;
  using checkpoint = await openCheckpoint(embeddedPath);
  await using model = await Esm2.open(checkpoint, backend);
  await using predictor = await Predictor.create(model, checkpoint, { method: "head" });
  const residues = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
  const row = tokenize({ id: "gb1", residues });
  const map = await predictProtein(predictor, row, 1022);
  const secondary = "EEEEEEEE---EEEEEEEE--HHHHHHHHHHHHHHH----EEEEEE----EEEEE-";
  const options = { pairs: 2, step: 4, separation: 12, seed: 1 };
  const results = await runMotif(predictor, row, map, secondary, options);
  equal(results.length, 2);
  for (const { curves, minimalLength } of results) {
    const { flanks } = curves, last = flanks.at(-1)!;
    equal(last.unmasked, residues.length);
    // The same input again, in another batch.
    ok(Math.abs(last.recovery - 1) < 1e-4, String(last.recovery));
    ok(Math.abs(flanks[0].recovery - 1) > 1e-3, "masking must change the map");
    ok(minimalLength <= residues.length);
  }
});
