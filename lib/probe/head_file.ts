/** A trained read-out as a file, with a card. */
import { isDType } from "../checkpoint/dtype.ts";
import { readSafetensors, readSafetensorsMetadata } from "../checkpoint/safetensors.ts";
import { elementCount, readStoredTensor, shapeText } from "../checkpoint/stored_tensor.ts";
import { writeSafetensors } from "../checkpoint/write_safetensors.ts";
import { hashSource } from "../checkpoint/checkpoint.ts";
import { LONG_CHOICES, type LongChoice } from "../embed/embed.ts";
import { TOKEN_POOLS, type TokenPool } from "../embed/pool.ts";
import { quote, UserError } from "../errors.ts";
import type { StreamPlace } from "../esm2/mod.ts";
import { openRandomAccess } from "../io/random_access.ts";
import { outputsOf } from "./logistic.ts";
import type { ProbeHead } from "./fit.ts";
import type { Problem } from "./types.ts";

/** `format` in the header of the file. */
export const PROBE_FORMAT = "esmscope-probe";

/** What a head reads and says. */
export interface HeadFile {
  readonly head: ProbeHead;
  readonly kind: Problem["kind"];
  readonly per: Problem["per"];
  readonly classes: readonly string[];
  readonly label: string;
  /** Whether it reads the stream, or latents of an autoencoder there. */
  readonly on: "layer" | "sae";
  readonly place: StreamPlace;
  readonly pool?: TokenPool;
  readonly long: LongChoice;
  readonly window: number;
  readonly model: { name: string; sha256: string };
  /** The autoencoder's file. */
  readonly sae?: { name: string; sha256: string; embedScale: string };
}

/** Creates or replaces a head. @param more further facts as texts */
export async function writeHead(
  path: string,
  file: HeadFile,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { head: { weights, bias, scale }, classes, place, pool, model, sae } = file;
  const outputs = bias.length, width = scale.mean.length;
  await writeSafetensors(
    path,
    {
      weight: { dtype: "F32", shape: [outputs, width], data: Float32Array.from(weights) },
      bias: { dtype: "F32", shape: [outputs], data: Float32Array.from(bias) },
      mean: { dtype: "F64", shape: [width], data: scale.mean },
      sd: { dtype: "F64", shape: [width], data: scale.sd },
    },
    {
      ...more,
      format: PROBE_FORMAT,
      kind: file.kind,
      per: file.per,
      classes: JSON.stringify(classes),
      label: file.label,
      on: file.on,
      layer: String(place),
      ...(pool && { pool }),
      long: file.long,
      window: String(file.window),
      model: model.name,
      model_sha256: model.sha256,
      ...(sae && { sae: sae.name, sae_sha256: sae.sha256, embed_scale: sae.embedScale }),
    },
  );
}

/**
 * Reads a head.
 *
 * @throws {UserError} if the file is none, or what it says does not fit together
 */
export async function readHead(path: string): Promise<HeadFile & { sha256: string }> {
  using source = await openRandomAccess(path);
  const metadata = await readSafetensorsMetadata(source), tensors = await readSafetensors(source);
  const refuse = (requirement: string, current: string): never => {
    throw new UserError(
      `Cannot read ${quote(path, 200)} as a probe's head must have ${requirement}: ` +
        `current value is ${current}`,
    );
  };
  if (metadata.format !== PROBE_FORMAT) {
    refuse(`the format ${PROBE_FORMAT} in its header`, quote(metadata.format ?? "none"));
  }
  const read = async (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor || !isDType(tensor.dtype)) return refuse(`the tensor ${name}`, "none");
    return { values: await readStoredTensor(tensor), tensor };
  };
  const one = <T extends string>(name: string, choices: readonly T[]): T => {
    const found = choices.find((choice) => choice === metadata[name]);
    return found ?? refuse(`${name} among ${choices.join(", ")}`, quote(metadata[name] ?? "none"));
  };
  const kind = one("kind", ["classes", "numbers"]), classes = classesOf(metadata.classes);
  if ((kind === "classes") !== classes.length > 1) {
    refuse("two classes or more where it tells classes", quote(metadata.classes ?? "none"));
  }
  const weight = await read("weight"), bias = await read("bias");
  const mean = await doubles("mean"), sd = await doubles("sd");
  async function doubles(name: string) {
    const tensor = tensors.get(name);
    if (tensor?.dtype !== "F64") {
      return refuse(`the tensor ${name} of F64`, tensor?.dtype ?? "none");
    }
    const bytes = new Uint8Array(8 * elementCount(tensor.shape));
    await tensor.source.read(tensor.start, bytes);
    return new Float64Array(bytes.buffer);
  }
  const outputs = kind === "numbers" ? 1 : outputsOf(classes.length);
  const [rows, width] = weight.tensor.shape;
  const fits = rows === outputs && bias.values.length === outputs && mean.length === width &&
    sd.length === width;
  if (!fits) {
    refuse(
      `a weight [${outputs}, D] with bias, mean and sd to match`,
      shapeText(weight.tensor.shape),
    );
  }
  const { layer, pool, window, model, model_sha256, sae, sae_sha256, embed_scale } = metadata;
  const isLayer = layer === "last" || /^\d+$/.test(layer ?? "");
  if (!isLayer) refuse("a layer in its header", quote(layer ?? "none"));
  const on = one("on", ["layer", "sae"]);
  return {
    head: {
      weights: Float64Array.from(weight.values),
      bias: Float64Array.from(bias.values),
      scale: { mean, sd },
    },
    ...{ kind, classes, on },
    per: one("per", ["protein", "residue"]),
    label: metadata.label ?? "label",
    place: layer === "last" ? "last" : Number(layer),
    ...(pool !== undefined && { pool: one("pool", TOKEN_POOLS) }),
    long: one("long", LONG_CHOICES),
    window: Number(window),
    model: { name: model ?? "", sha256: model_sha256 ?? "" },
    ...(sae_sha256 !== undefined && {
      sae: { name: sae ?? "", sha256: sae_sha256, embedScale: embed_scale ?? "hf" },
    }),
    sha256: await hashSource(source),
  };
}

function classesOf(text: string | undefined): string[] {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
}

/** @throws {UserError} if a head is of another model */
export function checkModel(
  { model }: HeadFile,
  { name, sha256 }: { name: string; sha256: string },
): void {
  if (model.sha256 === sha256) return;
  throw new UserError(
    `Cannot apply the probe as it must read the model that it was trained on, ${model.name} ` +
      `(sha256 ${model.sha256.slice(0, 12)}…): current value is ${name} (${sha256.slice(0, 12)}…)`,
  );
}
