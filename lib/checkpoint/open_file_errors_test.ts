import { bytesOf, torchBytes } from "./testing/files.ts";
import { tensor } from "./testing/pickle_writer.ts";
import { testRefusals } from "./testing/refusals.ts";
import {
  asStateDict,
  fairEsmBytes,
  type Named,
  SMALL_CFG,
  SMALL_CONFIG,
  smallTensors,
} from "./testing/small_model.ts";

const config = JSON.stringify(SMALL_CONFIG);
const fair = () => smallTensors((name) => name);
const bin = (tensors: Named[]) => {
  const { dict, storages } = asStateDict(tensors);
  return torchBytes({ root: { dict }, storages });
};
const text = (value: string) => new TextEncoder().encode(value);

testRefusals([[
  "a text file",
  () => ({ "notes.txt": "esm2" }),
  "notes.txt",
  "Cannot read DIR/notes.txt as it must be a safetensors or torch file: " +
  'its first bytes are "esm2"',
], [
  "an empty file",
  () => ({ "model.pt": new Uint8Array(0) }),
  "model.pt",
  "Cannot read DIR/model.pt as it must be a safetensors or torch file: it is empty",
], [
  "torch's pickle stream from before 1.6, cut",
  () => ({ "model.pt": Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c) }),
  "model.pt",
  "Cannot read DIR/model.pt as its pickle must be undamaged: it ends early",
], [
  "torch's tar archive from before 0.2",
  () => {
    const tar = new Uint8Array(1024);
    tar.set(text("pickle"));
    tar.set(text("ustar"), 257);
    return { "model.pt": tar };
  },
  "model.pt",
  "Cannot read DIR/model.pt as it must be a safetensors or torch file: it is a tar archive, as " +
  "torch wrote before 0.2 (load and save it again with a newer torch)",
], [
  "a contact head alone",
  async () => {
    const { dict, storages } = asStateDict(fair().filter((t) => t.name.startsWith("contact")));
    const root = { dict: [["model", { dict }]] as [string, { dict: typeof dict }][] };
    return { "m-contact-regression.pt": await torchBytes({ root, storages }) };
  },
  "m-contact-regression.pt",
  'Cannot open DIR/m-contact-regression.pt as an ESM-2 file must hold "cfg": it has none ' +
  "(a contact head is read with the model it stands beside)",
], [
  "a file of ESM-1b",
  async () => {
    const { dict, storages } = asStateDict(fair());
    const root = {
      dict: [["args", { namespace: [] }], ["model", { dict }]] as [
        string,
        { namespace: [] } | { dict: typeof dict },
      ][],
    };
    return { "m.pt": await torchBytes({ root, storages }) };
  },
  "m.pt",
  'Cannot open DIR/m.pt as an ESM-2 file must hold "cfg": it has "args", as ESM-1b and ESM-1v, ' +
  "which are not supported",
], [
  "learned positions",
  async () => ({
    "m.pt": await fairEsmBytes([
      ...fair(),
      { name: "encoder.embed_positions.weight", shape: [1], values: new Float32Array(1) },
    ]),
  }),
  "m.pt",
  'Cannot open DIR/m.pt as it must be an ESM-2 model: tensor "encoder.embed_positions.weight" ' +
  "belongs to ESM-1b or ESM-1v, which are not supported",
], [
  "a fair-esm configuration without width",
  async () => ({
    "m.pt": await fairEsmBytes(fair(), {
      cfg: SMALL_CFG.filter(([name]) => name !== "encoder_embed_dim"),
    }),
  }),
  "m.pt",
  "Cannot open DIR/m.pt as encoder_embed_dim must be a whole number in 1..65536: " +
  "current value is absent",
], [
  "a contact head of another model",
  async () => {
    const head = fair().filter((t) => t.name.startsWith("contact"))
      .map((t) => t.shape.length === 2 ? { ...t, shape: [1, 3], values: t.values.slice(1) } : t);
    const { dict, storages } = asStateDict(head);
    const root = { dict: [["model", { dict }]] as [string, { dict: typeof dict }][] };
    return {
      "m.pt": await fairEsmBytes(fair()),
      "m-contact-regression.pt": await torchBytes({ root, storages }),
    };
  },
  "m.pt",
  "Cannot open DIR/m.pt as tensor contact_head.regression.weight must have shape [1, 4]: " +
  "current shape is [1, 3]",
], [
  "a contact file that holds no head",
  async () => ({
    "m.pt": await fairEsmBytes(fair()),
    "m-contact-regression.pt": await bin(smallTensors((_fair, hf) => hf)),
  }),
  "m.pt",
  "Cannot read DIR/m-contact-regression.pt as it must hold contact_head.regression.weight: " +
  "it is absent",
], [
  "a training state in place of a state dict",
  async () => ({
    "pytorch_model.bin": await torchBytes({
      root: { dict: [["epoch", 3], ["state_dict", { dict: [] }]] },
    }),
    "config.json": config,
  }),
  "",
  "Cannot read DIR/pytorch_model.bin as it must hold a state dict of tensors: " +
  'current keys are ["epoch", "state_dict"]',
], [
  "a state dict whose storage is short",
  async () => ({
    "pytorch_model.bin": await torchBytes({
      root: {
        dict: [["w", tensor({ key: "0", type: "FloatStorage", length: 9, shape: [3, 3] })]],
      },
      storages: { 0: bytesOf(new Float32Array(5)) },
    }),
    "config.json": config,
  }),
  "",
  'Cannot read DIR/pytorch_model.bin as "data/0" must hold the 36 bytes of tensor "w": ' +
  "current value is 20 bytes",
], [
  "a pickle that runs a command",
  async () => ({
    "model.pt": await torchBytes({ root: { call: "os system", args: ["id"] } }),
  }),
  "model.pt",
  "Cannot read DIR/model.pt as its pickle asks for os.system, " +
  "and a checkpoint may only hold tensors and containers",
], [
  "a truncated torch file",
  async () => ({ "model.pt": (await fairEsmBytes(fair())).subarray(0, 3000) }),
  "model.pt",
  "Cannot read DIR/model.pt as it must be an undamaged zip archive: ",
]]);
