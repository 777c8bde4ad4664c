/** The straight path that gradients are integrated along. */
import type { Metric } from "./metric.ts";
import type { PreActPath } from "./pre_act_path.ts";
import type { Capture, Edit } from "./types.ts";

/**
 * A straight path: the capture with a share of the edit made, from `from` (the baseline) to `to` (the
 * input). From the capture to a donor it is 0 to 1; from zero latents to the capture's own 1 to 0, where
 * the edit takes them away.
 */
export interface Path {
  /** The run that is edited. */
  capture: Capture;
  /** The whole of the edit. */
  edit: Edit;
  /** Share of the edit where the path begins. */
  from: number;
  /** Share of the edit where it ends. */
  to: number;
  /** What is differentiated along it. */
  metric: Metric;
  /** Goes through the pre-activations instead, choosing the k largest at every step. */
  preActs?: PreActPath;
}
