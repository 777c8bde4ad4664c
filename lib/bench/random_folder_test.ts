import { openCheckpoint } from "../checkpoint/mod.ts";
import { allClose, deepEqual, equal, ok, rejects } from "../../tests/assert.ts";
import { randomCheckpoint, SHAPES, weightBytes } from "../checkpoint/random.ts";
import { writeRandomCheckpoint } from "./random_folder.ts";

const TINY = { layers: 2, dModel: 40, heads: 20, headDim: 2, ffn: 160, tokenDropout: true };

Deno.test("weightBytes() is that of the published parameter counts", () => {
  // fair-esm's counts with the contact head and the tied decoder once.
  equal(weightBytes(SHAPES["8M"]), 4 * 7_512_474);
  equal(weightBytes(SHAPES["35M"]), 4 * 33_501_394);
  equal(weightBytes(SHAPES["150M"]), 4 * 148_140_154);
  equal(weightBytes(SHAPES["650M"]), 4 * 651_043_254);
});

Deno.test("randomCheckpoint() holds what writeRandomCheckpoint() writes", async () => {
  using made = randomCheckpoint("tiny", TINY);
  const dir = await Deno.makeTempDir();
  try {
    await writeRandomCheckpoint(dir, TINY);
    using opened = await openCheckpoint(dir);
    deepEqual(opened.config, TINY);
    deepEqual([...made.tensors.keys()].sort(), [...opened.tensors.keys()].sort());
    for (const [name, { shape, origin }] of opened.tensors) {
      deepEqual(made.tensors.get(name), { shape, dtype: "F32", origin }, name);
      deepEqual(await made.read(name), await opened.read(name), name);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("randomCheckpoint() gives different tensors, each the same every time", async () => {
  using made = randomCheckpoint("tiny", TINY);
  const q = "layers.0.self_attn.q_proj.weight", k = "layers.0.self_attn.k_proj.weight";
  const first = await made.read(q);
  deepEqual(await made.read(q, new Float32Array(first.length)), first);
  ok((await made.read(k)).some((value, i) => value !== first[i]));
  await rejects(made.sha256(), /no file/);
});

Deno.test("randomCheckpoint() spreads weights so that a product keeps its input's variance", async () => {
  using made = randomCheckpoint("8M", SHAPES["8M"]);
  const weights = await made.read("layers.3.fc1.weight");
  const variance = weights.reduce((sum, value) => sum + value * value, 0) / weights.length;
  // 409,600 uniform values: the variance's standard error is 0.9/640 of it; ten of them.
  allClose([variance * 320], [1], { atol: 0.015 });
});
