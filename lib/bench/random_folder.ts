/** Random weights as files, for commands that need a path. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { hfName } from "../checkpoint/names.ts";
import { randomCheckpoint, stored } from "../checkpoint/random.ts";
import { elementCount } from "../checkpoint/stored_tensor.ts";

/** Writes the same weights as a Hugging Face folder, for commands that need a path. */
export async function writeRandomCheckpoint(dir: string, config: Esm2Config): Promise<void> {
  const { layers, dModel, heads, ffn } = config;
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(
    `${dir}/config.json`,
    JSON.stringify({
      architectures: ["EsmForMaskedLM"],
      model_type: "esm",
      vocab_size: 33,
      num_hidden_layers: layers,
      hidden_size: dModel,
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
  using checkpoint = randomCheckpoint(dir, config);
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const { name, shape } of stored(config)) {
    const data_offsets = [offset, offset += 4 * elementCount(shape)];
    header[hfName(name)] = { dtype: "F32", shape, data_offsets };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length), true);
  using file = await Deno.open(`${dir}/model.safetensors`, { create: true, write: true });
  const writer = file.writable.getWriter();
  await writer.write(prefix);
  await writer.write(json);
  for (const { name } of stored(config)) {
    const data = await checkpoint.read(name) as Float32Array<ArrayBuffer>;
    await writer.write(new Uint8Array(data.buffer));
  }
  await writer.close();
}
