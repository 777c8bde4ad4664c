import { join } from "node:path";
import { quote, UserError } from "../errors.ts";
import { configFromHf, type Esm2Config } from "./config.ts";
import { exists, readText, reasonOr } from "./files.ts";

/** Weight files of a Hugging Face directory, preferred ones first. */
const WEIGHTS = [
  { name: "model.safetensors", format: "safetensors" },
  { name: "model.safetensors.index.json", format: "safetensors" },
  { name: "pytorch_model.bin", format: "pytorch" },
  { name: "pytorch_model.bin.index.json", format: "pytorch" },
] as const;

export interface WeightList {
  readonly format: (typeof WEIGHTS)[number]["format"];
  /** Weight files, each once. */
  readonly paths: readonly string[];
  /** Tensors that an index promises: name to path. */
  readonly promised: ReadonlyMap<string, string>;
}

/** Reads a model's config.json. @throws {UserError} if it is missing or not of ESM-2 */
export async function readHfConfig(path: string): Promise<Esm2Config> {
  return configFromHf(
    await readJson(path, "a model's configuration must be beside its weights"),
    path,
  );
}

/** Finds the weight files of a directory. @throws {UserError} if there are none */
export async function listWeights(dir: string): Promise<WeightList> {
  for (const { name, format } of WEIGHTS) {
    const path = join(dir, name);
    if (!await exists(path)) continue;
    if (!name.endsWith(".index.json")) return { format, paths: [path], promised: new Map() };
    return { format, ...await readIndex(dir, path) };
  }
  throw new UserError(
    `Cannot open ${dir} as it must hold weights: none of ` +
      `${WEIGHTS.map(({ name }) => name).join(", ")} is there`,
  );
}

async function readIndex(dir: string, path: string): Promise<Omit<WeightList, "format">> {
  const index = await readJson(path, "it must be readable") as { weight_map?: unknown } | null;
  const map = index?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new UserError(`Cannot read ${path} as it must hold an object "weight_map"`);
  }
  const promised = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string" || !/^[\w.-]+\.(safetensors|bin)$/.test(file)) {
      throw new UserError(
        `Cannot read ${path} as tensor ${quote(tensor)} must lie in a .safetensors or .bin file ` +
          `of the same directory: current value is ${quote(file)}`,
      );
    }
    promised.set(tensor, join(dir, file));
  }
  const paths = [...new Set(promised.values())];
  if (paths.length === 0) throw new UserError(`Cannot read ${path} as its weight_map is empty`);
  for (const shard of paths) {
    if (!await exists(shard)) {
      throw new UserError(`Cannot open ${dir} as ${path} names ${shard}, which is not there`);
    }
  }
  return { paths, promised };
}

export async function readJson(path: string, rule: string): Promise<unknown> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    const reason = reasonOr(error, "it is not there");
    if (reason === undefined) throw error;
    throw new UserError(`Cannot open ${path} as ${rule}: ${reason}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : "";
    throw new UserError(`Cannot read ${path} as it must be JSON: ${reason}`);
  }
}
