/** How a file of dictionary_learning's family says which latents stay. */
import { UserError } from "../../errors.ts";
import { readScalar, readWeights, type StoredSae } from "../stored.ts";
import type { SaeFile } from "./format.ts";

/** k, or what a pre-activation must exceed; neither where all that are positive stay. */
export interface Activation extends Pick<SaeFile, "k" | "threshold"> {
  notes: readonly string[];
}

/**
 * Reads `k` and `threshold`.
 *
 * TopK and BatchTopK hold both. When it is used, BatchTopK has no batch: latents above the stored
 * threshold stay; below zero it was never measured. Which of the two a file is only its path or its
 * config tells; otherwise the threshold counts, as `--k` can still ask for the other.
 */
export async function readActivation(stored: StoredSae, latents: number): Promise<Activation> {
  const k = await readScalar(stored, "k");
  if (!stored.tensors.has("threshold")) return k === undefined ? none : topK(stored, k);
  const { shape } = stored.tensors.get("threshold")!;
  if (shape.length === 1 && shape[0] === latents && latents > 1) {
    return { threshold: await readWeights(stored, "threshold", [latents]), notes: [] };
  }
  const value = (await readWeights(stored, "threshold", shape.length === 0 ? [] : [1]))[0];
  if (k !== undefined && (value < 0 || await isTopK(stored))) return topK(stored, k);
  const said = `Latents above the threshold ${Number(value.toPrecision(4))} of the file stay` +
    (k === undefined ? "." : `, as in BatchTopK; --k ${k} keeps the ${k} largest, as in TopK.`);
  return { threshold: new Float32Array(latents).fill(value), notes: [said] };
}

const none: Activation = { notes: [] };

function topK({ label }: StoredSae, value: number): Activation {
  if (Number.isInteger(value) && value >= 1) return { k: { value, from: "file" }, notes: [] };
  throw new UserError(
    `Cannot read ${label} as its k must be a whole number from 1 on: current value is ${value}`,
  );
}

async function isTopK(stored: StoredSae): Promise<boolean> {
  const config = await stored.beside("config.json") as { trainer?: { dict_class?: unknown } };
  const said = config?.trainer?.dict_class ?? stored.label.split(/[\\/]/).slice(-4).join("/");
  return /top_?-?k/i.test(String(said)) && !/batch/i.test(String(said));
}
