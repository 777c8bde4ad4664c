import { deepEqual, equal, match, ok } from "../../tests/assert.ts";
import { compareReports } from "./compare.ts";
import type { BenchReport } from "./types.ts";
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
  for (const row of report.analyses) scale(row.ms, times);
  for (const row of report.settings) scale(row.ms, times);
  return report;
}

Deno.test("compareReports() finds no change where only the machine is slower", () => {
  const { changes, slower, missing, added, notes } = compareReports(before, slowed(5), 1.01);
  // One kernel on each processor, two passes twice, the host twice, three of analyses, two of memory, one
  // setting; copy and no-op rows are yardsticks.
  deepEqual(changes.map(({ ratio }) => ratio), Array(15).fill(1));
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
  deepEqual(compareReports(old, after, 1.3).added, [name, `${name}, over empty commands`]);
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
  const of = (residues: number) => {
    const name = `8M on cpu ×2, 1 × ${residues} residues, attention none`;
    return [name, `${name}, over plain products`];
  };
  deepEqual(missing, of(64));
  deepEqual(added, of(256));
  equal(slower.length, 0);
});

Deno.test("compareReports() leaves out kernels of another adapter or CPU, and says so", () => {
  const after = sampleReport();
  after.adapter = { ...after.adapter!, description: "another GPU" };
  after.machine.cpu = "another CPU";
  const { changes, notes } = compareReports(before, after, 1.3);
  equal(changes.length, 13);
  ok(!changes.some(({ name }) => name.startsWith("attention_column_mass")));
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

Deno.test("compareReports() fails for each section that became slower or larger", () => {
  const sections: Record<string, (report: BenchReport) => void> = {
    "attention_column_mass [1, 20, 414, 414], twin": ({ kernels }) => kernels[3].share! /= 2,
    "8M on cpu ×2, 1 × 64 residues, attention none": ({ models }) => scale(models[0].ratio!, 2),
    "8M on cpu ×2, 1 × 64 residues, attention none, over plain products": ({ models }) =>
      scale(models[0].overProducts!, 2),
    "host time of 8M on a GPU, 1 × 64 residues": ({ host }) => scale(host![0].ratio, 2),
    "host time of 8M on a GPU, 1 × 64 residues, over empty commands": ({ host }) =>
      scale(host![0].overDispatches!, 2),
    "analyze on cpu, cold, 8M shape, over a process of fixed work": ({ analyses }) =>
      scale(analyses[0].overYardstick!, 2),
    "analyze on cpu ×2, warm, 8M shape, over its passes": ({ analyses }) =>
      scale(analyses[1].overPlain!, 2),
    "analyze on cpu ×2, warm, 8M shape, over plain products": ({ analyses }) =>
      scale(analyses[1].overYardstick!, 2),
    "analyze on cpu ×2, warm, 8M shape, over the ceiling of products": ({ analyses }) =>
      scale(analyses[1].overCeiling!, 2),
    "memory of 8M on cpu, engine, attention reduced, 1024 tokens: of the pass, over one layer's attention":
      ({ memory }) => memory[0].peakBytes += 110e6,
    "memory of 8M on cpu, engine, attention reduced, 1024 tokens: loaded, over its weights": (
      { memory: [row] },
    ) => {
      row.beforeBytes += 90e6;
      row.peakBytes += 90e6;
    },
    "threads: 2": ({ settings }) => scale(settings[1].ratio!, 2),
  };
  for (const [name, harm] of Object.entries(sections)) {
    const after = sampleReport();
    harm(after);
    deepEqual(compareReports(before, after, 1.3).slower.map((change) => change.name), [name]);
  }
});

Deno.test("compareReports() says which run began on a busy machine, and tells processors of one name apart", () => {
  const after = sampleReport();
  after.machine.loadAverage = 1.9;
  match(
    compareReports(before, after, 1.3).notes.join(),
    /in the present run other work kept 1\.9 of 2 cores busy/,
  );
  const [one, other] = [sampleReport(), sampleReport()];
  for (const [report, cpuModel] of [[one, 1], [other, 17]] as const) {
    Object.assign(report.machine, { cpuFamily: 25, cpuModel });
  }
  match(
    compareReports(one, other, 1.3).notes.join(),
    /it was a CPU, x86_64, family 25, model 1 and is a CPU, x86_64, family 25, model 17/,
  );
  // A report without such numbers is told by the name alone.
  deepEqual(compareReports(before, other, 1.3).notes, []);
});
