/** Every layout, read and run, against its own code's definition in double precision. */
import { dirname, join } from "node:path";
import { allClose, deepEqual, equal, match, ok, rejects } from "../../../tests/assert.ts";
import { withTempDir } from "../../checkpoint/testing/files.ts";
import type { Py } from "../../checkpoint/testing/pickle_writer.ts";
import { openBackend } from "../../backend/mod.ts";
import { openRandomAccess } from "../../io/random_access.ts";
import { SaeCoder } from "../coder.ts";
import { type ReadSae, readSae, type SaeChoice } from "../read.ts";
import { densify } from "../testing/dense.ts";
import {
  type Arrays,
  legacyTorchFile,
  noise,
  safetensorsFile,
  torchFile,
} from "../testing/files.ts";
import type { Sae } from "../types.ts";

const D = 24, F = 40, K = 5;
const model = { name: "esm2_test", layers: 6, dModel: D };

/** Weights as they are meant, whatever a layout calls and turns them. */
const w = {
  enc: noise(D * F, 1), // [D, F]
  dec: noise(F * D, 2), // [F, D]
  bEnc: noise(F, 3),
  bDec: noise(D, 4),
};
const thresholds = noise(F, 5).map((value) => 0.4 + 2 * value);
const turned = (matrix: Float32Array, rows: number, columns: number) =>
  Float32Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]);
const t = (shape: number[], data: Arrays[string]["data"]) => ({ shape, data });

const linear = {
  "encoder.weight": t([F, D], turned(w.enc, D, F)),
  "encoder.bias": t([F], w.bEnc),
  "decoder.weight": t([D, F], turned(w.dec, F, D)),
};
const matrices = {
  W_enc: t([D, F], w.enc),
  b_enc: t([F], w.bEnc),
  W_dec: t([F, D], w.dec),
  b_dec: t([D], w.bDec),
};
const k = t([], Int32Array.of(K)), scalar = (value: number) => t([], Float32Array.of(value));

type Activate = (pre: Float64Array) => Float64Array;
const relu: Activate = (pre) => pre.map((value) => Math.max(value, 0));
const jump = (threshold: (j: number) => number): Activate => (pre) =>
  pre.map((value, j) => value > threshold(j) ? Math.max(value, 0) : 0);
const topK = (count: number): Activate => (pre) => {
  const least = [...pre].sort((a, b) => b - a)[count - 1];
  return pre.map((value) => value >= least ? Math.max(value, 0) : 0);
};

/** What a layout's own code does with a token. */
interface Definition {
  subtracts?: boolean;
  normalise?: "layer_norm" | "sqrt_d";
  activate: Activate;
  /** Latents are chosen by their activation times the length of their direction. */
  byLength?: true;
  /** By which activations are divided at the end. */
  divide?: Float32Array;
}

function oracle(x: Float32Array, { subtracts = true, ...rest }: Definition) {
  const { normalise, activate, byLength, divide } = rest;
  let mean = 0, scale = 1, used = 1;
  if (normalise === "layer_norm") {
    mean = x.reduce((a, b) => a + b, 0) / D;
    scale = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / (D - 1));
    used = scale + 1e-5;
  } else if (normalise === "sqrt_d") used = scale = Math.hypot(...x) / Math.sqrt(D);
  const lengths = Float64Array.from(
    { length: F },
    (_, j) => byLength ? Math.hypot(...w.dec.subarray(j * D, (j + 1) * D)) : 1,
  );
  const pre = Float64Array.from({ length: F }, (_, j) => {
    let sum = w.bEnc[j];
    for (let d = 0; d < D; d++) {
      sum += ((x[d] - mean) / used - (subtracts ? w.bDec[d] : 0)) * w.enc[d * F + j];
    }
    return sum * lengths[j];
  });
  const z = activate(pre);
  const decoded = Array.from({ length: D }, (_, d) => {
    let sum = w.bDec[d];
    for (let j = 0; j < F; j++) sum += z[j] / lengths[j] * w.dec[j * D + d];
    return sum * scale + mean;
  });
  return { z: z.map((value, j) => value / (divide?.[j] ?? 1)), decoded };
}

async function agrees(sae: Sae, definition: Definition): Promise<void> {
  await using backend = (await openBackend("cpu")).backend;
  await using coder = await SaeCoder.open(sae, backend);
  const tokens = 9, values = noise(tokens * D, 9).map((value) => 3 * value + 0.5);
  using hidden = backend.upload("hidden", [tokens, D], values);
  const { latents, scale } = await coder.encode(hidden);
  using stream = await coder.decode(latents, scale);
  const dense = densify(latents), decoded = await stream.read();
  ok(latents.values.length > 0, "nothing is active");
  for (let n = 0; n < tokens; n++) {
    const expected = oracle(values.subarray(n * D, (n + 1) * D), definition);
    // Float32 sums of 24 products up to 3 beside a threshold that none of these meets by chance.
    const tolerance = { atol: 5e-5, rtol: 1e-5 };
    allClose(dense.subarray(n * F, (n + 1) * F), expected.z, tolerance, `token ${n}`);
    const far = { atol: 1e-3, rtol: 1e-5 };
    allClose(decoded.subarray(n * D, (n + 1) * D), expected.decoded, far, `decoded ${n}`);
  }
}

/** Writes files into a folder and reads the first. */
async function readFrom(
  files: Record<string, Uint8Array | object>,
  choice: SaeChoice = {},
): Promise<ReadSae> {
  let found: ReadSae | undefined;
  await withTempDir(async (dir) => {
    for (const [name, content] of Object.entries(files)) {
      const path = join(dir, name);
      await Deno.mkdir(dirname(path), { recursive: true });
      if (content instanceof Uint8Array) await Deno.writeFile(path, content);
      else await Deno.writeTextFile(path, JSON.stringify(content));
    }
    using source = await openRandomAccess(join(dir, Object.keys(files)[0]));
    found = await readSae(source, model, choice);
  });
  return found!;
}

interface Case {
  name: string;
  files: () => Promise<Record<string, Uint8Array | object>> | Record<string, Uint8Array | object>;
  choice?: SaeChoice;
  layout: string;
  depth?: number;
  definition: Definition;
}

const plm = async (arrays: Arrays, path = "layer_3/ae.pt", wrap?: (dict: Py) => Py) => ({
  [path]: await torchFile(arrays, wrap),
});
const lens = (config: object, more: Arrays = {}) => ({
  "layer_9/sae_weights.safetensors": safetensorsFile({ ...matrices, ...more }),
  "layer_9/cfg.json": {
    d_in: D,
    d_sae: F,
    metadata: { hook_name: "blocks.2.hook_out" },
    ...config,
  },
});
const factors = noise(F, 7).map((value) => 0.5 + Math.abs(value));
const rescaled = { activation_rescale_factor: t([F], factors) };
const bias = { bias: t([D], w.bDec) }, bDec = { b_dec: t([D], w.bDec) };

const cases: Case[] = [
  {
    name: "InterPLM tied: the decoder's bias is not subtracted",
    files: () => plm({ ...linear, "decoder.bias": t([D], w.bDec), ...rescaled }),
    layout: "interplm",
    definition: { subtracts: false, activate: relu, divide: factors },
  },
  {
    name: "InterPLM TopK, tokens of length √D",
    files: () =>
      plm(
        {
          ...linear,
          ...bDec,
          ...rescaled,
          k,
          threshold: scalar(-1),
          normalize_to_sqrt_d: t([], Uint8Array.of(1)),
        },
      ),
    layout: "interplm",
    definition: { activate: topK(K), normalise: "sqrt_d" },
  },
  {
    name: "TopK by the name of its folder, with a measured threshold",
    files: () => plm({ ...linear, ...bDec, k, threshold: scalar(1.5) }, "run_topk/layer_3/ae.pt"),
    layout: "interplm",
    definition: { activate: topK(K) },
  },
  {
    name: "TopK by the config.json of dictionary_learning",
    files: async () => ({
      ...await plm({ ...linear, ...bDec, k, threshold: scalar(1.5) }),
      "layer_3/config.json": { trainer: { dict_class: "AutoEncoderTopK" } },
    }),
    layout: "interplm",
    definition: { activate: topK(K) },
  },
  {
    name: "BatchTopK: the one stored threshold",
    files: () => plm({ ...linear, ...bDec, ...rescaled, k, threshold: scalar(1.5) }),
    layout: "interplm",
    definition: { activate: jump(() => 1.5), divide: factors },
  },
  {
    name: "BatchTopK with --k",
    files: () => plm({ ...linear, ...bDec, k, threshold: scalar(1.5) }),
    choice: { k: 3 },
    layout: "interplm",
    definition: { activate: topK(3) },
  },
  {
    name: "InterPLM JumpReLU with a bias before the encoder",
    files: () => plm({ ...linear, ...bias, ...rescaled, threshold: t([F], thresholds) }),
    layout: "interplm",
    definition: { activate: jump((j) => thresholds[j]), divide: factors },
  },
  {
    name: "InterPLM JumpReLU with the decoder's bias",
    files: () => plm({ ...linear, "decoder.bias": t([D], w.bDec), threshold: t([F], thresholds) }),
    layout: "interplm",
    definition: { subtracts: false, activate: jump((j) => thresholds[j]) },
  },
  {
    name: "Matryoshka of dictionary_learning in a checkpoint of Lightning",
    files: async () => {
      const arrays = {
        ...matrices,
        k,
        threshold: scalar(1.5),
        group_sizes: t([2], Int32Array.of(20, 20)),
      };
      const named = Object.entries(arrays).map(([name, value]) => [`sae.${name}`, value]);
      const wrap = (dict: Py): Py => ({ dict: [["epoch", 3], ["state_dict", dict]] });
      return await plm(Object.fromEntries(named), "l3/last.ckpt", wrap);
    },
    layout: "dictionary_learning",
    definition: { activate: jump(() => 1.5) },
  },
  {
    name: "SAELens standard, decoder's bias not subtracted, layer norm",
    files: () =>
      lens({
        architecture: "standard",
        apply_b_dec_to_input: false,
        normalize_activations: "layer_norm",
      }),
    layout: "saelens",
    definition: { subtracts: false, activate: relu, normalise: "layer_norm" },
  },
  {
    name: "SAELens topk, chosen by activation × length",
    files: () =>
      lens({
        architecture: "topk",
        k: K,
        normalize_activations: "constant_norm_rescale",
        rescale_acts_by_decoder_norm: true,
      }),
    layout: "saelens",
    definition: { activate: topK(K), normalise: "sqrt_d", byLength: true },
  },
  {
    name: "SAELens before 6: topk as an activation function",
    files: () => lens({ activation_fn_str: "topk", activation_fn_kwargs: { k: K } }),
    layout: "saelens",
    definition: { activate: topK(K) },
  },
  {
    name: "SAELens jumprelu",
    files: () => lens({ architecture: "jumprelu" }, { threshold: t([F], thresholds) }),
    layout: "saelens",
    definition: { activate: jump((j) => thresholds[j]) },
  },
  {
    name: "sparsify: layers.N is the output of block N, from 0",
    files: () => {
      const { W_dec, b_dec } = matrices;
      const { "encoder.weight": weight, "encoder.bias": bias } = linear;
      const arrays = { "encoder.weight": weight, "encoder.bias": bias, W_dec, b_dec };
      return {
        "layers.2/sae.safetensors": safetensorsFile(arrays),
        "layers.2/cfg.json": { k: K, d_in: D, activation: "topk" },
      };
    },
    layout: "sparsify",
    definition: { activate: topK(K) },
  },
  {
    name: "OpenAI, normalised, k beside the tensors",
    files: async () => {
      const arrays = {
        pre_bias: t([D], w.bDec),
        latent_bias: t([F], w.bEnc),
        "encoder.weight": linear["encoder.weight"],
        "decoder.weight": linear["decoder.weight"],
        stats_last_nonzero: t([F], new Int32Array(F)),
      };
      const wrap = (dict: Py): Py => ({
        ordered: [
          ...(dict as { ordered: [Py, Py][] }).ordered,
          ["activation", "TopK"],
          ["activation_state_dict", { dict: [["k", K]] }],
          ["normalize", true],
        ],
      });
      return await plm(arrays, "layer_3/autoencoder.pt", wrap);
    },
    layout: "openai",
    definition: { activate: topK(K), normalise: "layer_norm" },
  },
  {
    name: "torch's container from before 1.6",
    files: () => ({ "layer_3/ae.pt": legacyTorchFile({ ...linear, ...bias }) }),
    layout: "interplm",
    definition: { activate: relu },
  },
];

for (const { name, files, choice, layout, definition } of cases) {
  Deno.test(`readSae reads ${name}`, async () => {
    const { sae, ...found } = await readFrom(await files(), choice);
    deepEqual([found.layout, sae.config.depth], [layout, 3]);
    await agrees(sae, definition);
  });
}

Deno.test("readSae says how a file that holds both k and a threshold is read", async () => {
  const files = await plm({ ...linear, ...bDec, k, threshold: scalar(1.5) });
  const batch = await readFrom(files);
  match(batch.notes.join(), /above the threshold 1\.5 .*BatchTopK; --k 5 keeps the 5 largest/);
  equal(batch.sae.config.k, undefined);
  const kept = await readFrom(files, { k: 3 });
  match(kept.notes.join("\n"), /Keeps 3 latents as asked, not those above a threshold/);
});

Deno.test("readSae refuses by name what is no autoencoder of a kind that it knows", async () => {
  const refused: [object, RegExp][] = [
    [{ architecture: "gated" }, /architecture must be standard, topk or jumprelu: .*"gated"/],
    [{ architecture: "transcoder" }, /"transcoder"/],
    [{ architecture: "topk", k: "many" }, /k in its cfg\.json must be a whole number/],
    [{ activation_fn_str: "tanh-relu" }, /activation must be relu or topk: .*"tanh-relu"/],
    [{ normalize_activations: "expected_average_only_in" }, /normalize_activations .*average/],
  ];
  for (const [config, says] of refused) await rejects(readFrom(lens(config)), says);
  const { W_dec, b_dec } = matrices;
  const sparse = safetensorsFile({ "encoder.weight": linear["encoder.weight"], W_dec, b_dec });
  await rejects(readFrom({ "layers.2/sae.safetensors": sparse }), /k in the cfg\.json beside/);
  await rejects(
    readFrom({
      "layers.2/sae.safetensors": sparse,
      "layers.2/cfg.json": { k: 3, transcode: true },
    }),
    /must be an autoencoder: current value is "a transcoder"/,
  );
});

Deno.test("torch's older container: a cut or changed file is refused", async () => {
  const bytes = legacyTorchFile({ ...linear, ...bias });
  const path = "layer_3/ae.pt";
  await rejects(readFrom({ [path]: bytes.subarray(0, -9) }), /storage \d" must hold the \d+ bytes/);
  await rejects(readFrom({ [path]: bytes.subarray(0, 90) }), /undamaged: it ends early/);
  const changed = bytes.slice();
  changed[changed.length - 4 * D - 8] ^= 1;
  await rejects(readFrom({ [path]: changed }), /must have 24 elements, as its pickle says/);
});

/** Files made by torch, SAELens and safetensors themselves, for a model of 60 values per token. */
const shared = new URL("../../../../shared/cases/saes/", import.meta.url);
const present = await Deno.stat(shared).then(() => true, () => false);
const made = [
  ["interplm_topk/layer_3/ae.pt", "interplm", 16],
  ["interplm_jump/layer_3/ae.pt", "interplm", undefined],
  ["saelens_topk/layer_3/sae_weights.safetensors", "saelens", 16],
  ["saelens_jump/layer_3/sae_weights.safetensors", "saelens", undefined],
  ["wrapped/layer_3/ae.pt", "interplm", undefined],
  ["legacyzip/layer_3/ae.pt", "interplm", undefined],
] as const;
for (const [path, layout, kept] of made) {
  Deno.test({ name: `readSae reads ${path}`, ignore: !present }, async () => {
    using source = await openRandomAccess(new URL(path, shared).pathname);
    const found = await readSae(source, { ...model, dModel: 60 });
    const { depth, latents, k } = found.sae.config;
    deepEqual([found.layout, depth, latents, k], [layout, 3, 300, kept]);
  });
}
