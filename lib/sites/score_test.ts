import { deepEqual, equal, match, ok } from "../../tests/assert.ts";
import { mapsPerProtein, rankHeads, scoreHeads } from "./score.ts";
import type { LegacyRow } from "./legacy.ts";
import { summarise, summariseLegacy } from "./summary.ts";
import { proteinText, summaryText } from "./tables.ts";
import type { HeadRow, HeadSummary, ProteinResult } from "./types.ts";

const heads = [0, 1, 2].map((head) => ({ layer: 0, head }));

/** Three heads over four columns, site 1: strong there, nothing anywhere, nothing elsewhere. */
const rows = scoreHeads(
  {
    heads,
    mass: Float32Array.of(1, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0),
    count: Uint32Array.of(2, 6, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0),
    sites: Uint32Array.of(1),
  },
  { observed: [3, 0, 2], mean: [0.5, 0, 0], sd: [0.5, 0, 0], atLeast: [0, 9, 0], trials: 9 },
  { mean: [1 / 3, 0, 0], sd: [0.25, 0, 0] },
);

const row = (head: number, fields: Partial<HeadRow>): HeadRow => ({ ...rows[0], head, ...fields });

Deno.test("scoreHeads gives NaN for nothing over nothing and Infinity for something over nothing", () => {
  const [strong, empty, only] = rows;
  deepEqual([strong.impact, strong.snr, strong.enrichment, strong.pAlpha], [6, 5, 3, 0.75]);
  deepEqual([strong.pPermutation, empty.pPermutation, only.pPermutation], [0.1, 1, 0.1]);
  for (const key of ["impact", "snr", "z", "enrichment", "pAlpha"] as const) {
    ok(Number.isNaN(empty[key]), key);
  }
  deepEqual([only.impact, only.snr, only.z], [Infinity, Infinity, Infinity]);
  deepEqual([only.enrichment, only.pAlpha], [4, 1]);
  deepEqual([strong.pairs, empty.pairs, only.pairs], [8, 0, 4]);
});

Deno.test("rankHeads puts sensitive heads first, then larger z, undefined z last", () => {
  const ranked = rankHeads([
    row(0, { impact: NaN, snr: NaN, z: NaN }),
    row(1, { impact: 1.2, snr: 9, z: 9 }),
    row(2, { impact: 2, snr: 3, z: 2 }),
    row(3, { impact: Infinity, snr: Infinity, z: Infinity }),
    row(4, { impact: 0.5, snr: -1, z: -1 }),
    row(5, { impact: 2, snr: 3, z: 4 }),
  ]);
  equal(ranked.map(({ head }) => head).join(), "3,5,2,1,4,0");
});

Deno.test("mapsPerProtein keeps a report within its budget", () => {
  equal(mapsPerProtein([412]), 6);
  equal(mapsPerProtein([3000]), 1);
  equal(mapsPerProtein([5000]), 0);
  const lengths = Array.from({ length: 40 }, () => 300);
  ok(mapsPerProtein(lengths) * 40 * 300 * 300 <= 16_000_000);
});

const result = (id: string, impacts: number[]): ProteinResult => ({
  id,
  residues: "MKTA",
  sites: [{ residue: 2, letter: "K" }],
  layers: [0],
  heads: impacts.length,
  rows: impacts.map((impact, head) => row(head, { impact, snr: 3 })),
  calledByChance: 1.25,
  maps: [],
});

Deno.test("summarise leaves undefined impacts out of a head's mean", () => {
  const [a, b, c] = summarise([result("p", [2, NaN, 1]), result("q", [4, 3, NaN])]);
  deepEqual([a.proteins, a.impactMean, a.impactSd], [2, 3, Math.SQRT2]);
  deepEqual([b.proteins, b.impactMean, b.impactSd, b.impactSnr], [1, 3, NaN, NaN]);
  deepEqual([c.proteins, c.impactMean], [1, 1]);
});

Deno.test("summariseLegacy counts an undefined impact as 0 and adds 1e-10 to the deviation", () => {
  const legacy = (impacts: number[]) =>
    impacts.map((impact, head): LegacyRow => ({
      ...{ layer: 0, head, impact, snr: 0, pValue: 1, pValueHeads: 1, selected: false },
    }));
  const [a, b] = summariseLegacy([legacy([2, 3]), legacy([0, 3])]);
  deepEqual([a.proteins, a.impactMean, a.impactSd], [2, 1, Math.SQRT2]);
  equal(a.impactSnr, 1 / (Math.SQRT2 + 1e-10));
  deepEqual([b.impactSd, b.impactSnr], [0, 3 / 1e-10]);
});

Deno.test("summaryText shows heads with a high mean impact, the steadiest first", () => {
  const head = (head: number, impactMean: number, impactSd: number): HeadSummary => ({
    layer: 0,
    head,
    proteins: 2,
    impactMean,
    impactSd,
    impactSnr: impactMean / impactSd,
  });
  const text = summaryText([head(0, 1, 0.001), head(1, 2, 1), head(2, 3, 0), head(3, 2, 0.5)]);
  const order = text.split("\n").slice(4).map((line) => line.trim().split(/\s+/)[1]);
  equal(order.join(), "2,3,1");
  match(summaryText([head(0, 1, 0.001)]), /no head has a mean impact above 1\.5\.$/);
});

Deno.test("proteinText names one sensitive head, several, or the nearest", () => {
  match(proteinText(result("p", [2, 1, 1])), /^p: 4 residues, 1 site \(K2\)\n1 of 3 heads is sens/);
  match(
    proteinText(result("p", [2, 2, 1])),
    /2 of 3 heads are sensitive \(impact > 1\.5, snr > 2\.0/,
  );
  match(proteinText(result("p", [1, 1, 1])), /None of 3 heads is sensitive .*; the nearest:/);
  const found = (q: number) => {
    const one = result("p", [2, 2, 1]);
    one.rows[1].qBh = q;
    return proteinText(one);
  };
  match(found(0.04), /, where a random residue gives 1\.3 on average; 1 has q < 0\.05:$/m);
  match(found(0.05), /; none has q < 0\.05:$/m);
  match(found(0.05), /enrichment +p_alpha +pairs\n/);
});
