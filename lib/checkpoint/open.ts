import { basename, dirname, join, resolve } from "node:path";
import { quote, UserError } from "../errors.ts";
import { bytesRandomAccess, openRandomAccess, type RandomAccess } from "../io/random_access.ts";
import { assemble } from "./assemble.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { configFromHf } from "./config.ts";
import { addContactHead, contactPath, isFairEsm, readFairEsm } from "./fair_esm.ts";
import { exists, kindOfPath, type PathKind, reasonOr } from "./files.ts";
import { listWeights, readHfConfig, type WeightList } from "./hugging_face.ts";
import { readSafetensors } from "./safetensors.ts";
import type { StoredTensor } from "./stored_tensor.ts";
import { addStateDict, readWeightFile, type WeightFile } from "./weight_file.ts";

/**
 * Opens an ESM-2 checkpoint; weights stay on disk until they are read.
 *
 * Accepts a directory in Hugging Face layout (config.json with model.safetensors, pytorch_model.bin or
 * shards of either), a fair-esm .pt file (with its -contact-regression.pt beside it, or without), and a
 * .safetensors or .bin file with config.json beside it.
 *
 * @throws {UserError} if it is not a complete ESM-2 model; the message says what is missing or wrong
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  let kind: PathKind;
  try {
    kind = await kindOfPath(path);
  } catch (error) {
    const reason = reasonOr(error, "nothing is there");
    if (reason === undefined) throw error;
    throw new UserError(`Cannot open ${path} as it must be a checkpoint: ${reason}`);
  }
  using opened = new SourceStack();
  const checkpoint = kind.isDirectory
    ? await openDirectory(path, opened)
    : await openFile(path, opened);
  opened.release();
  return checkpoint;
}

/**
 * Opens a .safetensors file that is already in memory.
 *
 * @param name what to call it
 * @param configJson the parsed config.json of the model
 * @throws {UserError} as {@linkcode openCheckpoint}
 */
export async function openSafetensorsBytes(
  name: string,
  configJson: unknown,
  bytes: Uint8Array,
): Promise<Checkpoint> {
  const config = configFromHf(configJson, `config.json of ${name}`);
  const source = bytesRandomAccess(name, bytes);
  const tensors = await readSafetensors(source);
  return await assemble({
    label: name,
    name,
    format: "safetensors",
    config,
    sources: [source],
    tensors,
    notes: [],
  });
}

/** Tensors of a directory's weight files, by the names they have there. */
export interface StoredModel {
  readonly format: Checkpoint["format"];
  readonly tensors: Map<string, StoredTensor>;
}

/** Opened files; closed at the end of the scope unless released to the checkpoint. */
export class SourceStack implements Disposable {
  sources: RandomAccess[] = [];

  async open(path: string): Promise<RandomAccess> {
    const source = await openRandomAccess(path);
    this.sources.push(source);
    return source;
  }

  release() {
    this.sources = [];
  }

  [Symbol.dispose]() {
    for (const source of this.sources) source[Symbol.dispose]();
  }
}

async function openDirectory(dir: string, opened: SourceStack): Promise<Checkpoint> {
  // A folder without weights is the larger mistake.
  const weights = await listWeights(dir);
  const config = await readHfConfig(join(dir, "config.json"));
  const stored = await readDirectory(dir, opened, weights);
  const name = basename(resolve(dir));
  return await assemble({
    ...stored,
    label: dir,
    name,
    config,
    sources: opened.sources,
    notes: [],
  });
}

/**
 * Finds the tensors of a directory in Hugging Face layout.
 *
 * @throws {UserError} if it has no weights, or shards that are not whole
 */
export async function readDirectory(
  dir: string,
  opened: SourceStack,
  weights?: WeightList,
): Promise<StoredModel> {
  const { format, paths, promised } = weights ?? await listWeights(dir);
  const tensors = new Map<string, StoredTensor>();
  for (const path of paths) {
    const source = await opened.open(path);
    const shard = await stateTensors(path, await readWeightFile(source));
    for (const [name, tensor] of shard) {
      if (tensors.has(name)) {
        throw new UserError(
          `Cannot open ${dir} as its shards must hold each tensor once: ${quote(name)} is in two`,
        );
      }
      tensors.set(name, tensor);
    }
  }
  for (const [name, path] of promised) {
    if (tensors.get(name)?.source.label !== path) {
      throw new UserError(
        `Cannot open ${dir} as ${path} must hold tensor ${quote(name)}, as the index says: ` +
          `it is absent`,
      );
    }
  }
  return { format, tensors };
}

async function stateTensors(
  path: string,
  weights: WeightFile,
): Promise<Map<string, StoredTensor>> {
  if (weights.kind === "safetensors") return weights.tensors;
  const tensors = new Map<string, StoredTensor>();
  await addStateDict(path, weights.file, weights.file.root, tensors);
  return tensors;
}

async function openFile(path: string, opened: SourceStack): Promise<Checkpoint> {
  const weights = await readWeightFile(await opened.open(path));
  const name = basename(path).replace(/\.[^.]*$/, "");
  const common = { label: path, name, sources: opened.sources };
  if (weights.kind === "torch" && isFairEsm(weights.file.root)) {
    const tensors = new Map<string, StoredTensor>();
    const config = await readFairEsm(path, weights.file, tensors);
    const notes: string[] = [];
    const contact = contactPath(path);
    if (await exists(contact)) {
      await addContactHead(await opened.open(contact), tensors);
    } else if (!tensors.has("contact_head.regression.weight")) {
      notes.push(`no contact head: ${basename(contact)} is not beside the model`);
    }
    return await assemble({ ...common, format: "fair-esm", config, tensors, notes });
  }
  const config = await readHfConfig(join(dirname(path), "config.json"));
  const tensors = await stateTensors(path, weights);
  const format = weights.kind === "safetensors" ? "safetensors" : "pytorch";
  return await assemble({ ...common, format, config, tensors, notes: [] });
}
