/** One pass in a process of its own, for its peak memory; prints one JSON line. */
import process from "node:process";
import { Esm2 } from "../esm2/mod.ts";
import { peakMemoryBytes } from "../provenance.ts";
import { openBenchBackend } from "./backends.ts";
import { type MemoryCase, type MemoryUse, MOST_SEQUENCES } from "./memory_rows.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import { randomBatch } from "./sequences.ts";
import { WholeModel } from "./whole_model.ts";

async function measure({ shape, backend: name, tokens, runner, attention }: MemoryCase) {
  using checkpoint = randomCheckpoint(shape, SHAPES[shape]);
  await using backend = await openBenchBackend({ name });
  const batch = randomBatch(tokens - 2, 1);
  if (runner !== "whole graph") {
    await using engine = await Esm2.open(checkpoint, backend);
    const beforeBytes = process.memoryUsage.rss();
    // What a graph of one batch size holds must not stay for each of them.
    const most = runner === "engine" ? 1 : MOST_SEQUENCES;
    for (let size = 1; size <= most; size++) {
      await enginePass(engine, size === 1 ? batch : randomBatch(tokens - 2, size), attention);
    }
    return { beforeBytes, peakBytes: peakMemoryBytes() };
  }
  await using whole = await WholeModel.open(checkpoint, backend, 1, attention === "all");
  const beforeBytes = process.memoryUsage.rss();
  await whole.run(batch);
  return { beforeBytes, peakBytes: peakMemoryBytes() };
}

if (import.meta.main) {
  const found: MemoryUse = await measure(JSON.parse(Deno.args[0]));
  console.log(JSON.stringify(found));
}
