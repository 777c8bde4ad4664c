import { deepEqual, equal, ok, rejects } from "../../tests/assert.ts";
import { openCpu } from "../backend/cpu.ts";
import { loadNative } from "../backend/ort.ts";
import { randomCheckpoint } from "../checkpoint/random.ts";
import { wholeGraphOfIds } from "../esm2/whole_graph.ts";
import { serialize } from "../onnx/serialize.ts";
import { compareReports } from "./compare.ts";
import { LineProcess } from "./line_process.ts";
import { relativeDifference } from "./passes.ts";
import { peerRows } from "./peer_rows.ts";
import { peersMarkdown } from "./peer_table.ts";
import { randomBatch } from "./sequences.ts";
import type { BenchReport, PeerRow } from "./types.ts";
import { WholeModel } from "./whole_model.ts";

const config = { layers: 2, dModel: 16, heads: 2, headDim: 8, ffn: 64, tokenDropout: true };

Deno.test("the whole graph that takes tokens gives what the one that takes their embeddings gives", async () => {
  using checkpoint = randomCheckpoint("small", config);
  await using backend = await openCpu({ threads: 1 });
  const batch = randomBatch(7, 2), { ids, size, width } = batch;
  await using whole = await WholeModel.open(checkpoint, backend, size, false);
  const ort = await loadNative();
  const graph = serialize(await wholeGraphOfIds(checkpoint, size, 20));
  const session = await ort.InferenceSession.create(graph);
  const tokens = new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [size, width]);
  const { logits } = await session.run({ input_ids: tokens });
  await session.release();
  const difference = relativeDifference(logits.data as Float32Array, await whole.run(batch));
  ok(difference < 1e-5, `${difference}`);
});

Deno.test("peerRows() times who is here beside the engine, and tells who is not", async () => {
  const one = { shape: "8M", threads: 1, tokens: [9], budgetMs: 1 } as const;
  const { rows, notes } = await peerRows([one], { peers: ["whole graph", "PyTorch"] });
  equal(rows[0].peer, "whole graph");
  equal(rows.length + notes.length, 2);
  for (const { tokens, ratio, oursMs } of rows) {
    equal(tokens, 9);
    ok(ratio.samples >= 5 && ratio.median > 0 && oursMs.median > 0);
  }
});

Deno.test("a process that answers lines is missing where it does not start, and known to have ended", async () => {
  equal(await LineProcess.start("esmscope-no-such-program", []), undefined);
  equal(await LineProcess.start(Deno.execPath(), ["eval", "Deno.exit(1)"]), undefined);
  const code = `console.log('{"version":1}'); ` +
    `for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) ` +
    `if (text.includes("end")) Deno.exit(); else console.log(JSON.stringify(text.trim()));`;
  await using process = await LineProcess.start<{ version: number }>(Deno.execPath(), [
    ...["eval", code],
  ]);
  deepEqual(process!.hello, { version: 1 });
  equal(await process!.ask("a line"), "a line");
  await rejects(() => process!.ask("end"), /Cannot ask "end" as it has ended/);
});

const spread = (median: number) => ({ samples: 5, median, p10: 0.99 * median, p90: 1.01 * median });
const row = (peer: PeerRow["peer"], ratio: number, threads = 1): PeerRow => ({
  ...{ shape: "8M", threads, tokens: 66, peer, oursMs: spread(12.34), theirsMs: spread(1) },
  ratio: spread(ratio),
});

Deno.test("peersMarkdown() has a row per size and length, a column per peer and count of threads", () => {
  const rows = [row("PyTorch", 1.333), row("whole graph", 0.9), row("whole graph", 2, 2)];
  deepEqual(peersMarkdown(rows).split("\n"), [
    "| size | T | 1 thread: ours | whole graph | PyTorch | 2 threads: ours | whole graph | PyTorch |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    "| 8M | 66 | 12 ms | 0.90 | 1.33 | 12 ms | 2.00 |  |",
  ]);
});

Deno.test("compareReports() finds the engine slower beside a peer than before", () => {
  const machine = { os: "", arch: "", cpu: "", cores: 2, memoryBytes: 1 };
  const report = (ratio: number) =>
    ({ kernels: [], models: [], adapter: null, machine, peers: [row("PyTorch", ratio)] }) as
      & Partial<BenchReport>
      & object as BenchReport;
  deepEqual(compareReports(report(1.5), report(1), 1.3).slower.map(({ name }) => name), [
    "8M on cpu ×1, 66 tokens, over PyTorch",
  ]);
  deepEqual(compareReports(report(1), report(1.5), 1.3).slower, []);
});
