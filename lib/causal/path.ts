/**
 * The path that gradients are integrated along: straight, or through pre-activations: between two states they move in straight lines, and at every step
 * the k largest are chosen anew. Where a latent enters or leaves the stream jumps, so attributions do not
 * add up to the metric's change: the gap tells by how much.
 */
import { selectTopK } from "../../kernels/topk_sae_encode/mod.ts";
import type { SaeCoder } from "../sae/coder.ts";
import type { TokenScale } from "../sae/types.ts";
import type { Metric } from "./metric.ts";
import { activation } from "./sparse.ts";
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

/** Pre-activations of the edit's tokens at both ends, f32[tokens, F] in the edit's order. */
export interface PreActPath {
  /** Pre-activations where the path begins. */
  start: Float32Array;
  /** Pre-activations where it ends. */
  end: Float32Array;
  /** Latents that stay; all that are positive without it, or above the threshold. */
  k?: number;
  /** f32[F], where latents are active above one of their own. */
  threshold?: Float32Array;
}

/** Pre-activations f32[places, F] of tokens of captures, and their scale. */
export async function readPreActs(
  coder: SaeCoder,
  places: readonly { capture: Capture; token: number }[],
): Promise<{ values: Float32Array; scale: TokenScale }> {
  const { backend, sae: { config: { dModel } } } = coder;
  const rows = new Float32Array(places.length * dModel);
  places.forEach(({ capture: { hidden }, token }, i) =>
    rows.set(hidden.subarray(token * dModel, (token + 1) * dModel), i * dModel)
  );
  using tensor = backend.upload("hidden of tokens", [places.length, dModel], rows);
  const { preActs, scale } = await coder.preActs(tensor);
  using _ = preActs;
  return { values: await preActs.read(), scale };
}

/** Pre-activations of some tokens of two captures. */
export async function preActPath(
  coder: SaeCoder,
  from: Capture,
  to: Capture,
  tokens: readonly number[],
): Promise<PreActPath> {
  const { config: { k }, threshold } = coder.sae;
  const read = async (capture: Capture) =>
    (await readPreActs(coder, tokens.map((token) => ({ capture, token })))).values;
  return {
    start: await read(from),
    end: await read(to),
    ...(k !== undefined && { k }),
    ...(threshold && { threshold }),
  };
}

/** Latents of a token that stay, ascending. @param acts f32[F] */
export function activeOf(
  acts: Float32Array,
  { k, threshold }: Pick<PreActPath, "k" | "threshold">,
): Uint32Array {
  const chosen = k === undefined
    ? Uint32Array.from(acts.keys())
    : selectTopK(acts, 1, acts.length, k).topIndices.slice().sort();
  return chosen.filter((j) => acts[j] > Math.max(threshold?.[j] ?? 0, 0));
}

/** The state at a place of the path as an edit of the capture, and the active latents of each token. */
export function preActState(
  path: PreActPath,
  { latents }: Capture,
  edit: Edit,
  alpha: number,
): { edit: Edit; active: Uint32Array[] } {
  const { start, end } = path, count = latents.latents;
  const active: Uint32Array[] = [];
  const state = edit.map(({ token, residual }, i) => {
    const acts = Float32Array.from(
      { length: count },
      (_, j) => (1 - alpha) * start[i * count + j] + alpha * end[i * count + j],
    );
    const own = activeOf(acts, path);
    active.push(own);
    const before = latents.indices.slice(latents.offsets[token], latents.offsets[token + 1]);
    const all = Uint32Array.from(new Set([...own, ...before])).sort();
    const isActive = new Set(own);
    return {
      token,
      indices: all,
      deltas: Float64Array.from(
        all,
        (j) => (isActive.has(j) ? acts[j] : 0) - activation(latents, token, j),
      ),
      ...(residual && { residual: residual.map((value) => alpha * value) }),
    };
  });
  return { edit: state, active };
}
