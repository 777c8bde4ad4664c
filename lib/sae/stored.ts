/** The tensors of an SAE file, whatever its container. */
import { dirname, join } from "node:path";
import { isDType } from "../checkpoint/dtype.ts";
import { readSafetensorsMetadata } from "../checkpoint/safetensors.ts";
import { readStoredTensor, shapeText, type StoredTensor } from "../checkpoint/stored_tensor.ts";
import { addStateDict, readWeightFile } from "../checkpoint/weight_file.ts";
import { type PickleValue, TorchTensor } from "../checkpoint/pickle_values.ts";
import { quote, UserError } from "../errors.ts";
import { statOrUndefined } from "../io/paths.ts";
import type { RandomAccess } from "../io/random_access.ts";

export interface StoredSae {
  /** What to call the file in messages. */
  readonly label: string;
  /** By name, without what a trainer put before all names (`sae.`, `module.`). */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Texts of a safetensors header. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What a state dict holds besides tensors. */
  readonly values: ReadonlyMap<PickleValue, PickleValue>;
  /** The cfg.json beside it, if there is one. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** A JSON object in its folder. @throws {UserError} if it is there and is none */
  beside(name: string): Promise<Record<string, unknown> | undefined>;
}

/** Names under which trainers put a state dict away, with what they need to go on. */
const WRAPPERS = [
  "state_dict",
  "model_state_dict",
  "sae_state_dict",
  "sae",
  "autoencoder",
  "model",
];

/** The encoder's matrix, in every layout. */
const ENCODER = /^(.*\.)?(?:encoder\.weight|w_enc|W_enc)$/;

/** Reads where the tensors lie. @throws {UserError} if it is no undamaged safetensors or torch file */
export async function readStoredSae(source: RandomAccess): Promise<StoredSae> {
  const { label } = source;
  const file = await readWeightFile(source);
  const beside = (name: string) => readJsonBeside(label, name);
  const rest = { label, beside, config: await beside("cfg.json") };
  if (file.kind === "safetensors") {
    const metadata = await readSafetensorsMetadata(source);
    return { ...rest, tensors: withoutPrefix(file.tensors), metadata, values: new Map() };
  }
  const tensors = new Map<string, StoredTensor>();
  const dict = unwrapped(file.file.root);
  await addStateDict(label, file.file, dict, tensors);
  const values = dict instanceof Map ? dict : new Map<PickleValue, PickleValue>();
  return { ...rest, tensors: withoutPrefix(tensors), metadata: {}, values };
}

/** The state dict within what a trainer saved; what holds tensors itself is one. */
function unwrapped(root: PickleValue): PickleValue {
  let dict = root;
  // Twice at most: {"model": {"state_dict": …}} is the deepest that is in use.
  for (let depth = 0; depth < 2 && dict instanceof Map; depth++) {
    if ([...dict.values()].some((value) => value instanceof TorchTensor)) break;
    const outer: Map<PickleValue, PickleValue> = dict;
    const key = WRAPPERS.find((name) => outer.get(name) instanceof Map);
    if (key === undefined) break;
    dict = outer.get(key)!;
  }
  return dict;
}

function withoutPrefix(
  tensors: ReadonlyMap<string, StoredTensor>,
): ReadonlyMap<string, StoredTensor> {
  const prefixes = [...tensors.keys()].map((name) => ENCODER.exec(name))
    .filter((found) => found !== null).map((found) => found[1] ?? "");
  if (prefixes.length !== 1 || prefixes[0] === "") return tensors;
  const [prefix] = prefixes;
  return new Map(
    [...tensors].filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}

/** No settings of a training are larger. */
const MOST_JSON_BYTES = 1 << 20;

async function readJsonBeside(
  label: string,
  name: string,
): Promise<Record<string, unknown> | undefined> {
  // An address of the web has no folder to look into.
  if (/^https?:/.test(label)) return undefined;
  const path = join(dirname(label), name);
  const info = await statOrUndefined(path);
  if (!info?.isFile || info.size > MOST_JSON_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new UserError(`Cannot read ${quote(path, 200)} as it must hold a JSON object: it does not`);
}

/** The shape of a matrix. @throws {UserError} if there is no such tensor or it is no matrix */
export function matrixShape(stored: StoredSae, name: string): [rows: number, columns: number] {
  const { shape } = find(stored, name);
  if (shape.length === 2 && shape[0] > 0 && shape[1] > 0) return [shape[0], shape[1]];
  throw new UserError(
    `Cannot read ${stored.label} as tensor "${name}" must be a matrix: current shape is ` +
      shapeText(shape),
  );
}

/**
 * Reads a tensor of known shape.
 *
 * @throws {UserError} if it is absent, of another shape, no floating-point tensor, or not finite
 */
export async function readWeights(
  stored: StoredSae,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  const tensor = find(stored, name), { label } = stored;
  if (shapeText(tensor.shape) !== shapeText(shape)) {
    throw new UserError(
      `Cannot read ${label} as tensor "${name}" must have the shape ${shapeText(shape)}: ` +
        `current value is ${shapeText(tensor.shape)}`,
    );
  }
  if (!isDType(tensor.dtype)) {
    throw new UserError(
      `Cannot read ${label} as tensor "${name}" must hold floating-point numbers: ` +
        `current value is ${tensor.dtype}`,
    );
  }
  const values = await readStoredTensor(tensor);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return values;
  throw new UserError(
    `Cannot read ${label} as tensor "${name}" must be finite: element ${bad} is ${values[bad]}`,
  );
}

/** Bytes of whole numbers and flags, and whether they have a sign. */
const INTEGERS: Record<string, [bytes: number, signed: boolean]> = {
  I64: [8, true],
  I32: [4, true],
  I16: [2, true],
  I8: [1, true],
  U8: [1, false],
  BOOL: [1, false],
};

/** The number or flag that a tensor of one element holds; undefined where there is no such tensor. */
export async function readScalar(
  { tensors, label }: StoredSae,
  name: string,
): Promise<number | undefined> {
  const tensor = tensors.get(name);
  if (tensor === undefined) return undefined;
  if (tensor.shape.some((extent) => extent !== 1)) {
    throw new UserError(
      `Cannot read ${label} as tensor "${name}" must be one number: current shape is ` +
        shapeText(tensor.shape),
    );
  }
  if (isDType(tensor.dtype)) return (await readStoredTensor(tensor))[0];
  const integer = INTEGERS[tensor.dtype];
  if (integer === undefined) {
    throw new UserError(
      `Cannot read ${label} as tensor "${name}" must be a number: current value is ${tensor.dtype}`,
    );
  }
  const bytes = new Uint8Array(integer[0]);
  await tensor.source.read(tensor.start, bytes);
  const value = bytes.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
  return Number(integer[1] ? BigInt.asIntN(8 * bytes.length, value) : value);
}

function find({ label, tensors }: StoredSae, name: string): StoredTensor {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  const names = [...tensors.keys()];
  throw new UserError(
    `Cannot read ${label} as it must hold tensor "${name}": it has ` +
      `${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`,
  );
}
