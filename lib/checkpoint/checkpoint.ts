import { createHash } from "node:crypto";
import { basename } from "node:path";
import { counted, showAs } from "../display.ts";
import { UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { firstNonFinite } from "../stats/finite.ts";
import { configText, type Esm2Config } from "./config.ts";
import type { DType } from "./dtype.ts";
import { computeInvFreq } from "./inv_freq.ts";
import type { EsmTensorName } from "./names.ts";
import { elementCount, readStoredTensor, type StoredTensor } from "./stored_tensor.ts";

/** What a checkpoint says of a tensor. */
export interface TensorInfo {
  /** Extents, row-major. */
  readonly shape: readonly number[];
  /** Number format in the file; "F32" of computed tensors. */
  readonly dtype: DType;
  /** Rotary frequencies that a file lacks are computed as the published files hold them. */
  readonly origin: "stored" | "computed";
}

/** Little-endian float32, row-major, in a file. */
export interface TensorPlace {
  /** The file, links followed. */
  readonly path: string;
  /** First byte. */
  readonly offset: number;
  /** Number of bytes. */
  readonly length: number;
}

/** The weights of one ESM-2 model, read from disk tensor by tensor. */
export interface Checkpoint extends Disposable {
  /** Folder name, or file name without extension. */
  readonly name: string;
  /** The model's extents. */
  readonly config: Esm2Config;
  /** Whose file it is. */
  readonly format: "safetensors" | "fair-esm" | "pytorch";
  /** Every file that the tensors come from. */
  readonly files: readonly string[];
  /**
   * Tensors by fair-esm name, weights as [out, in]. "lm_head.weight" is listed when stored (else the
   * decoder is "embed_tokens.weight"), "contact_head.*" when the checkpoint has a contact head.
   */
  readonly tensors: ReadonlyMap<EsmTensorName, TensorInfo>;
  /** What a person should know: a missing contact head, ignored or computed tensors. */
  readonly notes: readonly string[];
  /**
   * Reads a tensor as float32, row-major.
   *
   * @param into array to fill instead of a new one; the result is its beginning
   * @throws {UserError} if the checkpoint has no such tensor, or one with NaN or an infinity in it
   */
  read(name: EsmTensorName, into?: Float32Array): Promise<Float32Array>;
  /**
   * Where a file holds a tensor as `read` gives it, for who maps files into memory; undefined, as is the
   * method itself, where none does.
   */
  locate?(name: EsmTensorName): TensorPlace | undefined;
  /**
   * SHA-256 of the weight file in hexadecimal; of several files, the hash of their `sha256sum` lines
   * ("hash  name\n") in the order of their names.
   */
  sha256(): Promise<string>;
}

export interface CheckpointParts {
  readonly name: string;
  readonly config: Esm2Config;
  readonly format: Checkpoint["format"];
  readonly sources: readonly RandomAccess[];
  readonly infos: ReadonlyMap<EsmTensorName, TensorInfo>;
  readonly stored: ReadonlyMap<EsmTensorName, StoredTensor>;
  readonly notes: readonly string[];
}

/** Makes a checkpoint of checked parts; it owns the sources. */
export function makeCheckpoint(parts: CheckpointParts): Checkpoint {
  const { name, config, format, sources, infos, stored, notes } = parts;
  /** Looked at once, however often they are read. */
  const checked = new Set<EsmTensorName>();
  /** Made once: a run's settings and its record both ask, and large files take seconds. */
  let hash: Promise<string> | undefined;
  const checkpoint: Checkpoint = {
    name,
    config,
    format,
    files: sources.map((source) => source.label),
    tensors: infos,
    notes,
    async read(tensorName, into) {
      const tensor = stored.get(tensorName);
      if (tensor !== undefined) {
        const values = await readStoredTensor(tensor, into);
        if (!checked.has(tensorName)) checkFinite(tensorName, tensor, values);
        checked.add(tensorName);
        return values;
      }
      if (!infos.has(tensorName)) {
        throw new UserError(`Cannot read ${tensorName} of ${name} as it has no such tensor`);
      }
      const computed = computeInvFreq(config.headDim);
      if (into === undefined) return computed;
      into.set(computed);
      return into.subarray(0, computed.length);
    },
    locate(tensorName) {
      const tensor = stored.get(tensorName), path = tensor?.source.path;
      if (!tensor || !path || tensor.dtype !== "F32" || tensor.strides) return undefined;
      const { start: offset, shape } = tensor;
      const length = Float32Array.BYTES_PER_ELEMENT * elementCount(shape);
      return offset % Float32Array.BYTES_PER_ELEMENT === 0 ? { path, offset, length } : undefined;
    },
    sha256: () => hash ??= hashSources(sources),
    [Symbol.dispose]() {
      for (const source of sources) source[Symbol.dispose]();
    },
  };
  return showAs(checkpoint, {
    text: () =>
      `Checkpoint ${name} (${format}): ${configText(config)}, ${counted(infos.size, "tensor")}`,
  });
}

function checkFinite(name: EsmTensorName, tensor: StoredTensor, values: Float32Array): void {
  const at = firstNonFinite(values);
  if (at < 0) return;
  const place: number[] = [];
  let rest = at;
  for (const extent of tensor.shape.toReversed()) {
    place.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  throw new UserError(
    `Cannot use ${tensor.source.label} as its weights must be finite numbers: ` +
      `${name}[${place.join(", ")}] is ${values[at]}`,
  );
}

async function hashSources(sources: readonly RandomAccess[]): Promise<string> {
  if (sources.length === 1) return await hashSource(sources[0]);
  const lines = new Map<string, string>();
  for (const source of sources) {
    const file = basename(source.label);
    lines.set(file, `${await hashSource(source)}  ${file}\n`);
  }
  const ordered = [...lines.keys()].sort().map((file) => lines.get(file));
  return createHash("sha256").update(ordered.join("")).digest("hex");
}

/** SHA-256 of all bytes in hexadecimal. */
export async function hashSource(source: RandomAccess): Promise<string> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(Math.min(source.sizeBytes, 1 << 20));
  for (let at = 0; at < source.sizeBytes; at += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, source.sizeBytes - at));
    await source.read(at, part);
    hash.update(part);
  }
  return hash.digest("hex");
}
