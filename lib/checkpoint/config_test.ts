import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { configFromFairEsm, configFromHf } from "./config.ts";
import { SMALL_CONFIG } from "./testing/small_model.ts";

const small = { layers: 2, dModel: 8, heads: 2, headDim: 4, ffn: 32, tokenDropout: true };

Deno.test("configFromHf reads the sizes; fields that transformers leaves out may be absent", () => {
  deepEqual(configFromHf(SMALL_CONFIG, "config.json"), small);
  const { token_dropout: _, hidden_act: _a, layer_norm_eps: _e, ...rest } = SMALL_CONFIG;
  deepEqual(configFromHf({ ...rest, emb_layer_norm_before: null }, "config.json"), {
    ...small,
    tokenDropout: false, // EsmConfig's default
  });
});

const refused: [change: Record<string, unknown>, message: string][] = [
  [
    { model_type: "bert" },
    'Cannot open c.json as model_type of an ESM-2 model must be "esm": current value is "bert"',
  ],
  [
    { model_type: undefined },
    'Cannot open c.json as model_type of an ESM-2 model must be "esm": current value is absent',
  ],
  [
    { is_folding_model: true },
    "Cannot open c.json as it must be an ESM-2 language model: it is ESMFold, " +
    "whose language model is published on its own as esm2_t36_3B_UR50D",
  ],
  [
    { position_embedding_type: "absolute", emb_layer_norm_before: true },
    "Cannot open c.json as ESM-2 has rotary positions and no layer norm before its blocks: " +
    'current position_embedding_type is "absolute", emb_layer_norm_before is true ' +
    "(ESM-1b and ESM-1v are not supported)",
  ],
  [
    { position_embedding_type: undefined },
    "Cannot open c.json as ESM-2 has rotary positions and no layer norm before its blocks: " +
    'current position_embedding_type is "absolute", emb_layer_norm_before is false ' +
    "(ESM-1b and ESM-1v are not supported)",
  ],
  [
    { vocab_size: 64 },
    "Cannot open c.json as vocab_size of an ESM-2 model must be 33: current value is 64",
  ],
  [
    { layer_norm_eps: 1e-12 },
    "Cannot open c.json as layer_norm_eps of an ESM-2 model must be 0.00001: current value is 1e-12",
  ],
  [
    { hidden_act: "relu" },
    'Cannot open c.json as hidden_act of an ESM-2 model must be "gelu": current value is "relu"',
  ],
  [
    { num_attention_heads: 3 },
    "Cannot open c.json as num_attention_heads must be a divisor of hidden_size 8 " +
    "that leaves an even head size: current value is 3",
  ],
  [
    { num_attention_heads: 8 },
    "Cannot open c.json as num_attention_heads must be a divisor of hidden_size 8 " +
    "that leaves an even head size: current value is 8",
  ],
  [
    { num_hidden_layers: 1e9 },
    "Cannot open c.json as num_hidden_layers must be a whole number in 1..1024: " +
    "current value is 1000000000",
  ],
  [
    { hidden_size: "8" },
    'Cannot open c.json as hidden_size must be a whole number in 1..65536: current value is "8"',
  ],
  [
    { intermediate_size: 0 },
    "Cannot open c.json as intermediate_size must be a whole number in 1..262144: current value is 0",
  ],
  [
    { token_dropout: 1 },
    "Cannot open c.json as token_dropout must be true or false: current value is 1",
  ],
];

for (const [change, message] of refused) {
  const title = Object.entries(change).map(([name, value]) => `${name} ${value}`).join(", ");
  Deno.test(`configFromHf refuses ${title}`, () => {
    throws(() => configFromHf({ ...SMALL_CONFIG, ...change }, "c.json"), {
      name: "UserError",
      message,
    });
  });
}

Deno.test("configFromHf refuses what is no object", () => {
  for (const json of [null, [], 3, "esm"]) {
    throws(() => configFromHf(json, "c.json"), {
      name: "UserError",
      message: "Cannot read c.json as it must hold a JSON object",
    });
  }
});

Deno.test("configFromFairEsm takes the feed-forward width from the model width", () => {
  const fields: Record<string, unknown> = {
    encoder_layers: 2,
    encoder_embed_dim: 8,
    encoder_attention_heads: 2,
    token_dropout: true,
    encoder_ffn_embed_dim: 7, // fair-esm does not read it
  };
  deepEqual(configFromFairEsm((name) => fields[name], "m.pt"), small);
  equal(configFromFairEsm((name) => fields[name], "m.pt").ffn, 32);
  throws(() => configFromFairEsm((n) => n === "token_dropout" ? undefined : fields[n], "m.pt"), {
    name: "UserError",
    message: "Cannot open m.pt as token_dropout must be true or false: current value is absent",
  });
});
