/** Random weights as files, for commands that need a path. */
import { configToHf } from "../checkpoint/config.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { hfName } from "../checkpoint/names.ts";
import { randomCheckpoint, stored } from "../checkpoint/random.ts";
import { elementCount } from "../checkpoint/stored_tensor.ts";

/** Writes the same weights as a Hugging Face folder, for commands that need a path. */
export async function writeRandomCheckpoint(dir: string, config: Esm2Config): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(
    `${dir}/config.json`,
    JSON.stringify(configToHf(config)),
  );
  using checkpoint = randomCheckpoint(dir, config);
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const { name, shape } of stored(config)) {
    const data_offsets = [offset, offset += 4 * elementCount(shape)];
    header[hfName(name)] = { dtype: "F32", shape, data_offsets };
  }
  const text = JSON.stringify(header);
  // Tensors begin at a multiple of 8, as in the files of the format's own library.
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
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
