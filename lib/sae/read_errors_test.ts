import { UserError } from "../errors.ts";
import { equal, match, ok } from "../../tests/assert.ts";
import { readSae, type SaeChoice } from "./read.ts";
import {
  type Arrays,
  inMemory,
  interplmArrays,
  interprotArrays,
  safetensorsFile,
  torchFile,
} from "./testing/files.ts";

const dModel = 8, latents = 70;
const model = { name: "esm2_test", layers: 6, dModel };

interface Case {
  name: string;
  label?: string;
  bytes: Uint8Array | Promise<Uint8Array>;
  choice?: SaeChoice;
  says: RegExp;
}

const PROT = "x_l4_sae.safetensors", PLM = "layer_2/ae.pt";
const prot = (change: (arrays: Arrays) => void = () => {}, dim = dModel) => {
  const arrays = interprotArrays(dim, latents);
  change(arrays);
  return safetensorsFile(arrays);
};
const plm = (change: (arrays: Arrays) => void = () => {}) => {
  const arrays = interplmArrays(dModel, latents);
  change(arrays);
  return torchFile(arrays);
};
const own = (metadata: Record<string, string>) =>
  safetensorsFile(interprotArrays(dModel, latents), {
    format: "esmscope-sae",
    name: "mine",
    layer: "4",
    normalisation: "zscore",
    after_final_norm: "false",
    k: "5",
    ...metadata,
  });

const cases: Case[] = [
  { name: "width of another model", bytes: prot(() => {}, 9), says: /width 8: current value is 9/ },
  { name: "no decoder", bytes: prot((a) => delete a.w_dec), says: /must hold tensor "w_dec"/ },
  { name: "no encoder", bytes: prot((a) => delete a.w_enc), says: /must hold tensor "w_enc"/ },
  { name: "no bias", bytes: prot((a) => delete a.b_pre), says: /must hold tensor "b_pre".*w_enc/ },
  {
    name: "transposed decoder",
    bytes: prot((a) => a.w_dec.shape.reverse()),
    says: /"w_dec" must have the shape \[70, 8\]: current value is \[8, 70\]/,
  },
  {
    name: "encoder that is no matrix",
    bytes: prot((a) => a.w_enc.shape = [560]),
    says: /"w_enc" must be a matrix: current shape is \[560\]/,
  },
  {
    name: "not a number",
    bytes: prot((a) => a.b_enc.data[3] = NaN),
    says: /"b_enc" must be finite: element 3 is NaN/,
  },
  {
    name: "infinite",
    bytes: plm((a) => a["decoder.weight"].data[9] = -Infinity),
    label: PLM,
    says: /"decoder\.weight" must be finite: element 9 is -Infinity/,
  },
  {
    name: "whole numbers as weights",
    bytes: prot((a) => a.b_pre = { shape: [8], data: new Uint8Array(8) }),
    says: /"b_pre" must hold floating-point numbers: current value is U8/,
  },
  { name: "no layer in the name", label: "x.safetensors", bytes: prot(), says: /--layer must say/ },
  {
    name: "layer beyond the model",
    label: "x_l24_sae.safetensors",
    bytes: prot(),
    says: /layer must be in 1\.\.6, the blocks of the model: current value is 24/,
  },
  { name: "layer 0", bytes: prot(), choice: { layer: 0 }, says: /1\.\.6.*current value is 0/ },
  { name: "k of 0", bytes: prot(), choice: { k: 0 }, says: /k must be in 1\.\.70/ },
  { name: "k beyond the latents", bytes: prot(), choice: { k: 71 }, says: /current value is 71$/ },
  {
    name: "assumed k beyond the latents",
    label: "x_l4_sae_100k.safetensors",
    bytes: prot(),
    says: /k must be in 1\.\.70.*current value is 128; --k chooses another/,
  },
  {
    name: "unknown normalisation",
    bytes: own({ normalisation: "l2" }),
    says: /normalisation in its header must be "zscore", "rms" or "none": current value is "l2"/,
  },
  {
    name: "own file, bad layer",
    bytes: own({ layer: "four" }),
    says: /layer in its header.*"four"/,
  },
  { name: "own file, bad k", bytes: own({ k: "-3" }), says: /k in its header.*"-3"/ },
  { name: "own file, k beyond", bytes: own({ k: "99" }), says: /1\.\.70.*99/ },
  {
    name: "own file, norm before the last block",
    bytes: own({ after_final_norm: "true" }),
    says: /after_final_norm in its header must be "false" unless layer is the model's last, 6/,
  },
  { name: "own file, no norm", bytes: own({ after_final_norm: "yes" }), says: /"true" or "false"/ },
  {
    name: "negative rescale factor",
    label: PLM,
    bytes: plm((a) =>
      a.activation_rescale_factor = { shape: [latents], data: new Float32Array(latents).fill(-1) }
    ),
    says: /must not be negative: element 0 is -1/,
  },
  {
    name: "another kind of autoencoder",
    label: PLM,
    bytes: plm((a) => a.gate_bias = { shape: [1], data: new Float32Array(1) }),
    says: /must choose latents by ReLU, k or a threshold: it is gated, with gate_bias/,
  },
  {
    name: "no decoder in a .pt",
    label: PLM,
    bytes: plm((a) => delete a["decoder.weight"]),
    says: /"decoder\.weight"/,
  },
  {
    name: "some other model",
    bytes: safetensorsFile({ weight: { shape: [2], data: new Float32Array(2) } }),
    says: /must hold w_enc \(InterProt\), .* or encoder\.weight \(InterPLM\): it has weight/,
  },
  { name: "no tensors", label: PLM, bytes: torchFile({}), says: /state dict of tensors/ },
  {
    name: "empty file",
    bytes: new Uint8Array(),
    says: /undamaged safetensors file: it has 0 bytes/,
  },
  { name: "cut file", bytes: prot().subarray(0, 900), says: /truncated|header length/ },
  {
    name: "text",
    label: "x_l4.pt",
    bytes: new TextEncoder().encode("<html>no such file"),
    says: /first bytes are "<html>/,
  },
];

for (const { name, label = PROT, bytes, choice, says } of cases) {
  Deno.test(`readSae refuses: ${name}`, async () => {
    let caught: unknown;
    try {
      await readSae(inMemory(label, await bytes), model, choice);
    } catch (error) {
      caught = error;
    }
    ok(caught instanceof UserError, String(caught));
    match(caught.message, says);
    equal(caught.message.includes("\n"), false);
  });
}

Deno.test("readSae asks the pickle of a .pt for nothing but tensors", async () => {
  const { torchBytes } = await import("../checkpoint/testing/files.ts");
  const root = { call: "os system", args: ["echo no"] };
  let caught: unknown;
  try {
    await readSae(inMemory(PLM, await torchBytes({ root })), model);
  } catch (error) {
    caught = error;
  }
  ok(caught instanceof UserError);
  match(caught.message, /os\.system/);
});
