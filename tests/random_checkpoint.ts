/** Checkpoints with the shapes of real ESM-2 sizes and random weights, for speed and memory runs. */

export interface RandomShape {
  layers: number;
  dModel: number;
  heads: number;
}

export const SHAPES = {
  "8M": { layers: 6, dModel: 320, heads: 20 },
  "35M": { layers: 12, dModel: 480, heads: 20 },
  "150M": { layers: 30, dModel: 640, heads: 20 },
  "650M": { layers: 33, dModel: 1280, heads: 20 },
} as const satisfies Record<string, RandomShape>;

/** Writes a Hugging Face directory; weights are uniform with the spread that keeps activations near 1. */
export async function writeRandomCheckpoint(dir: string, shape: RandomShape): Promise<void> {
  const { layers, dModel: d, heads } = shape;
  const ffn = 4 * d;
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(
    `${dir}/config.json`,
    JSON.stringify({
      architectures: ["EsmForMaskedLM"],
      model_type: "esm",
      vocab_size: 33,
      num_hidden_layers: layers,
      hidden_size: d,
      num_attention_heads: heads,
      intermediate_size: ffn,
      token_dropout: true,
      position_embedding_type: "rotary",
      emb_layer_norm_before: false,
      layer_norm_eps: 1e-5,
      mask_token_id: 32,
      pad_token_id: 1,
    }),
  );
  const tensors: [name: string, shape: number[]][] = [
    ["esm.embeddings.word_embeddings.weight", [33, d]],
  ];
  for (let i = 0; i < layers; i++) {
    const at = `esm.encoder.layer.${i}.`;
    const linear = (name: string, out: number, from: number) =>
      tensors.push([`${at}${name}.weight`, [out, from]], [`${at}${name}.bias`, [out]]);
    const norm = (name: string) =>
      tensors.push([`${at}${name}.weight`, [d]], [`${at}${name}.bias`, [d]]);
    norm("attention.LayerNorm");
    for (const part of ["query", "key", "value"]) linear(`attention.self.${part}`, d, d);
    linear("attention.output.dense", d, d);
    norm("LayerNorm");
    linear("intermediate.dense", ffn, d);
    linear("output.dense", d, ffn);
  }
  tensors.push(
    ["esm.encoder.emb_layer_norm_after.weight", [d]],
    ["esm.encoder.emb_layer_norm_after.bias", [d]],
    ["lm_head.dense.weight", [d, d]],
    ["lm_head.dense.bias", [d]],
    ["lm_head.layer_norm.weight", [d]],
    ["lm_head.layer_norm.bias", [d]],
    ["lm_head.bias", [33]],
    ["esm.contact_head.regression.weight", [1, layers * heads]],
    ["esm.contact_head.regression.bias", [1]],
  );
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, dims] of tensors) {
    const size = 4 * dims.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F32", shape: dims, data_offsets: [offset, offset += size] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length), true);
  using file = await Deno.open(`${dir}/model.safetensors`, { create: true, write: true });
  const writer = file.writable.getWriter();
  await writer.write(prefix);
  await writer.write(json);
  let state = 0x9e3779b9;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
  for (const [name, dims] of tensors) {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    const norm = /[lL]ayer_?[nN]orm/.test(name);
    const spread = dims.length === 2 ? Math.sqrt(3 / dims[1]) : 0.02;
    for (let i = 0; i < data.length; i++) {
      data[i] = norm && name.endsWith("weight") ? 1 + 0.1 * uniform() : spread * uniform();
    }
    await writer.write(new Uint8Array(data.buffer));
  }
  await writer.close();
}
