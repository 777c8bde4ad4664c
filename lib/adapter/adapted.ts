/** A checkpoint as an adapter changes it. */
import { createHash } from "node:crypto";
import { configText } from "../checkpoint/config.ts";
import { showAs } from "../display.ts";
import type { Checkpoint, EsmTensorName } from "../checkpoint/mod.ts";
import { elementCount } from "../checkpoint/stored_tensor.ts";
import { UserError } from "../errors.ts";
import { type Adapter, fitAdapter, mergedBias, mergedWeight, scaleIn } from "./adapter.ts";

/** What stands between the names of a model and of its adapter. */
const AND = "+";

/** What a model with an adapter is called. */
export const adaptedName = (model: string, { name }: Pick<Adapter, "name">): string =>
  `${model}${AND}${name}`;

/**
 * The checkpoint with the adapter's weights merged into its own, which are computed in double precision and
 * rounded when they are read. Disposing of it closes the checkpoint.
 *
 * @param model what people call the checkpoint. @default its own name
 * @throws {UserError} if the adapter does not belong to a model of this shape
 */
export function adapted(
  checkpoint: Checkpoint,
  adapter: Adapter,
  model: string = checkpoint.name,
): Checkpoint {
  const notes = fitAdapter(adapter, checkpoint.config, model);
  const { lora, replaced } = adapter, tensors = new Map(checkpoint.tensors);
  const untied = lora.has("lm_head") || replaced.has("lm_head.weight");
  if (untied && !tensors.has("lm_head.weight")) {
    tensors.set("lm_head.weight", { ...tensors.get("embed_tokens.weight")!, origin: "stored" });
  }
  if (lora.has("contact_head.regression") && !tensors.has("contact_head.regression.weight")) {
    throw new UserError(
      `Cannot use ${adapter.folder} with ${model} as it changes the contact head, so that the model ` +
        "must have one: it has none",
    );
  }
  const name = adaptedName(model, adapter);
  /** As the base has it, or the adapter in its place. */
  const base = async (tensor: EsmTensorName, into?: Float32Array): Promise<Float32Array> => {
    const own = replaced.get(tensor)?.values;
    if (own) {
      if (!into) return own.slice();
      into.set(own);
      return into.subarray(0, own.length);
    }
    const isTied = tensor === "lm_head.weight" && !checkpoint.tensors.has(tensor);
    return isTied ? await base("embed_tokens.weight", into) : await checkpoint.read(tensor, into);
  };
  let hash: Promise<string> | undefined;
  const found: Checkpoint = {
    name,
    config: checkpoint.config,
    format: checkpoint.format,
    files: [...checkpoint.files, ...adapter.files],
    tensors,
    notes: [...checkpoint.notes, ...adapter.notes, ...notes],
    async read(tensor, into) {
      const values = await base(tensor, into);
      const [, linear, part] = /^(.+)\.(weight|bias)$/.exec(tensor) ?? [];
      const own = linear === undefined ? undefined : lora.get(linear);
      if (!own || !tensors.has(tensor)) return values;
      const scale = scaleIn(adapter, linear);
      if (part === "bias") return own.bBias ? mergedBias(values, own, scale, values) : values;
      return mergedWeight(
        values.subarray(0, elementCount(tensors.get(tensor)!.shape)),
        own,
        scale,
        values,
      );
    },
    sha256: () =>
      hash ??= checkpoint.sha256().then((own) =>
        createHash("sha256").update(`${own}\n${adapter.sha256}\n`).digest("hex")
      ),
    [Symbol.dispose]: () => checkpoint[Symbol.dispose](),
  };
  return showAs(found, {
    text: () => `Checkpoint ${name}: ${configText(checkpoint.config)}, with an adapter`,
  });
}
