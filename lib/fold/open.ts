/** Opens ESMFold: Hugging Face's folder, or fair-esm's file with that of ESM-2 beside it. */
import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { assemble } from "../checkpoint/assemble.ts";
import { configFromHf } from "../checkpoint/config.ts";
import { hashSource } from "../checkpoint/checkpoint.ts";
import { isDType } from "../checkpoint/dtype.ts";
import { isFairEsm } from "../checkpoint/fair_esm.ts";
import { exists, kindOfPath } from "../checkpoint/files.ts";
import { readJson } from "../checkpoint/hugging_face.ts";
import { type Checkpoint, openCheckpoint } from "../checkpoint/mod.ts";
import { readDirectory, SourceStack } from "../checkpoint/open.ts";
import { PickleRecord, type PickleValue } from "../checkpoint/pickle_values.ts";
import { readStoredTensor, shapeText, type StoredTensor } from "../checkpoint/stored_tensor.ts";
import { addStateDict, readWeightFile } from "../checkpoint/weight_file.ts";
import { quote, UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { statOrUndefined } from "../io/paths.ts";
import { firstNonFinite } from "../stats/finite.ts";
import { type FoldConfig, readFoldConfig } from "./config.ts";
import { foldTensors } from "./tensors.ts";

/** An ESMFold model on disk; weights are read when they are asked for. */
export interface FoldCheckpoint extends Disposable {
  /** Folder name, or file name without extension. */
  readonly name: string;
  /** Its extents. */
  readonly config: FoldConfig;
  /** Its language model. */
  readonly esm: Checkpoint;
  /** What a person should know. */
  readonly notes: readonly string[];
  /** Reads a tensor by its name in the files, row-major. @throws {UserError} for NaN or an infinity in it */
  read(name: string): Promise<Float32Array>;
}

/** What a missing language model may be called by fair-esm: `esm2_3B` is `esm2_t36_3B_UR50D`. */
const FAIR_ESM_FILES: Readonly<Record<string, string>> = {
  esm2_8M: "esm2_t6_8M_UR50D",
  esm2_35M: "esm2_t12_35M_UR50D",
  esm2_150M: "esm2_t30_150M_UR50D",
  esm2_650M: "esm2_t33_650M_UR50D",
  esm2_3B: "esm2_t36_3B_UR50D",
  esm2_15B: "esm2_t48_15B_UR50D",
};

/**
 * Opens a model.
 *
 * @param path Hugging Face folder of `EsmForProteinFolding`, or fair-esm's .pt
 * @throws {UserError} naming what is missing, misshapen or not supported
 */
export async function openFold(path: string): Promise<FoldCheckpoint> {
  const kind = await kindOfPath(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UserError(
      `Cannot open ${quote(path)} as it must be an ESMFold model: nothing is there`,
    );
  });
  return kind.isDirectory ? await openFolder(path) : await openFairEsm(path);
}

/** Whether a folder's configuration, or a file's name, is of a model that folds; false where nothing is there. */
export async function isFold(path: string): Promise<boolean> {
  const info = await statOrUndefined(path);
  if (!info?.isDirectory) return info !== undefined && /^esmfold/i.test(basename(path));
  try {
    const json = JSON.parse(await Deno.readTextFile(join(path, "config.json")));
    return json?.is_folding_model === true;
  } catch {
    // What is wrong with it is said by whoever opens it.
    return false;
  }
}

async function openFolder(dir: string): Promise<FoldCheckpoint> {
  const label = join(dir, "config.json");
  const json = await readJson(
    label,
    "a model's configuration must be beside its weights",
  ) as Record<
    string,
    Record<string, unknown>
  >;
  const own = json?.esmfold_config;
  if (json?.is_folding_model as unknown !== true || typeof own !== "object" || own === null) {
    throw new UserError(
      `Cannot open ${label} as it must be of an ESMFold model (is_folding_model, esmfold_config): ` +
        `current architectures are ${JSON.stringify(json?.architectures ?? [])}`,
    );
  }
  const trunk = (own.trunk ?? {}) as Record<string, unknown>;
  const structure = (trunk.structure_module ?? {}) as Record<string, unknown>;
  const config = readFoldConfig(
    {
      model: (name) => own[name],
      trunk: (name) => trunk[name],
      structure: (name) => structure[name],
    },
    false,
    label,
  );
  const esmConfig = configFromHf({ ...json, is_folding_model: false, architectures: [] }, label);
  using opened = new SourceStack();
  const { format, tensors } = await readDirectory(dir, opened);
  const name = basename(resolve(dir));
  const language = new Map<string, StoredTensor>(), rest = new Map<string, StoredTensor>();
  for (const [key, tensor] of tensors) (/^esm\./.test(key) ? language : rest).set(key, tensor);
  const esm = await assemble({
    ...{ label: dir, name, format, config: esmConfig, tensors: language, headless: true },
    ...{ sources: opened.sources, notes: [] },
  });
  const checkpoint = foldCheckpoint({ label: dir, name, config, esm, tensors: rest });
  opened.release();
  return checkpoint;
}

async function openFairEsm(path: string): Promise<FoldCheckpoint> {
  using opened = new SourceStack();
  const weights = await readWeightFile(await opened.open(path));
  const root = weights.kind === "torch" ? weights.file.root : undefined;
  if (weights.kind !== "torch" || root === undefined || !isFairEsm(root)) {
    throw new UserError(
      `Cannot open ${quote(path)} as it must be fair-esm's ESMFold file ("cfg" and "model") or a ` +
        "folder of Hugging Face's: it is neither",
    );
  }
  const model = fieldsOf(fieldsOf(root.get("cfg"))("model"));
  const trunk = fieldsOf(model("trunk")), structure = fieldsOf(trunk("structure_module"));
  const config = readFoldConfig({ model, trunk, structure }, true, path);
  const tensors = new Map<string, StoredTensor>();
  await addStateDict(path, weights.file, root.get("model"), tensors);
  const file = `${FAIR_ESM_FILES[config.languageModel] ?? config.languageModel}.pt`;
  const beside = join(dirname(path), file);
  if (!await exists(beside)) {
    throw new UserError(
      `Cannot open ${quote(path)} as its language model must be beside it: ${file} is not there`,
    );
  }
  const esm = await openCheckpoint(beside);
  try {
    const name = basename(path).replace(/\.[^.]*$/, "");
    const sources = [...opened.sources];
    // A run's settings tell both files.
    let hash: Promise<string> | undefined;
    const both = { ...esm, sha256: () => hash ??= hashBoth(esm, sources[0]) };
    const checkpoint = foldCheckpoint({ label: path, name, config, esm: both, tensors });
    opened.release();
    return {
      ...checkpoint,
      [Symbol.dispose]() {
        esm[Symbol.dispose]();
        for (const source of sources) source[Symbol.dispose]();
      },
    };
  } catch (error) {
    esm[Symbol.dispose]();
    throw error;
  }
}

async function hashBoth(esm: Checkpoint, trunk: RandomAccess): Promise<string> {
  const hashes = [await esm.sha256(), await hashSource(trunk)];
  return createHash("sha256").update(hashes.join("\n")).digest("hex");
}

/** Fields of a dict or of an object that a file holds, OmegaConf's containers and nodes among them. */
function fieldsOf(value: unknown): (name: string) => unknown {
  const inner = unwrapped(value);
  const fields = inner instanceof PickleRecord ? inner.fields : inner;
  return (name) => fields instanceof Map ? unwrapped(fields.get(name as PickleValue)) : undefined;
}

/** What a container or a node of OmegaConf holds; all else as it is. */
const unwrapped = (value: unknown): unknown =>
  value instanceof PickleRecord && value.type.startsWith("omegaconf.")
    ? value.fields.get("_content") ?? value.fields.get("_val")
    : value;

interface Parts {
  label: string;
  name: string;
  config: FoldConfig;
  esm: Checkpoint;
  tensors: ReadonlyMap<string, StoredTensor>;
}

/** Tables that files repeat, which are those of every model. */
const TABLES = /^(af2_to_esm|.*\.(default_frames|group_idx|atom_mask|lit_positions|bounds))$/;

/** Checks that all tensors are there, as they must be. */
function foldCheckpoint({ label, name, config, esm, tensors }: Parts): FoldCheckpoint {
  const notes = [...esm.notes].filter((note) => !/contact head|language-model head/.test(note));
  const expected = foldTensors(config, esm.config);
  const stored = new Map<string, StoredTensor>(), ignored: string[] = [];
  for (const [key, tensor] of tensors) {
    // The first tables of openfold's later files have their points in a module of its own.
    const own = key.replace(/(linear_(?:q|kv)_points)\.linear\./, "$1.");
    if (stored.has(own)) {
      throw new UserError(
        `Cannot open ${label} as it must hold each tensor once: ${
          quote(own)
        } is there under two names`,
      );
    }
    if (expected.has(own)) stored.set(own, tensor);
    else if (/^trunk\.blocks\./.test(own)) {
      // The configuration would be another model's.
      throw new UserError(
        `Cannot open ${label} as it must hold only ESMFold's tensors in its blocks: ${
          quote(key)
        } is none`,
      );
    } else if (!TABLES.test(own)) ignored.push(key);
  }
  if (ignored.length > 0) {
    const more = ignored.length > 5 ? ` and ${ignored.length - 5} more` : "";
    const names = ignored.slice(0, 5).map((key) => quote(key)).join(", ");
    notes.push(`ignored, not part of ESMFold: ${names}${more}`);
  }
  for (const [key, shape] of expected) {
    const tensor = stored.get(key);
    const found = tensor && shapeText(tensor.shape);
    if (found !== shapeText(shape)) {
      throw new UserError(
        `Cannot open ${label} as tensor ${key} must have shape ${shapeText(shape)}: ` +
          (found ? `current shape is ${found}` : "it is absent"),
      );
    }
    if (!isDType(tensor!.dtype)) {
      throw new UserError(
        `Cannot open ${label} as tensor ${key} must be of F32, F16, BF16 or F64: ` +
          `current value is ${tensor!.dtype}`,
      );
    }
  }
  return {
    ...{ name, config, esm, notes },
    async read(key) {
      const values = await readStoredTensor(stored.get(key)!);
      const bad = firstNonFinite(values);
      if (bad === undefined || bad < 0) return values;
      throw new UserError(
        `Cannot read ${label} as tensor ${key} must be of finite numbers: element ${bad} is ${
          values[bad]
        }`,
      );
    },
    [Symbol.dispose]: () => esm[Symbol.dispose](),
  };
}
