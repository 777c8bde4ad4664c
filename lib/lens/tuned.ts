/** A tuned lens: an affine map per block that brings the stream to where the head reads it. */
import type { Backend } from "../backend/types.ts";
import { readSafetensors, readSafetensorsMetadata } from "../checkpoint/safetensors.ts";
import { writeSafetensors } from "../checkpoint/write_safetensors.ts";
import { quote, UserError } from "../errors.ts";
import type { Translator } from "../esm2/mod.ts";
import { EMBEDDED_NAME, openEmbeddedLens } from "../hub/embedded.ts";
import type { OpenedModel } from "../hub/open_model.ts";
import { openRandomAccess, type RandomAccess } from "../io/random_access.ts";

/** `format` in the header of the files. */
export const LENS_FORMAT = "esmscope-tuned-lens";

/** Weights of a tuned lens: h + h · matrixᵀ + bias after each of 0 … layers − 1 blocks. */
export interface TunedLens {
  /** f32[D, D] by layer. */
  readonly matrices: readonly Float32Array[];
  /** f32[D] by layer. */
  readonly biases: readonly Float32Array[];
  /** Width of the stream. */
  readonly dModel: number;
}

/** A tuned lens of a file, with what the file says of its origin. */
export interface OpenedLens extends TunedLens {
  /** Texts of the file's header. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the file. */
  readonly sha256: string;
}

/** The map that changes nothing. */
export function identityLens(layers: number, dModel: number): TunedLens {
  const arrays = (length: number) => Array.from({ length: layers }, () => new Float32Array(length));
  return { dModel, matrices: arrays(dModel ** 2), biases: arrays(dModel) };
}

/** Creates or replaces a file. @param metadata texts for its header */
export async function writeLens(
  path: string,
  { matrices, biases, dModel }: TunedLens,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const tensors = matrices.flatMap((matrix, layer) => [
    [`layers.${layer}.matrix`, { dtype: "F32", shape: [dModel, dModel], data: matrix }],
    [`layers.${layer}.bias`, { dtype: "F32", shape: [dModel], data: biases[layer] }],
  ]);
  await writeSafetensors(path, Object.fromEntries(tensors), { ...metadata, format: LENS_FORMAT });
}

/** What `--tuned` names besides files. */
export const SHIPPED = "embedded", NONE = "none";

/**
 * Opens the tuned lens that an option names; undefined where none is wanted. Without a choice the
 * embedded model has its own, unless an adapter changes its weights.
 *
 * @throws {UserError} if the file is no tuned lens, or one of other weights
 */
export async function openLens(
  spec: string | undefined,
  model: OpenedModel,
  signal?: AbortSignal,
): Promise<OpenedLens | undefined> {
  if (spec === NONE || spec === undefined && (!model.embedded || model.adapter)) return undefined;
  if (spec === undefined || spec === SHIPPED) {
    if (!model.embedded) {
      throw new UserError(
        `Cannot use --tuned ${SHIPPED} with ${model.name} as it belongs to ${EMBEDDED_NAME}`,
      );
    }
    using source = await openEmbeddedLens(signal);
    return await readLens(source, model);
  }
  using source = await openRandomAccess(spec);
  return await readLens(source, model);
}

async function readLens(source: RandomAccess, model: OpenedModel): Promise<OpenedLens> {
  const cannot = (requirement: string, value: string) =>
    new UserError(
      `Cannot use ${
        quote(source.label, 200)
      } as a tuned lens of ${model.name} as ${requirement}: ` +
        `current value is ${value}`,
    );
  const metadata = await readSafetensorsMetadata(source);
  if (metadata.format !== LENS_FORMAT) {
    throw cannot("it must be a file of `lens train`", quote(metadata.format ?? "none"));
  }
  const expected = await model.checkpoint.sha256();
  if (metadata.model_sha256 !== expected) {
    throw cannot(
      `it must be trained on these weights (SHA-256 ${expected.slice(0, 12)}…)`,
      `${metadata.model ?? "unnamed"}, ${(metadata.model_sha256 ?? "none").slice(0, 12)}…`,
    );
  }
  const tensors = await readSafetensors(source), { layers, dModel } = model.checkpoint.config;
  const read = async (name: string, shape: readonly number[]) => {
    const tensor = tensors.get(name);
    if (!tensor || tensor.dtype !== "F32" || `${tensor.shape}` !== `${shape}`) {
      throw cannot(
        `it must have ${quote(name)}, F32 [${shape}]`,
        tensor ? `${tensor.dtype} [${tensor.shape}]` : "none",
      );
    }
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    await source.read(tensor.start, new Uint8Array(values.buffer));
    if (!values.every(Number.isFinite)) {
      throw cannot(`${quote(name)} must hold finite numbers`, "NaN or infinite");
    }
    return values;
  };
  const matrices: Float32Array[] = [], biases: Float32Array[] = [];
  for (let layer = 0; layer < layers; layer++) {
    matrices.push(await read(`layers.${layer}.matrix`, [dModel, dModel]));
    biases.push(await read(`layers.${layer}.bias`, [dModel]));
  }
  return { matrices, biases, dModel, metadata, sha256: await sha256Of(source) };
}

async function sha256Of(source: RandomAccess): Promise<string> {
  const bytes = new Uint8Array(source.sizeBytes);
  await source.read(0, bytes);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A tuned lens on a backend. */
export class UploadedLens implements Disposable {
  readonly #translators: readonly Translator[];

  /** Uploads the maps. */
  constructor(backend: Backend, { matrices, biases, dModel }: TunedLens) {
    this.#translators = matrices.map((matrix, layer) => ({
      matrix: backend.upload(`lens.${layer}.matrix`, [dModel, dModel], matrix),
      bias: backend.upload(`lens.${layer}.bias`, [dModel], biases[layer]),
    }));
  }

  /** Of a number of blocks that have run; undefined after all of them. */
  at(layer: number): Translator | undefined {
    return this.#translators[layer];
  }

  /** Frees them. */
  [Symbol.dispose](): void {
    for (const { matrix, bias } of this.#translators) {
      matrix[Symbol.dispose]();
      bias[Symbol.dispose]();
    }
  }
}
