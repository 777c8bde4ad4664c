/** Models that are written for others to open. */
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { readWeights, weightShapes } from "../lib/esm2/trainable.ts";
import { OutputDir } from "../lib/io/output.ts";
import { saveModel } from "../lib/run/save_model.ts";
import { deepEqual, equal, rejects } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";

/** The small model, in a folder of its own. */
async function save(path: string, change?: (weights: Record<string, Float32Array>) => void) {
  using checkpoint = await openCheckpoint(tinyPath);
  const { config } = checkpoint;
  const weights = await readWeights(checkpoint, weightShapes(config).keys());
  change?.(weights);
  const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
  using output = OutputDir.open(path, "mlm");
  await saveModel(output, {
    ...{ config, weights, invFreq: invFreq.slice(), metadata: {}, card: "", dtype: "f16" },
  });
  output.setRecord({});
  output.commit();
  return { config, weights, invFreq };
}

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test(name, async () => {
    const dir = await Deno.makeTempDir();
    try {
      await fn(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });

test("a model of f16 opens as each weight rounded to the nearest half, its frequencies whole", async (dir) => {
  const { config, weights, invFreq } = await save(`${dir}/half`);
  const json = JSON.parse(await Deno.readTextFile(`${dir}/half/config.json`));
  equal(json.torch_dtype, "float16");
  using half = await openCheckpoint(`${dir}/half`);
  deepEqual(half.config, config);
  for (const name of weightShapes(config).keys()) {
    deepEqual(await half.read(name), Float32Array.from(weights[name], Math.f16round), name);
  }
  deepEqual(await half.read("layers.0.self_attn.rot_emb.inv_freq"), invFreq);
  const bytes = (await Deno.stat(`${dir}/half/model.safetensors`)).size;
  const whole = (await Deno.stat(`${tinyPath}/model.safetensors`)).size;
  equal(bytes < 0.51 * whole, true);
});

test("a weight beyond the range of f16 is refused by its name", (dir) =>
  rejects(
    () => save(`${dir}/half`, (weights) => weights["layers.2.fc1.bias"][3] = -70000),
    { message: /write layers\.2\.fc1\.bias as f16 as .* at most 65504: current value is -70000/ },
  ));
