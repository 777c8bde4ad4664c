import { UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { configFromFairEsm, type Esm2Config } from "./config.ts";
import { PickleRecord, type PickleValue } from "./pickle_values.ts";
import type { StoredTensor } from "./stored_tensor.ts";
import type { TorchFile } from "./torch.ts";
import { addStateDict, readWeightFile } from "./weight_file.ts";

/** Whether a torch file has fair-esm's layout: a "model" dict next to its configuration. */
export function isFairEsm(root: PickleValue): root is Map<PickleValue, PickleValue> {
  return root instanceof Map && root.get("model") instanceof Map;
}

/**
 * Reads {"cfg": {"model": Namespace}, "model": state dict}.
 *
 * @throws {UserError} if it is an ESM-1 file, which has "args" in place of "cfg"
 */
export async function readFairEsm(
  label: string,
  file: TorchFile,
  tensors: Map<string, StoredTensor>,
): Promise<Esm2Config> {
  const root = file.root as Map<PickleValue, PickleValue>;
  const cfg = root.get("cfg");
  const model = cfg instanceof Map ? cfg.get("model") : undefined;
  const fields = model instanceof PickleRecord ? model.fields : model;
  if (!(fields instanceof Map)) {
    const hint = root.has("args")
      ? `it has "args", as ESM-1b and ESM-1v, which are not supported`
      : "it has none (a contact head is read with the model it stands beside)";
    throw new UserError(`Cannot open ${label} as an ESM-2 file must hold "cfg": ${hint}`);
  }
  const config = configFromFairEsm((name) => fields.get(name), label);
  await addStateDict(label, file, root.get("model"), tensors);
  return config;
}

/** Path of the contact head that fair-esm stores beside a model. */
export function contactPath(path: string): string {
  return path.replace(/\.[^./\\]*$/, "") + "-contact-regression.pt";
}

/** Adds the two tensors of a contact head file. @throws {UserError} if it is none */
export async function addContactHead(
  source: RandomAccess,
  tensors: Map<string, StoredTensor>,
): Promise<void> {
  const weights = await readWeightFile(source);
  const head = new Map<string, StoredTensor>();
  if (weights.kind === "torch" && isFairEsm(weights.file.root)) {
    await addStateDict(source.label, weights.file, weights.file.root.get("model"), head);
  }
  const names = ["contact_head.regression.weight", "contact_head.regression.bias"];
  for (const name of names) {
    const tensor = head.get(name);
    if (tensor === undefined) {
      throw new UserError(`Cannot read ${source.label} as it must hold ${name}: it is absent`);
    }
    tensors.set(name, tensor);
  }
}
