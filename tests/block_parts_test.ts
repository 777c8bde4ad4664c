/** Parts of a block, read and replaced, against the same change made to the weights. */
import { type Backend, openBackend, type Tensor } from "../lib/backend/mod.ts";
import { type Checkpoint, openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import type { BlockPart, Visitor } from "../lib/esm2/mod.ts";
import { allClose, deepEqual, equal, ok, rejects } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf } from "./parity.ts";

const BATCH = batchOf(["NLYIQWLKDGGPSSGRPPPS", "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF"]);
const LAYER = 2, HEAD = 5;

async function logits(esm: Esm2, visitor?: Visitor): Promise<Float32Array> {
  using result = await esm.run(BATCH, { head: true, visitor });
  return await result.logits!.read();
}

/** The checkpoint with some tensors changed. */
function changed(
  checkpoint: Checkpoint,
  change: Partial<Record<string, (values: Float32Array) => void>>,
): Checkpoint {
  return {
    ...checkpoint,
    async read(name, into) {
      const values = await checkpoint.read(name, into);
      change[name]?.(values);
      return values;
    },
    [Symbol.dispose]() {},
  };
}

/** Replaces a part by what `edit` makes of its values. */
function replacing(
  backend: Backend,
  name: BlockPart["name"],
  edit: (values: Float32Array, part: BlockPart) => void,
): Visitor {
  return {
    wantsPart: (which, layer) => which === name && layer === LAYER,
    async part(part) {
      const values = await part.tensor.read();
      edit(values, part);
      part.replace(backend.upload("edited", part.tensor.shape, values));
    },
  };
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `parts of a block: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using checkpoint = await openCheckpoint(tinyPath);
      const { dModel, heads, headDim, layers } = checkpoint.config;
      {
        await using esm = await Esm2.open(checkpoint, backend);
        const plain = await logits(esm);
        // One graph or several: rounding through the blocks, of logits up to 23.
        const close = { atol: 2e-5, rtol: 1e-5 };
        const like = async (
          change: Parameters<typeof changed>[1],
          visitor: Visitor,
          what: string,
        ) => {
          await using other = await Esm2.open(changed(checkpoint, change), backend);
          const expected = await logits(other), found = await logits(esm, visitor);
          allClose(found, expected, close, what);
          ok(found.some((value, i) => Math.abs(value - plain[i]) > 1e-2), `${what} matters`);
        };

        await t.step("reading changes nothing, and meets every part in order", async () => {
          const met: string[] = [];
          const found = await logits(esm, {
            part({ name, layer, begin, end, tensor }) {
              met.push(`${name} ${layer}`);
              equal(end - begin, heads);
              deepEqual(
                [...tensor.shape],
                name === "mlp"
                  ? [BATCH.size * BATCH.width, dModel]
                  : [BATCH.size, heads, BATCH.width, headDim],
              );
            },
          });
          allClose(found, plain, close);
          deepEqual(met.slice(0, 5), ["queries 0", "keys 0", "values 0", "heads 0", "mlp 0"]);
          equal(met.length, 5 * layers);
        });

        await t.step("a head set to zero is one without output weights", () =>
          like(
            {
              [`layers.${LAYER}.self_attn.out_proj.weight`]: (w) => {
                for (let row = 0; row < dModel; row++) {
                  const begin = row * dModel + HEAD * headDim;
                  w.fill(0, begin, begin + headDim);
                }
              },
            },
            replacing(backend, "heads", (values, { begin, end }) => {
              const each = BATCH.width * headDim;
              for (let b = 0; b < BATCH.size; b++) {
                const at = (b * (end - begin) + HEAD - begin) * each;
                values.fill(0, at, at + each);
              }
            }),
            "ablation",
          ));

        await t.step("values, queries and the feed-forward part can be replaced", async () => {
          const zero = (values: Float32Array) => void values.fill(0);
          await like(
            {
              [`layers.${LAYER}.self_attn.v_proj.weight`]: zero,
              [`layers.${LAYER}.self_attn.v_proj.bias`]: zero,
            },
            replacing(backend, "values", zero),
            "values",
          );
          await like(
            {
              [`layers.${LAYER}.self_attn.q_proj.weight`]: zero,
              [`layers.${LAYER}.self_attn.q_proj.bias`]: zero,
            },
            replacing(backend, "queries", zero),
            "queries",
          );
          await like(
            {
              [`layers.${LAYER}.fc2.weight`]: zero,
              [`layers.${LAYER}.fc2.bias`]: zero,
            },
            replacing(backend, "mlp", zero),
            "feed-forward",
          );
          // Keys times a half are queries times a half.
          const half = (values: Float32Array) => void values.forEach((x, i) => values[i] = x / 2);
          await like(
            {
              [`layers.${LAYER}.self_attn.q_proj.weight`]: half,
              [`layers.${LAYER}.self_attn.q_proj.bias`]: half,
            },
            replacing(backend, "keys", half),
            "keys",
          );
        });

        await t.step("what is shown is released, a wrong shape and a fault are told", async () => {
          const kept: Tensor[] = [];
          await logits(esm, { part: ({ tensor }) => void kept.push(tensor) });
          for (const tensor of kept) await rejects(() => tensor.read(), /released/);
          await rejects(
            () =>
              logits(esm, {
                part: ({ replace }) =>
                  replace(backend.upload("short", [1, 2], new Float32Array(2))),
              }),
            /Cannot replace queries of layer 0 as the shape must be \[2, 8, 38, 16\]/,
          );
          const fault = () => Promise.reject(new Error("stop"));
          for (const wanted of ["queries", "heads", "mlp"]) {
            await rejects(
              () => logits(esm, { wantsPart: (part) => part === wanted, part: fault }),
              /stop/,
            );
          }
          deepEqual(await logits(esm), plain);
        });
      }
      equal(backend.liveBytes, 0, "every tensor is freed");
    },
  });
}
