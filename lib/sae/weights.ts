/** What the readers of the layouts leave. */
import type { Sae, SaeConfig } from "./types.ts";

/** Weights of a file and what it says of itself, as far as it does. */
export interface Weights extends Pick<Sae, "wEnc" | "bEnc" | "wDec" | "bPre"> {
  readonly notes?: readonly string[];
  /** Where the weights tell, rather than the layout or the header. */
  readonly normalisation?: SaeConfig["normalisation"];
}
