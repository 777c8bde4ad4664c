/** The bench command from end to end: short runs, whose numbers are checked for sense only. */
import { SCHEMA } from "../lib/bench/types.ts";
import type { BenchReport } from "../lib/bench/types.ts";
import { sampleReport } from "../lib/bench/testing/sample_report.ts";
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/bench.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";

interface Outcome {
  code: number;
  out: string;
  err: string;
}

async function bench(...args: string[]): Promise<Outcome> {
  const lines = { out: [] as string[], err: [] as string[] };
  const output = {
    out: (line: string) => void lines.out.push(line),
    err: (line: string) => void lines.err.push(line),
  };
  const code = await execute(command, args, { output });
  return { code, out: lines.out.join("\n"), err: lines.err.join("\n") };
}

/** A folder that is removed, with the path of a file in it. */
async function withFolder(fn: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await fn((name) => `${dir}/${name}`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const readReport = async (path: string): Promise<BenchReport> =>
  JSON.parse(await Deno.readTextFile(path));

/** Two forward passes' worth of work. */
const SHORT = ["--only", "models", "--quick", "--backend", "cpu", "--threads", "1"].concat(
  ["--shapes", "8M", "--lengths", "5", "--batches", "1,2"],
);

Deno.test("bench measures the engine against the whole graph and compares ratios", async () => {
  await withFolder(async (path) => {
    const first = await bench(...SHORT, "--json", path("now.json"));
    equal(first.code, 0, first.err);
    match(first.out, /Forward passes/);
    const report = await readReport(path("now.json"));
    equal(report.schema, SCHEMA);
    deepEqual(
      report.models.map(({ batch, attention }) => `${batch} ${attention}`),
      ["1 none", "1 reduced", "1 all", "2 none", "2 reduced", "2 all"],
    );
    for (const { engineMs, wholeMs, ratio, tokensPerSecond, batch } of report.models) {
      ok(engineMs.samples >= 3 && wholeMs!.samples === engineMs.samples);
      ok(engineMs.p10 <= engineMs.median && engineMs.median <= engineMs.p90);
      ok(ratio!.median > 0);
      // Seven tokens a sequence.
      ok(Math.abs(tokensPerSecond * engineMs.median - 7000 * batch) < 1);
    }
    match(report.versions.onnxruntime!, /^\d+\.\d+/);
    ok(report.machine.cores >= 1 && report.machine.memoryBytes > 2 ** 28);

    // An earlier run a thousand times better, and one a thousand times worse: noise decides neither.
    const scale = (times: number) => {
      for (const { ratio } of report.models) {
        for (const key of ["median", "p10", "p90"] as const) ratio![key] *= times;
      }
    };
    scale(1 / 1000);
    await Deno.writeTextFile(path("better.json"), JSON.stringify(report));
    const worse = await bench(...SHORT, "--compare", path("better.json"));
    equal(worse.code, 1);
    match(worse.err, /Slower than .*better\.json by more than 1\.3: 8M on cpu ×1, 1 × 5 residues/);
    scale(1e6);
    report.models.push({ ...report.models[0], residues: 999 });
    await Deno.writeTextFile(path("worse.json"), JSON.stringify(report));
    const better = await bench(...SHORT, "--compare", path("worse.json"));
    equal(better.code, 0, better.err);
    match(better.out, /Only in the earlier report:\n {2}8M on cpu ×1, 1 × 999 residues/);
  });
});

Deno.test({
  name: "bench host: a replayed pass costs the host less than onnxruntime's" +
    gpuSkipped,
  ignore: !runsGpuTests,
  async fn() {
    await withFolder(async (path) => {
      const args = ["--only", "host", "--quick", "--shapes", "8M", "--lengths", "5"];
      const { code, out, err } = await bench(...args, "--json", path("host.json"));
      equal(code, 0, err);
      match(out, /Host time of a pass/);
      const { host = [], adapter } = await readReport(path("host.json"));
      equal(host.length, 1);
      const [{ replayMs, onnxruntimeMs, ratio, usPerBlock, passMs }] = host;
      ok(replayMs.samples >= 5 && replayMs.samples === onnxruntimeMs.samples);
      ok(Math.abs(usPerBlock - 1000 * replayMs.median / 6) < 1e-6);
      equal(passMs === undefined, adapter!.isFallback);
      // A sixth to an eighth where it was measured: a busy machine does not make it one.
      ok(ratio.median < 1, `${ratio.median}`);
    });
  },
});

Deno.test({
  name: "bench memory: an analysis needs far less than all attention of a protein",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withFolder(async (path) => {
      // An earlier run that needed half as much.
      const earlier = sampleReport();
      earlier.memory[0].peakBytes = earlier.memory[0].beforeBytes + 40e6;
      await Deno.writeTextFile(path("earlier.json"), JSON.stringify(earlier));
      // Through a shell, because a process inherits the peak of the one that starts it.
      const args = ["run", "--quiet", "--no-lock", "-P=test", "tasks/bench.ts", "--only", "memory"];
      const { code, stderr } = await new Deno.Command("sh", {
        args: [
          "-c",
          'deno=$1; shift; "$deno" "$@"; exit $?',
          "sh",
          Deno.execPath(),
          ...args,
          ...["--quick", "--backend", "cpu", "--json", path("memory.json")],
          ...["--compare", path("earlier.json")],
        ],
        cwd: new URL("../", import.meta.url),
      }).output();
      const told = new TextDecoder().decode(stderr);
      equal(code, 1, told);
      match(told, /Slower than .* memory of 8M on cpu, engine, .*: of the pass/);
      const { memory, notes } = await readReport(path("memory.json"));
      equal(memory.length, 1, notes.join());
      const [{ tokens, beforeBytes, peakBytes, allAttentionBytes, weightBytes }] = memory;
      equal(tokens, 1024);
      equal(allAttentionBytes, 6 * 20 * 1024 ** 2 * 4);
      ok(beforeBytes > weightBytes);
      ok(peakBytes > beforeBytes && peakBytes - beforeBytes < allAttentionBytes / 2);
    });
  },
});

Deno.test("bench refuses options that make no sense before it measures anything", async () => {
  await withFolder(async (path) => {
    await Deno.writeTextFile(path("text.json"), "no JSON");
    await Deno.writeTextFile(path("list.json"), "[]");
    await Deno.writeTextFile(path("other.json"), '{"schema": "esmscope-bench/0"}');
    const { models: _, ...partial } = sampleReport();
    await Deno.writeTextFile(path("partial.json"), JSON.stringify(partial));
    await Deno.mkdir(path("folder"));
    const cases: [string[], RegExp][] = [
      [["--only", "models,"], /Cannot read --only as it must be values between single commas/],
      [["--only", "model"], /Cannot read --only as it must be one of kernels, models/],
      [["--shapes", "3B"], /Cannot read --shapes as it must be one of 8M, 35M, 150M, 650M/],
      [["--batches", "0"], /Cannot read --batches as it must be a whole number in 1\.\.1024/],
      [["--factor", "0.5"], /Cannot read --factor as it must be a number from 1/],
      [["--compare", path("none.json")], /as it must be a text file: no such file/],
      [["--compare", path("text.json")], /Cannot compare with .* as it must be JSON/],
      [["--compare", path("list.json")], /its schema must be "esmscope-bench\/1".*"none"/],
      [["--compare", path("other.json")], /current value is "esmscope-bench\/0"/],
      [["--compare", path("partial.json")], /kernels, models or machine is missing/],
      [["--json", path("folder")], /as it must be a file: current value is a folder/],
      [
        ["--only", "models", "--plot", "x.html"],
        /Cannot use --plot as --only must include kernels/,
      ],
    ];
    for (const [args, message] of cases) {
      const { code, out, err } = await bench(...args);
      equal(code, 2, args.join(" "));
      match(err, message);
      equal(out, "");
      ok(!err.includes("\n"), "one line");
    }
    deepEqual([...Deno.readDirSync(path("folder"))], []);
  });
});
