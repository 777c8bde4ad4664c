/** Times passes with and without replay in a process of its own; prints one JSON line. */
import { openWebGpu } from "../backend/webgpu.ts";
import { Esm2, type PlannedBatch } from "../esm2/mod.ts";
import { HOST_SHAPES, type HostCase, type HostTimes } from "./host_rows.ts";
import { randomCheckpoint } from "../checkpoint/random.ts";
import { randomBatch } from "./sequences.ts";

/** The runtime looks for the end of the device's work every 10 ms: a row of passes has that once. */
const PASSES_IN_A_ROW = 16;

/** Rounds before any is timed: onnxruntime builds its pipelines, then a run is logged. */
const WARMUP = 3;

async function measure({ shape, residues, batch: size, hasGpu, budgetMs }: HostCase) {
  using checkpoint = randomCheckpoint(shape, HOST_SHAPES[shape]);
  await using replayed = await openWebGpu();
  await using plain = await openWebGpu({ replay: false });
  await using engine = await Esm2.open(checkpoint, replayed);
  await using yardstick = await Esm2.open(checkpoint, plain);
  const batch = randomBatch(residues, size);
  const times: Required<HostTimes> = {
    adapter: replayed.gpu.adapter.description || replayed.gpu.adapter.device,
    replay: [],
    onnxruntime: [],
    dispatches: [],
    pass: [],
  };
  const dispatches = emptyDispatches(replayed.gpu.device);
  let begin = performance.now();
  for (let round = 0; round < WARMUP + 100; round++) {
    if (round === WARMUP) begin = performance.now();
    if (round >= WARMUP + 5 && performance.now() - begin > budgetMs) break;
    const found = {
      replay: await hostMs(engine, batch),
      onnxruntime: await hostMs(yardstick, batch),
      dispatches: await dispatches(),
      pass: hasGpu ? await passMs(engine, batch) : NaN,
    };
    if (round < WARMUP) continue;
    for (const name of ["replay", "onnxruntime", "dispatches", "pass"] as const) {
      times[name].push(found[name]);
    }
  }
  return { ...times, pass: hasGpu ? times.pass : undefined };
}

/** Until every command of a pass is submitted; the device may still be at work. */
async function hostMs(model: Esm2, batch: PlannedBatch): Promise<number> {
  const begin = performance.now();
  using _ = await model.run(batch, { head: true });
  const ms = performance.now() - begin;
  await model.backend.gpu!.device.queue.onSubmittedWorkDone();
  return ms;
}

/** Commands that do nothing, as many as some blocks have. */
const DISPATCHES = 500;

/** Times how long the host takes to give them: what no pass of this project has a part in. */
function emptyDispatches(device: GPUDevice): () => Promise<number> {
  const code = "@compute @workgroup_size(1) fn main() {}";
  const module = device.createShaderModule({ label: "nothing", code });
  const compute = { module, entryPoint: "main" };
  const pipeline = device.createComputePipeline({ label: "nothing", layout: "auto", compute });
  return async () => {
    const begin = performance.now();
    const encoder = device.createCommandEncoder({ label: "nothing" });
    const pass = encoder.beginComputePass({ label: "nothing" });
    for (let i = 0; i < DISPATCHES; i++) {
      pass.setPipeline(pipeline);
      pass.dispatchWorkgroups(1);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
    const ms = performance.now() - begin;
    await device.queue.onSubmittedWorkDone();
    return ms;
  };
}

/** One pass of many whose work follows without a gap. */
async function passMs(model: Esm2, batch: PlannedBatch): Promise<number> {
  const begin = performance.now();
  for (let i = 0; i < PASSES_IN_A_ROW; i++) {
    using _ = await model.run(batch, { head: true });
  }
  await model.backend.gpu!.device.queue.onSubmittedWorkDone();
  return (performance.now() - begin) / PASSES_IN_A_ROW;
}

if (import.meta.main) {
  const found: HostTimes = await measure(JSON.parse(Deno.args[0]));
  console.log(JSON.stringify(found));
}
