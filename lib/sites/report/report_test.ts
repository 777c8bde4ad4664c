import { examples } from "../../../data/examples.ts";
import { deepEqual, equal, match, ok } from "../../../tests/assert.ts";
import { sampleMutant, sampleProtein } from "../../../tests/report_sample.ts";
import { cellsOf } from "../../io/columns.ts";
import { HEADS, rowsOf } from "../tables.ts";
import { finding } from "./finding.ts";
import { escapeText, markup } from "../../report/markup.ts";
import { json } from "../../report/page.ts";
import { renderSiteReport } from "./mod.ts";
import { roundUp, scaleFor, short } from "../../report/scale.ts";

const protein = sampleProtein({
  id: '<script>alert("x")</script>',
  residues: examples.a2a.residues.slice(0, 40),
  sites: [5, 6, 30],
  layers: [2, 5],
  heads: 4,
  maps: 1,
  seed: 1,
});
const run = { record: { a: { b: ["<x>", 1] }, c: null }, input: "i", options: "o", files: ["<f>"] };

Deno.test("markup escapes every inserted value and only joins what is markup already", () => {
  const inner = markup`<b>${"a<b"}</b>`;
  equal(
    markup`<p title="${'"x'}">${[inner, "&", null, false, 0]}</p>`.text,
    '<p title="&#34;x"><b>a&#60;b</b>&#38;0</p>',
  );
  equal(escapeText("a\u0000'"), "a\uFFFD&#39;");
});

Deno.test("json cannot close its element and reads back the same, infinities too", () => {
  const value = { text: "</script><!--\u2028&", far: Infinity, none: NaN };
  const text = json("rows", value).text;
  equal(text.match(/<\/script/g)!.length, 1);
  deepEqual(JSON.parse(text.replace(/^<[^>]*>|<\/script>$/g, "")), { ...value, none: null });
});

Deno.test("renderSiteReport is one file: no address to load, no unescaped name", () => {
  const html = renderSiteReport({ notes: ["<u>"], proteins: [protein], run });
  // Assets load by src, href, url( or @import only; the one kind of link is to a section.
  const shown = html.replace(/<script>[^]*?<\/script>/g, "");
  deepEqual(shown.match(/\bsrc=|url\(|@import|<link|href="(?!#)/g), null);
  match(html, /Content-Security-Policy" content="default-src 'none'/);
  for (const raw of ["<u>", "<x>", "<f>", "<script>alert"]) equal(html.includes(raw), false, raw);
  match(html, /<dt>a\.b<\/dt><dd>&#60;x&#62;, 1<\/dd>/);
});

Deno.test("the columns of heads.csv name every number of a head once", () => {
  const found = rowsOf("p", [protein.rows[0]]).flatMap((row) => Object.values(cellsOf(HEADS, row)));
  deepEqual(found.sort(), ["p", ...Object.values(protein.rows[0])].sort());
  equal(new Set(HEADS.columns.map(({ name }) => name)).size, HEADS.columns.length);
});

Deno.test("finding says what stays after correction, and a null result as plainly", () => {
  const row = protein.rows[0];
  const rows = [
    { ...row, layer: 2, head: 5, impact: 2.04, snr: 2.1, qBh: 0.01, z: 3 },
    { ...row, impact: Infinity, snr: Infinity, qBh: 0.06, z: Infinity },
    { ...row, impact: 1.5, snr: 9, qBh: 0.5, z: 9 },
    { ...row, impact: 9, snr: 2, qBh: 0.5, z: 2 },
    { ...row, impact: NaN, snr: NaN, qBh: 1, z: NaN },
  ];
  const of = (some: typeof rows, sites = protein.sites) =>
    finding({ ...protein, rows: some, sites });
  const all = of(rows);
  equal(
    all.answer,
    "2 of 5 heads look at the 3 sites more than at random residues; after correction for 5 tests " +
      "one remains, layer 2 head 5.",
  );
  match(
    all.method!,
    /^The sites get 2\.0 times the attention of random residues in layer 2 head 5 \(q 0\.01\)\./,
  );
  match(
    all.method!,
    /calls 1\.\d heads for 3 random residues on average\. For 1 head the impact is undefined/,
  );
  equal(
    of(rows.slice(2)).answer,
    "No head looks at the 3 sites clearly more than at random residues.",
  );
  const one = of([{ ...rows[0], qBh: 0.2 }], protein.sites.slice(0, 1));
  equal(
    one.answer,
    "1 of 1 head looks at the site more than at a random residue; after correction for 1 test none remains.",
  );
  match(
    of([{ ...rows[0], snr: 1 }]).answer,
    /^No head .* residues; after .* one does, layer 2 head 5\.$/,
  );
  for (const { answer } of [all, one]) ok(answer.length <= 140, answer);
});

Deno.test("finding says what a mutation changes beyond other substitutions, or that it does not", () => {
  const of = (largest: number, others = 18) => {
    const mutant = sampleMutant(protein, { position: 5, to: "A", largest, seed: 2 });
    return finding({ ...protein, mutants: [{ ...mutant, others }] });
  };
  match(
    of(0).answer,
    /\. G5A changes no head’s attention more than each of the 18 other substitutions there does \(chance gives 0\.4\)\.$/,
  );
  match(
    of(3).answer,
    / G5A changes 3 of 8 heads more than each of the 18 other substitutions there does, first layer 2 head \d \(chance gives 0\.4\)\.$/,
  );
  match(of(1).method!, /Against 18 other substitutions p is never below 1\/19\.$/);
  equal(finding({ ...protein, mutants: [] }).answer, finding(protein).answer);
});

Deno.test("scaleFor ends at a round number that a few outliers do not move", () => {
  const values = Array.from({ length: 100 }, (_, i) => i / 50);
  deepEqual(scaleFor([...values, NaN], "sequential", 1), {
    ...{ kind: "sequential", cap: 2, cappedAbove: false, cappedBelow: false },
  });
  const scale = scaleFor([...values, 900, Infinity, -Infinity], "diverging", 1);
  equal(scale.cap, 2);
  ok(scale.cappedAbove && scale.cappedBelow);
  equal(scaleFor([], "sequential", 3).cap, 3);
  deepEqual([1, 1.01, 0.12, 7, 81].map(roundUp), [1, 1.5, 0.15, 8, 100]);
});

Deno.test("short writes three digits in the reader's notation", () => {
  const cases: [number, string][] = [
    ...[[0, "0"], [1.5, "1.5"], [0.0012345, "0.00123"], [-2.504, "−2.5"]] as [number, string][],
    ...[[1234.4, "1234"], [123456, "1.2 × 10⁵"], [-1e-9, "−1.0 × 10⁻⁹"]] as [number, string][],
    ...[[NaN, "undefined"], [Infinity, "∞"], [-Infinity, "−∞"]] as [number, string][],
  ];
  for (const [value, text] of cases) equal(short(value), text);
  equal(short(1.5, true), "1.50");
});
