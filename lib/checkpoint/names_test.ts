import { equal, ok } from "../../tests/assert.ts";
import { canonicalName, type EsmTensorName, expectedTensors, hfName } from "./names.ts";
import { SMALL_TENSORS } from "./testing/small_model.ts";

Deno.test("canonicalName maps both vocabularies, with and without their prefixes", () => {
  for (const [fair, hf] of SMALL_TENSORS) {
    const spellings = [
      fair,
      `encoder.${fair}`,
      `encoder.sentence_encoder.${fair}`,
      hf,
      hf.replace(/^esm\./, ""),
    ];
    for (const stored of spellings) equal(canonicalName(stored), fair, stored);
    equal(hfName(fair as EsmTensorName), hf);
  }
  equal(canonicalName("lm_head.decoder.weight"), "lm_head.weight");
  equal(canonicalName("encoder.lm_head.weight"), "lm_head.weight");
});

Deno.test("canonicalName takes gamma and beta for weight and bias of every norm, and of nothing else", () => {
  for (const [fair, hf] of SMALL_TENSORS) {
    const old = hf.replace(/\.weight$/, ".gamma").replace(/\.bias$/, ".beta");
    const isNorm = /norm/i.test(hf);
    if (old !== hf) equal(canonicalName(old), isNorm ? fair : undefined, old);
  }
});

Deno.test("canonicalName knows no other tensors", () => {
  const foreign = [
    "esm.embeddings.position_embeddings.weight",
    "esm.pooler.dense.weight",
    "layers.00.fc1.weight",
    "layers.0.fc3.weight",
    "layers.-1.fc1.weight",
    "layers.0.self_attn.bias_k",
    "esm.encoder.layer.0.attention.self.query.lora_A.weight",
    "esm.esm.encoder.layer.0.LayerNorm.bias",
    "constructor",
    "",
  ];
  for (const stored of foreign) equal(canonicalName(stored), undefined, stored);
});

Deno.test("expectedTensors are the shapes of the published 8M model", () => {
  const config = { layers: 6, dModel: 320, heads: 20, headDim: 16, ffn: 1280, tokenDropout: true };
  const list = expectedTensors(config);
  const parameters = list
    .filter(({ name }) => !name.endsWith("inv_freq") && name !== "lm_head.weight")
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  equal(parameters, 7_512_474); // counted by the published model, tied head once
  equal(new Set(list.map(({ name }) => name)).size, list.length);
  ok(list.every(({ name }) => canonicalName(name) === name));
});
