import { deepEqual, equal, match, ok } from "../../../tests/assert.ts";
import { sampleSteeringReport } from "../../../tests/steering_report_sample.ts";
import { countLetters, steeringFinding } from "./finding.ts";
import { LETTERS, renderSteeringReport } from "./steering_report.ts";

const shape = { length: 150, from: 20, to: 90, seed: 3 };

/** A page without its scripts, whose figures write SVG. */
const markupOf = (html: string) => html.replace(/<script[^]*?<\/script>/g, "");

Deno.test("renderSteeringReport is one file: no address to load, no unescaped name", async () => {
  const hostile = `<img src=x onerror=alert(1)>"'&</script>`;
  const report = sampleSteeringReport(shape, hostile);
  const html = await renderSteeringReport({
    ...report,
    notes: [hostile],
    latents: report.latents.map((one) => ({ ...one, becomes: hostile })),
    autoencoder: { ...report.autoencoder, name: hostile },
    run: { ...report.run, record: { [hostile]: hostile } },
  });
  equal(html.includes("<img"), false);
  equal(html.split("</script>").length, html.split(/<script[ >]/).length);
  deepEqual(markupOf(html).match(/\bsrc="|url\(|@import|<link|href="(?!#)/g), null);
  match(html, /Content-Security-Policy" content="default-src 'none'/);
});

Deno.test("the finding says how many letters change, and where the prediction moves most", () => {
  const report = sampleSteeringReport(shape);
  const { answer, method } = steeringFinding(report);
  const changed = report.residues.filter(({ before, after }) => before !== after).length;
  const most = report.residues.toSorted((a, b) => b.divergence - a.divergence)[0];
  match(answer, new RegExp(`^${changed} of 150 residues change their most probable letter`));
  match(answer, new RegExp(`moves most at ${most.letter}${most.position + 10}, by [\\d.]+ nats`));
  match(method!, /One latent \(184 at 5 × its maximum\) was steered at 71 of 150 residues\./);
  const everywhere = steeringFinding({
    ...report,
    tokens: Array.from({ length: 152 }, (_, t) => t),
  });
  match(everywhere.method!, /at every residue and at <cls> and <eos>\./);
});

Deno.test("the finding says plainly that nothing changes", () => {
  const report = sampleSteeringReport(shape);
  const same = report.residues.map((one) => ({ ...one, after: one.before }));
  match(
    steeringFinding({ ...report, residues: same }).answer,
    /^No residue of 150 changes its most/,
  );
  const still = same.map((one) => ({ ...one, divergence: 0 }));
  equal(
    steeringFinding({ ...report, residues: still }).answer,
    "Steering changes no prediction at all.",
  );
  const [first, ...others] = same;
  const one = [{ ...first, after: first.before === "V" ? "A" : "V" }, ...others];
  match(
    steeringFinding({ ...report, residues: one }).answer,
    /^1 of 150 residues changes its most/,
  );
});

Deno.test("countLetters counts every residue once before and once after", () => {
  const { residues } = sampleSteeringReport(shape);
  const counts = countLetters(residues, LETTERS);
  equal(counts.length, 20);
  for (const key of ["own", "before", "after"] as const) {
    equal(counts.reduce((sum, one) => sum + one[key], 0), 150, key);
  }
  const { after } = counts.find(({ letter }) => letter === "V")!;
  equal(after, residues.filter((one) => one.after === "V").length);
});

Deno.test("renderSteeringReport keeps to a size, whatever the length of the protein", async () => {
  for (const [length, most] of [[412, 0.5e6], [3000, 2e6]]) {
    const html = await renderSteeringReport(
      sampleSteeringReport({ length, from: 1, to: length, seed: 8 }),
    );
    ok(html.length < most, `${length} residues: ${html.length} characters`);
  }
});
