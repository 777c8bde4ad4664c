/** Folders of adapters made of recorded ones, for tests. */
import { torchBytes } from "../../checkpoint/testing/files.ts";
import { bytesOf, safetensorsBytes, withTempDir } from "../../checkpoint/testing/files.ts";
import { type Py, tensor } from "../../checkpoint/testing/pickle_writer.ts";
import { fixturePath, readFixture } from "../../../tests/fixtures.ts";

/** What a folder holds. */
export interface Contents {
  config: Record<string, unknown>;
  tensors: Record<string, { shape: number[]; data: Float32Array; dtype?: string }>;
}

/** A recorded adapter, to be changed. */
export function recorded(name: string): Contents {
  const config = JSON.parse(
    Deno.readTextFileSync(fixturePath(`lora/${name}/adapter/adapter_config.json`)),
  );
  return { config, tensors: readFixture(`lora/${name}/adapter/adapter_model`) as never };
}

/** The .safetensors file of tensors; those of another `dtype` hold its bytes. */
export const safetensorsOf = ({ tensors }: Contents): Uint8Array =>
  safetensorsBytes(Object.fromEntries(
    Object.entries(tensors).map(([key, { shape, data, dtype = "F32" }]) => [key, {
      ...{ dtype, shape, bytes: dtype === "F32" ? bytesOf(data) : converted(data, dtype) },
    }]),
  ));

function converted(data: Float32Array, dtype: string): Uint8Array {
  if (dtype === "F16") return bytesOf(Float16Array.from(data));
  if (dtype === "I64") return bytesOf(BigInt64Array.from(data, (x) => BigInt(Math.round(x))));
  // bfloat16: the upper half.
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return bytesOf(Uint16Array.from(bits, (word) => word >>> 16));
}

/** The .bin file that torch.save writes. */
export const torchOf = ({ tensors }: Contents): Promise<Uint8Array> => {
  const entries = Object.entries(tensors);
  return torchBytes({
    root: {
      ordered: entries.map(([name, { shape, data }], i): [Py, Py] => [
        name,
        tensor({ key: String(i), type: "FloatStorage", length: data.length, shape }),
      ]),
    },
    storages: Object.fromEntries(entries.map(([, { data }], i) => [String(i), bytesOf(data)])),
  });
};

/** Writes files into a folder of their own for as long as `body` runs. */
export const withFolder = (
  files: Readonly<Record<string, string | Uint8Array>>,
  body: (dir: string) => Promise<void>,
): Promise<void> =>
  withTempDir(async (dir) => {
    for (const [name, contents] of Object.entries(files)) {
      await Deno.writeFile(
        `${dir}/${name}`,
        typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
      );
    }
    await body(dir);
  });

/** The two files of PEFT. */
export const filesOf = (contents: Contents): Record<string, string | Uint8Array> => ({
  "adapter_config.json": JSON.stringify(contents.config),
  "adapter_model.safetensors": safetensorsOf(contents),
});
