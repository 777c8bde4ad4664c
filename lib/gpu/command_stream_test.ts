import { deepEqual, equal } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { CommandStream } from "./command_stream.ts";

/** A device that writes down what it is told. */
function recorder(): { told: string[]; device: GPUDevice } {
  const told: string[] = [];
  const device = {
    createCommandEncoder: () => ({
      beginComputePass: () => ({ end: () => told.push("end") }),
      finish: () => ({}),
    }),
    queue: { submit: () => told.push("submit") },
  };
  return { told, device: device as unknown as GPUDevice };
}

const bufferNamed = (name: string, told: string[]) =>
  ({ destroy: () => told.push(`destroy ${name}`) }) as unknown as GPUBuffer;

Deno.test("CommandStream submits the first run at once and then more together", () => {
  const { told, device } = recorder(), stream = new CommandStream(device);
  const submissions = (runs: number) => {
    told.length = 0;
    const after: number[] = [];
    for (let run = 1; run <= runs; run++) {
      void stream.pass;
      stream.added(21);
      if (told.filter((one) => one === "submit").length > after.length) after.push(run);
    }
    stream.flush();
    return after;
  };
  deepEqual(submissions(33), [1, 5, 18]);
  deepEqual(submissions(33), [1, 5, 18], "what is left begins anew");
  equal(submissions(400).length, 10, "no more than a thousand dispatches wait");
  told.length = 0;
  stream.flush();
  deepEqual(told, [], "nothing is submitted twice");
});

Deno.test("CommandStream keeps buffers until the commands that may use them are submitted", () => {
  const { told, device } = recorder(), stream = new CommandStream(device);
  stream.destroy(bufferNamed("early", told));
  void stream.pass;
  stream.destroy(bufferNamed("late", told));
  stream.flush();
  deepEqual(told, ["destroy early", "end", "submit", "destroy late"]);
});

gpuTest("what waits in the stream comes before all else on the queue", async (ctx) => {
  using source = ctx.upload("source", [4], Float32Array.of(1, 2, 3, 4));
  using target = ctx.alloc("target", [4], "f32"), other = ctx.alloc("other", [4], "f32");
  ctx.stream.encoder.copyBufferToBuffer(source.buffer, 0, target.buffer, 0, 16);
  ctx.stream.added(1);
  // Written after the copy was asked for.
  ctx.device.queue.writeBuffer(source.buffer, 0, new Float32Array(4).fill(9));
  deepEqual(await ctx.read(target), Float32Array.of(1, 2, 3, 4));
  const lent = ctx.upload("lent", [4], new Float32Array(4).fill(7));
  ctx.stream.encoder.copyBufferToBuffer(lent.buffer, 0, other.buffer, 0, 16);
  lent.dispose();
  deepEqual(await ctx.read(other), new Float32Array(4).fill(7), "though its source was freed");
});
