import { sampleSaeReport } from "../../../tests/sae_report_sample.ts";
import { allClose, deepEqual, equal, match, ok } from "../../../tests/assert.ts";
import { chooseDrawn, curveAt, entriesOf, IG, MOST_ENTRIES, PATCH } from "./entries.ts";
import { FINDINGS } from "./finding.ts";
import { renderSaeReport, type SaeReport } from "./sae_report.ts";
import type { AttributionView, CircuitView, PatchKindView, PatchView } from "./types.ts";

const shape = {
  proteins: [{ id: "P", length: 40, mutations: 3 }],
  layers: [8, 16],
  nodes: 60,
  seed: 1,
};
const KINDS = ["patch", "ig", "circuit"] as const;

/** A page without its scripts, whose figures write SVG. */
const markupOf = (html: string) => html.replace(/<script[^]*?<\/script>/g, "");

Deno.test("renderSaeReport is one file: no address to load, no unescaped name", async () => {
  const hostile = `<img src=x onerror=alert(1)>"'&</script>`;
  const rename = <T extends { mutation: string; protein: { id: string } }>(one: T) => ({
    ...one,
    mutation: hostile,
    protein: { ...one.protein, id: hostile },
  });
  for (const kind of KINDS) {
    const report = sampleSaeReport(shape, kind);
    const html = await renderSaeReport({
      ...report,
      notes: [hostile],
      metric: hostile,
      autoencoders: report.autoencoders.map((one) => ({ ...one, name: hostile })),
      patches: report.patches?.map(rename),
      attributions: report.attributions?.map(rename),
      circuits: report.circuits?.map(rename),
      run: { ...report.run, record: { [hostile]: hostile } },
    });
    equal(html.includes("<img"), false);
    equal(html.split("</script>").length, html.split(/<script[ >]/).length);
    deepEqual(markupOf(html).match(/\bsrc="|url\(|@import|<link|href="(?!#)/g), null);
    match(html, /Content-Security-Policy" content="default-src 'none'/);
  }
});

Deno.test("renderSaeReport says what was not measured, and that nothing is left", async () => {
  const report = sampleSaeReport(shape, "ig");
  const html = await renderSaeReport({
    ...report,
    autoencoders: report.autoencoders.map(({ quality: _, ...one }) => one),
  });
  match(html, /was not measured/);
  const bare: SaeReport = { ...report, attributions: [], autoencoders: [] };
  match(await renderSaeReport(bare), /No mutation was left to look at/);
});

Deno.test("renderSaeReport keeps to a size, whatever the protein and the number of mutations", async () => {
  const one = (length: number, mutations = 1) => ({
    ...{ proteins: [{ id: "P", length, mutations }], layers: [16], nodes: 5000, seed: 2 },
  });
  for (const kind of KINDS) {
    const { length } = await renderSaeReport(sampleSaeReport(one(412), kind));
    ok(length < 1e6, `${kind}: ${length} characters`);
  }
  const report = sampleSaeReport(one(700), "ig"), [attribution] = report.attributions!;
  const many = Array.from({ length: 200 }, (_, i) => ({ ...attribution, mutation: `A${i}W` }));
  const html = await renderSaeReport({ ...report, attributions: many });
  ok(html.length < 4e6, `${html.length} characters`);
  match(
    html,
    /Of 200 mutations the 60 with the largest effects are drawn here; the tables beside/,
  );
  match(html, /the 15 largest of 200/);
});

Deno.test("chooseDrawn keeps all layers of the mutations with the largest weight at any", () => {
  const protein = { id: "P", residues: "A", offset: 1 };
  const results = Array.from({ length: 80 }, (_, i) =>
    [4, 8].map((layer) => ({
      ...{ protein, mutation: `m${i}`, tokens: [1], layer },
      weight: layer === 8 ? i : 0,
    }))).flat();
  const chosen = chooseDrawn(results, ({ weight }) => weight);
  equal(chosen.length, MOST_ENTRIES);
  deepEqual(
    new Set(chosen.map(({ mutation }) => mutation)),
    new Set(Array.from({ length: 30 }, (_, i) => `m${50 + i}`)),
  );
  const apart = results.map((one, i) => ({ ...one, protein: { ...protein, id: `P${i >> 1}` } }));
  const proteins = new Set(chooseDrawn(apart, ({ weight }) => weight).map((one) => one.protein.id));
  equal(proteins.size, 20, "proteins are bounded");
});

Deno.test("rows are the latents with the largest sums of magnitudes, then the error terms", () => {
  const [base] = sampleSaeReport(shape, "ig").attributions!;
  const node = (latent: number, attribution: number, token = 1) => ({
    ...{ token, latent, delta: 1, attribution },
  });
  const rowsOf = (nodes: AttributionView["nodes"]) =>
    entriesOf(IG, [{ ...base, nodes, absoluteSum: 100 }], "score", 1)[0];
  deepEqual(rowsOf([node(7, 1), node(7, -3, 2), node(9, 2), node(-1, 9)]).rows, [7, 9, -1]);
  const many = Array.from({ length: 25 }, (_, i) => node(100 + i, 25 - i));
  const { rows, nodes, held, listed } = rowsOf([...many, node(-1, 1)]);
  deepEqual(rows, [...Array.from({ length: 20 }, (_, i) => 100 + i), -1]);
  equal(nodes.length, 21);
  deepEqual(listed.slice(0, 2).map((at) => nodes[at][0]), [100, 101]);
  // 25 + … + 6, and the error term, of 100 as it is given.
  equal(
    held,
    "The 21 nodes drawn, of 26 in the tables, hold 311\u202f% of the sum of all |attribution|.",
  );
});

Deno.test("curveAt is straight between sizes that were measured", () => {
  const curve = [[0, 0], [1, 0.5], [5, 0.9]].map(([nodes, faithfulness]) => ({
    nodes,
    faithfulness,
  }));
  allClose([0, 1, 3, 5, 9].map((n) => curveAt(curve, n)), [0, 0.5, 0.7, 0.9, 0.9], {
    atol: 1e-12,
  });
});

const protein = { id: "P", residues: "ACDEFG", offset: 11 };

/** Patches with these changes. */
function patch(changes: Partial<Record<PatchKindView, number[]>>, layer = 2): PatchView {
  const rows = Object.entries(changes).flatMap(([kind, list]) =>
    list.map((change, i) => ({
      ...{ kind: kind as PatchKindView, latents: 1, token: 2, latent: 7 + i, matches: 7 + i },
      ...{ delta: 1, wildActivation: 0, mutantActivation: 1, baseline: 1, patched: 1 + change },
    }))
  );
  return { protein, mutation: "C12W", tokens: [2], layer, rows };
}

Deno.test("the finding of patches holds latents against the controls, and says what chance gives", () => {
  const of = (...results: PatchView[]) => FINDINGS.patch(results, "S");
  const found = of(patch({ real: [0.5, -2, 0.25], random: [0.25, -0.375, 0], noop: [0] }));
  equal(
    found.answer,
    "2 of 3 latents change the score more than every random control does; latent 8 at C12 most, by −2.",
  );
  match(
    found.method!,
    /^Were they alike, 0\.8 of 3 would\. .*: 0\.375\. No change at all moves it by 0\./,
  );
  match(
    of(patch({ real: [0.5, 0.25], random: [0.375] })).answer,
    /^1 of 2 latents changes the score/,
  );
  const none = of(patch({ real: [0.5, -2], random: [0.25, 3] }));
  equal(none.answer, "No latent changes the score more than the random controls do.");
  match(none.method!, /The largest of all, by latent 8 at C12: −2/);
  const stable = of(patch({ real: [1, 2], stable: [0] }), patch({ real: [1], stable: [0] }));
  match(stable.answer, /^At 2 of 2 mutations .* every least changed latent does\.$/);
  match(stable.method!, /no test against chance/);
  equal(
    of(patch({ real: [1, 2], stable: [3] })).answer,
    "No latent changes the score more than the least changed latents do.",
  );
  equal(
    of(patch({ real: [1, -2] })).answer,
    "Of 2 patched latents latent 8 at C12 changes the score most, by −2.",
  );
  equal(of(patch({ all: [1] })).answer, "No latent was patched by itself.");
  // Three real and one control: the largest is real in three of four draws.
  const several = of(
    patch({ real: [3, 1, 1], random: [2] }),
    patch({ real: [1, 1, 1], random: [2] }, 3),
  );
  equal(
    several.answer,
    "At 1 of 2 mutations at a layer a latent changes the score more than every random control " +
      "does; chance gives 1.5.",
  );
  match(
    of(patch({ real: [1], random: [2] }), patch({ real: [1], random: [2] })).answer,
    /^At none of 2 mutations a/,
  );
});

Deno.test("the finding of attributions holds their share against movement alone", () => {
  const [base] = sampleSaeReport(shape, "ig").attributions!;
  const of = (top: number, plain: number, more: Partial<AttributionView> = {}) =>
    FINDINGS.ig([{
      ...base,
      ...{ moving: 300, baseline: 0, input: 2, sum: 1.98, addsUp: true, steps: 1 },
      attributions: { ...base.attributions, top20: top },
      magnitudes: { ...base.magnitudes, top20: plain },
      ...more,
    }], "S");
  equal(
    of(0.63, 0.4).answer,
    "20 of 300 latents at residues hold 63\u202f% of all attribution, more than the 40\u202f% that " +
      "movement alone gives.",
  );
  match(of(0.4, 0.63).answer, /less than the 63\u202f% that movement alone gives/);
  match(of(0.6, 0.63).answer, /about what movement alone gives \(63\u202f%\)/);
  match(
    of(0.6, 0.6).method!,
    /^Attributions add up to the effect, \+2, with a gap of 1\.0\u202f% \(1 step\)/,
  );
  match(
    of(0.6, 0.6, { addsUp: false, sum: 1 }).method!,
    /^Attributions do not add up: they sum to \+1, .* \+2,/,
  );
  match(
    of(1, 1, { moving: 1 }).answer,
    /^Only 1 latent at residues moves, so that .* says nothing/,
  );
});

Deno.test("the finding of circuits says what random sets restore, and where none is enough", () => {
  const [base] = sampleSaeReport(shape, "circuit").circuits!;
  const one = (more: Partial<CircuitView>) => ({
    ...base,
    ...{ size: 3, candidates: 240, faithfulness: 0.72, reached: true, steady: true, share: 0.7 },
    random: { mean: 0.11, sd: 0.03, most: 0.2 },
    ...more,
  });
  const of = (...many: Partial<CircuitView>[]) => FINDINGS.circuit(many.map(one), "S").answer;
  equal(of({}), "3 nodes of 240 restore 72\u202f% of the effect, as many at random 11\u202f%.");
  match(of({ size: 1 }), /^1 node of 240 restores 72/);
  match(
    of({ random: { mean: 0.6, sd: 0.1, most: 0.8 } }),
    /no more than as many at random \(60\u202f%, highest 80/,
  );
  match(of({ random: { mean: NaN, sd: NaN, most: NaN } }), /there is no other choice of as many/);
  match(
    of({ reached: false }),
    /^No part of the 240 nodes restores 70\u202f% of the effect and keeps it/,
  );
  equal(
    of({}, {}),
    "To restore 70\u202f% of the effect takes a median of 3 of 240 nodes; as many at random restore " +
      "11\u202f%.",
  );
});

Deno.test("controls of many patches are shown evenly by rank, with both ends", () => {
  const changes = Array.from({ length: 1000 }, (_, i) => i - 400);
  const [{ groups }] = entriesOf(PATCH, [patch({ real: [1], random: changes })], "S", 1);
  const values = groups.find(({ name }) => name.startsWith("random"))!.points.map(([x]) => x);
  equal(values.length, 150);
  deepEqual([values[0], values.at(-1)], [-400, 599]);
});
