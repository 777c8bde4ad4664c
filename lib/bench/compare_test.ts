import { deepEqual, equal, match, ok } from "../../tests/assert.ts";
import { compareReports } from "./compare.ts";
import type { Spread } from "./statistics.ts";
import { sampleReport } from "./testing/sample_report.ts";
import { comparisonText } from "./tables.ts";

const before = sampleReport();

function scale(spread: Spread, times: number): void {
  spread.median *= times;
  spread.p10 *= times;
  spread.p90 *= times;
}

/** The same run on a machine `times` slower in everything. */
function slowed(times: number) {
  const report = sampleReport();
  for (const row of report.kernels) {
    scale(row.us, times);
    row.gbps /= times;
  }
  for (const row of report.models) {
    scale(row.engineMs, times);
    scale(row.wholeMs!, times);
  }
  for (const row of report.host!) {
    scale(row.replayMs, times);
    scale(row.onnxruntimeMs, times);
  }
  return report;
}

Deno.test("compareReports() finds no change where only the machine is slower", () => {
  const { changes, slower, missing, added, notes } = compareReports(before, slowed(5), 1.01);
  // One kernel on each processor, two passes and the host; copy and no-op rows are yardsticks.
  deepEqual(changes.map(({ ratio }) => ratio), [1, 1, 1, 1, 1]);
  deepEqual([slower, missing, added, notes], [[], [], [], []]);
});

Deno.test("compareReports() names a kernel whose share fell and a pass whose ratio grew", () => {
  const after = sampleReport();
  const twin = after.kernels.find(({ implementation, kernel }) =>
    implementation === "twin" && kernel === "attention_column_mass"
  )!;
  twin.share! /= 2;
  after.models[0].ratio = { samples: 3, median: 1.8, p10: 1.7, p90: 1.9 };
  const { slower } = compareReports(before, after, 1.3);
  deepEqual(slower.map(({ name, ratio }) => [name, Number(ratio.toFixed(3))]), [
    ["attention_column_mass [1, 20, 414, 414], twin", 2],
    ["8M on cpu ×2, 1 × 64 residues, attention none", 1.5],
  ]);
  equal(compareReports(before, after, 2.1).slower.length, 0);
  // Faster is no reason to fail.
  equal(compareReports(after, before, 1.3).slower.length, 0);
});

Deno.test("compareReports() names a host that needs longer, and reads reports without such rows", () => {
  const after = sampleReport();
  scale(after.host![0].ratio, 3);
  const [{ name, ratio }] = compareReports(before, after, 1.3).slower;
  equal(name, "host time of 8M on a GPU, 1 × 64 residues");
  ok(Math.abs(ratio - 3) < 1e-9);
  const { host: _, ...old } = sampleReport();
  deepEqual(compareReports(old, after, 1.3).added, [name]);
});

Deno.test("compareReports() does not fail for what the samples' own scatter explains", () => {
  const [old, now] = [sampleReport(), sampleReport()];
  old.models[0].ratio = { samples: 4, median: 0.86, p10: 0.3, p90: 1.1 };
  now.models[0].ratio = { samples: 4, median: 1.2, p10: 1.0, p90: 1.3 };
  const { changes, slower } = compareReports(old, now, 1.3);
  equal(slower.length, 0);
  equal(changes.find(({ ratio }) => ratio > 1.3)!.verdict, "scatter");
  now.models[0].ratio.p10 = 1.15;
  equal(compareReports(old, now, 1.3).slower.length, 1);
});

Deno.test("compareReports() lists rows of one side only and does not fail for them", () => {
  const after = sampleReport();
  after.models[0].residues = 256;
  const { missing, added, slower } = compareReports(before, after, 1.3);
  deepEqual(missing, ["8M on cpu ×2, 1 × 64 residues, attention none"]);
  deepEqual(added, ["8M on cpu ×2, 1 × 256 residues, attention none"]);
  equal(slower.length, 0);
});

Deno.test("compareReports() leaves out kernels of another adapter or CPU, and says so", () => {
  const after = sampleReport();
  after.adapter = { ...after.adapter!, description: "another GPU" };
  after.machine.cpu = "another CPU";
  const { changes, notes } = compareReports(before, after, 1.3);
  equal(changes.length, 3);
  ok(changes.every(({ name }) => /^(8M|host time)/.test(name)));
  match(notes.join("\n"), /on the CPU are not compared: it was a CPU, x86_64 and is another CPU/);
  match(
    notes.join("\n"),
    /on the GPU are not compared: the adapter was a GPU.* and is another GPU/,
  );
});

Deno.test("compareReports() never compares kernels of a software adapter", () => {
  const [old, now] = [sampleReport(), sampleReport()];
  for (const report of [old, now]) report.adapter!.isFallback = true;
  now.kernels.find(({ implementation }) => implementation === "wgsl")!.share = 1e-6;
  const { slower, notes } = compareReports(old, now, 1.3);
  equal(slower.length, 0);
  match(notes[0], /the adapter is a software one/);
});

Deno.test("comparisonText() puts the slowest first and marks what is past the factor", () => {
  const after = sampleReport();
  scale(after.models[1].ratio!, 4);
  const text = comparisonText(compareReports(before, after, 1.3), 1.3);
  match(
    text.split("\n")[2],
    /^8M on cpu ×2, 1 × 64 residues, attention reduced .*4\.00× +past 1\.3$/,
  );
  equal(text.match(/past 1\.3/g)!.length, 1);
});
