/** Latents that stand beside the patched ones, for comparison. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import type { Candidate } from "./edits.ts";
import type { LatentSpace } from "./latent_space.ts";
import { STREAMS } from "./sample.ts";

/**
 * Controls of a patch: no change; other latents of equal move; directions of equal length; latents
 * that hardly move.
 */
export const CONTROLS = ["noop", "random", "displaced", "stable"] as const;
/**
 * `noop`: the value that is there already. `random`: another latent drawn among those whose change is
 * similar. `displaced`: any latent at all, moved so that the residual stream moves as far. `stable`: the
 * latents that change least (a published tool calls them random).
 */
export type Control = typeof CONTROLS[number];

/** A control and the latent that it is compared with. */
export interface Matched extends Candidate {
  of: Candidate;
}

/** Changes within this factor of each other are similar. */
const SIMILAR = 2;

/** Where too few are similar, one of this many nearest is drawn. */
const NEAREST = 5;

/** Draws of one analysis: a seed and the number of the mutation. */
export interface Draw {
  /** Of the draw. */
  seed: number;
  /** Number of the mutation, so that each has draws of its own. */
  trial: number;
}

/**
 * For each chosen latent another one, drawn without repeats among those whose |delta| is within a factor
 * of 2 of it, or among the 5 nearest where there is none; none where all that change are chosen.
 *
 * @param candidates all that may move, the chosen ones included
 */
export function randomControls(
  candidates: readonly Candidate[],
  chosen: readonly Candidate[],
  { seed, trial }: Draw,
): Matched[] {
  const stream = new PhiloxStream(seed, STREAMS.control);
  const taken = new Set(chosen.map(keyOf));
  let left = candidates.filter((one) => one.delta !== 0 && !taken.has(keyOf(one)));
  const found: Matched[] = [];
  chosen.forEach((of, draw) => {
    if (left.length === 0 || of.delta === 0) return;
    const distance = (one: Candidate) => Math.abs(Math.log(Math.abs(one.delta / of.delta)));
    const similar = left.filter((one) => distance(one) <= Math.log(SIMILAR));
    const pool = similar.length > 0
      ? similar
      : left.toSorted((a, b) => distance(a) - distance(b)).slice(0, NEAREST);
    const drawn = pool[stream.below(pool.length, trial, draw)];
    left = left.filter((one) => one !== drawn);
    found.push({ ...drawn, of });
  });
  return found;
}

/** For each chosen latent any other of the autoencoder, moved as far in the residual stream. */
export function displacedControls(
  space: LatentSpace,
  chosen: readonly Candidate[],
  { seed, trial }: Draw,
): Matched[] {
  const stream = new PhiloxStream(seed, STREAMS.displaced);
  const { norms } = space;
  const taken = new Set(chosen.map(({ latent }) => latent));
  const free = Array.from({ length: space.latents }, (_, j) => j)
    .filter((j) => !taken.has(j) && norms[j] > 0);
  if (free.length === 0) return [];
  return chosen.map((of, draw) => {
    const latent = free[stream.below(free.length, trial, draw)];
    return { token: of.token, latent, delta: of.delta * norms[of.latent] / norms[latent], of };
  });
}

/** The latents that change least among those active in either state. */
export function stableControls(
  candidates: readonly Candidate[],
  chosen: readonly Candidate[],
): Matched[] {
  const taken = new Set(chosen.map(keyOf));
  return candidates.filter((one) => !taken.has(keyOf(one)))
    .toSorted((a, b) => Math.abs(a.delta) - Math.abs(b.delta))
    .slice(0, chosen.length)
    .map((one, i) => ({ ...one, of: chosen[i] }));
}

const keyOf = ({ token, latent }: Candidate) => `${token}:${latent}`;
