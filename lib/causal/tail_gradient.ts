/** The blocks after an autoencoder and the head, differentiated by the engine. */
import type { Esm2 } from "../esm2/mod.ts";
import type { SaeConfig } from "../sae/types.ts";
import type { TailGradient } from "./gradients.ts";

export function openTailGradient(
  _esm: Esm2,
  _config: Pick<SaeConfig, "depth" | "afterFinalNorm">,
  _signal?: AbortSignal,
): TailGradient {
  throw new Error("not yet");
}
