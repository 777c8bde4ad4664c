/** The tiny model as a folder of its own, to be changed. */
import { bytesOf, safetensorsBytes } from "../../checkpoint/testing/files.ts";
import { type Array32, fixturePath, readFixture } from "../../../tests/fixtures.ts";

type Arrays = Map<string, Array32>;
// deno-lint-ignore no-explicit-any -- whatever a test makes of it
type Json = any;

/** How the folder differs. */
export interface FolderChanges {
  /** Files that the tensors are shared among. @default 1 */
  files?: number;
  config?: (json: Json) => void;
  tensors?: (arrays: Arrays) => void;
}

/** Contents of config.json and of the weights, by file name. */
export function foldFiles(
  { files = 1, config = () => {}, tensors = () => {} }: FolderChanges = {},
): Record<string, string | Uint8Array> {
  const json = JSON.parse(Deno.readTextFileSync(fixturePath("esmfold/model/config.json")));
  config(json);
  const arrays: Arrays = new Map(Object.entries(readFixture("esmfold/model/model", ["I64"])));
  arrays.delete("af2_to_esm");
  tensors(arrays);
  const made: Record<string, string | Uint8Array> = { "config.json": JSON.stringify(json) };
  const map: Record<string, string> = {};
  const entries = [...arrays].map(([name, { shape, data }]) =>
    [name, { dtype: "F32", shape, bytes: bytesOf(Float32Array.from(data)) }] as const
  );
  const nameOf = (n: number) => files === 1 ? "model.safetensors" : `model-${n}.safetensors`;
  for (let n = 0; n < files; n++) {
    const own = entries.filter((_, i) => i % files === n);
    for (const [name] of own) map[name] = nameOf(n);
    made[nameOf(n)] = safetensorsBytes(Object.fromEntries(own));
  }
  if (files > 1) made["model.safetensors.index.json"] = JSON.stringify({ weight_map: map });
  return made;
}

/** Writes them to a folder. */
export async function writeFoldFolder(dir: string, changes?: FolderChanges): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  for (const [name, content] of Object.entries(foldFiles(changes))) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${dir}/${name}`, bytes);
  }
}
