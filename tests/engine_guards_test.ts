/** What the engine refuses: released tensors, runs within runs, numbers that are none. */
import { type Backend, openBackend, type Tensor } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { deepEqual, equal, ok, rejects, throws } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf } from "./parity.ts";

const BATCH = batchOf(["NLYIQWLKDGGPSSGRPPPS"]);
/** Throws if it is to. */
function fail(now: boolean): void {
  if (now) throw new Error("the visitor gave up");
}

const RELEASED = /Cannot use tensor ".*" as it must not be released yet.*keep\(\).*read\(\)/s;

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  const engineTest = (what: string, fn: (esm: Esm2, backend: Backend) => Promise<void>) =>
    Deno.test({
      name: `${what}: ${name}${skip ? gpuSkipped : ""}`,
      ignore: skip,
      sanitizeResources: false,
      sanitizeOps: false,
      async fn() {
        const { backend } = await openBackend(name);
        await using _ = backend;
        using checkpoint = await openCheckpoint(tinyPath);
        {
          await using esm = await Esm2.open(checkpoint, backend);
          await fn(esm, backend);
        }
        equal(backend.liveBytes, 0, "every tensor is freed");
      },
    });

  engineTest("a released tensor cannot be read, uploaded from or fed", async (esm, backend) => {
    const seen: Tensor[] = [], views: Tensor["gpu"][] = [];
    {
      using result = await esm.run(BATCH, {
        head: true,
        visitor: {
          attention: ({ pattern }) => void seen.push(pattern),
          hidden: ({ hidden }) => {
            seen.push(hidden);
            views.push(hidden.gpu);
          },
        },
      });
      // The last state is the result's own.
      seen.pop();
      ok((await result.hidden.read()).every(Number.isFinite));
      seen.push(result.hidden, result.logits!);
    }
    equal(seen.length, 4 + 4 + 2);
    for (const tensor of seen) {
      await rejects(() => tensor.read(), RELEASED);
      throws(() => tensor.peek(), RELEASED);
      throws(() => tensor.keep(), RELEASED);
      throws(() => name === "webgpu" ? tensor.gpu : tensor.data, RELEASED);
      if (tensor.shape.length !== 2 || tensor.shape[1] !== esm.config.dModel) continue;
      await rejects(() => esm.run(BATCH, { from: { depth: 2, hidden: tensor } }), RELEASED);
    }
    for (const view of views.slice(0, -1)) if (view) throws(() => view.buffer, /it is disposed/);
    equal(backend.liveBytes > 0, true);
  });

  engineTest("keep() and held data outlive the run they come from", async (esm) => {
    const kept: Tensor[] = [], copies: Float32Array[] = [], held: Float32Array[] = [];
    const watch = async (state: { hidden: Tensor }) => {
      kept.push(state.hidden.keep());
      copies.push(await state.hidden.read());
      if (state.hidden.data) held.push(state.hidden.data);
    };
    (await esm.run(BATCH, { visitor: { hidden: watch } }))[Symbol.dispose]();
    // Other numbers in the same shapes.
    const other = batchOf(["SPPPRGSSPGGDKLWQIYLN"]);
    for (let i = 0; i < 3; i++) (await esm.run(other, { head: true }))[Symbol.dispose]();
    for (const [i, tensor] of kept.entries()) {
      deepEqual(await tensor.read(), copies[i]);
      tensor[Symbol.dispose]();
    }
    held.forEach((data, i) => deepEqual(data, copies[i]));
  });

  engineTest("a run inside a visitor is refused, one beside it waits its turn", async (esm) => {
    let message = "", beside: Promise<number> | undefined;
    const depthOf = async () => {
      using result = await esm.run(BATCH);
      return result.depth;
    };
    const outside = Promise.withResolvers<void>();
    const waiting = outside.promise.then(() => {
      beside = depthOf();
    });
    using _ = await esm.run(BATCH, {
      visitor: {
        async hidden({ depth }) {
          if (depth !== 1) return;
          await esm.run(BATCH).catch((error) => message = error.message);
          await esm.gradient(BATCH, {} as never).catch((error) => message += error.message);
          outside.resolve();
          await new Promise((resolve) => setTimeout(resolve, 20));
        },
      },
    });
    equal(message.match(/Cannot run the model inside a visitor of its own run/g)?.length, 2);
    await waiting;
    equal(await beside, esm.config.layers);
  });

  engineTest("a run that a visitor ends by an error frees what it held", async (esm, backend) => {
    const before = backend.liveBytes;
    for (const depth of [0, 2, esm.config.layers]) {
      const failing = { hidden: (state: { depth: number }) => void fail(state.depth === depth) };
      await rejects(() => esm.run(BATCH, { visitor: failing }), /the visitor gave up/);
      equal(backend.liveBytes, before, `at depth ${depth}`);
    }
  });

  engineTest("numbers that are none end a run, and the next one works", async (esm, backend) => {
    const shape = [BATCH.width, esm.config.dModel];
    for (const wrong of [NaN, Infinity]) {
      const values = new Float32Array(shape[0] * shape[1]).fill(0.1);
      values[3 * shape[1] + 7] = wrong;
      using hidden = backend.upload("hidden", shape, values);
      await rejects(async () => {
        using result = await esm.run(BATCH, { from: { depth: 1, hidden }, head: true });
        await result.logits!.read();
      }, /must be finite numbers: after 4 of 4 blocks/);
      // Stopped before the end, too.
      await rejects(async () => {
        using result = await esm.run(BATCH, {
          from: { depth: 1, hidden },
          visitor: { hidden: (state) => state.stop() },
        });
        await result.hidden.read();
      }, /must be finite numbers: after 1 of 4 blocks/);
    }
    using result = await esm.run(BATCH, { head: true });
    ok((await result.logits!.read()).every(Number.isFinite));
  });
}
