/** What is put in the place of a sequence's latents. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import type { LatentSpace } from "./latent_space.ts";
import { STREAMS } from "./sample.ts";
import { rowDeltas } from "./sparse.ts";
import type { Capture, Edit, TokenEdit } from "./types.ts";

/** What latents are replaced by. */
export const REPLACEMENTS = ["patch", "zero", "mean", "resample"] as const;
/** What latents are replaced by: another run's, zero, their mean, or those of another token. */
export type Replacement = typeof REPLACEMENTS[number];

/**
 * The edit that gives tokens of `base` the latents of `donor`, at the scale of `base`.
 *
 * @param withError also patches the error term: all that distinguishes the donor's residual stream from
 *   the base's and is not its latents, the tokens' scale included; the token then becomes the donor's
 */
export function donorEdit(
  space: LatentSpace,
  base: Capture,
  donor: Capture,
  tokens: readonly number[],
  withError = false,
): Edit {
  const { dModel } = space;
  return tokens.map((token) => {
    const edit = { token, ...rowDeltas(base.latents, token, donor.latents, token) };
    if (!withError) return edit;
    const residual = space.displacement(base, edit).slice();
    for (let d = 0; d < dModel; d++) {
      const at = token * dModel + d;
      residual[d] = donor.hidden[at] - base.hidden[at] - residual[d];
    }
    return { ...edit, residual };
  });
}

/** The edit that switches every latent of some tokens off. */
export function zeroEdit({ latents }: Capture, tokens: readonly number[]): Edit {
  return tokens.map((token) => {
    const begin = latents.offsets[token], end = latents.offsets[token + 1];
    return {
      token,
      indices: latents.indices.slice(begin, end),
      deltas: Float64Array.from(latents.values.subarray(begin, end), (value) => -value),
    };
  });
}

/** The edit that gives every latent of some tokens its mean. @param means f64[F] */
export function meanEdit(
  { latents }: Capture,
  tokens: readonly number[],
  means: Float64Array,
): Edit {
  return tokens.map((token) => {
    const moved = means.slice();
    for (let i = latents.offsets[token]; i < latents.offsets[token + 1]; i++) {
      moved[latents.indices[i]] -= latents.values[i];
    }
    const indices = Uint32Array.from(moved.keys()).filter((j) => moved[j] !== 0);
    return { token, indices, deltas: Float64Array.from(indices, (j) => moved[j]) };
  });
}

/** f64[F], mean activations over the residues of some sequences; `<cls>` and `<eos>` do not count. */
export function meanActivations(captures: readonly Capture[]): Float64Array {
  const means = new Float64Array(captures[0].latents.latents);
  let residues = 0;
  for (const { latents } of captures) {
    for (let i = latents.offsets[1]; i < latents.offsets[latents.rows - 1]; i++) {
      means[latents.indices[i]] += latents.values[i];
    }
    residues += latents.rows - 2;
  }
  return means.map((sum) => sum / residues);
}

/**
 * The edit that gives each of some tokens the latents of another residue of the same sequence.
 *
 * @param trial number of the drawing; each has residues of its own, the same for the same seed
 */
export function resampleEdit(
  { latents }: Capture,
  tokens: readonly number[],
  seed: number,
  trial: number,
): Edit {
  const residues = latents.rows - 2;
  const stream = new PhiloxStream(seed, STREAMS.resample);
  return tokens.map((token) => {
    const isResidue = token >= 1 && token <= residues;
    // One of the others: numbers from the token's own on stand for the next.
    const others = isResidue ? residues - 1 : residues;
    if (others === 0) return { token, ...rowDeltas(latents, token, latents, token) };
    const drawn = 1 + stream.below(others, trial, token);
    const from = isResidue && drawn >= token ? drawn + 1 : drawn;
    return { token, ...rowDeltas(latents, token, latents, from) };
  });
}

/** A sequence whose error term is gone at some tokens: their residual stream is the reconstruction. */
export function dropError(
  space: LatentSpace,
  capture: Capture,
  tokens: readonly number[],
): Capture {
  const hidden = capture.hidden.slice();
  for (const token of tokens) hidden.set(space.decodeToken(capture, token), token * space.dModel);
  return { ...capture, hidden };
}

/** One latent at one token. */
export interface Candidate {
  /** 0-based, `<cls>` first. */
  token: number;
  /** 0-based. */
  latent: number;
  /** How far its activation moves. */
  delta: number;
}

/** Latents of an edit, those that move most first; ties by token and number. */
export function candidatesOf(edit: Edit): Candidate[] {
  const all: Candidate[] = [];
  for (const { token, indices, deltas } of edit) {
    indices?.forEach((latent, i) => all.push({ token, latent, delta: deltas![i] }));
  }
  return all.sort((a, b) =>
    Math.abs(b.delta) - Math.abs(a.delta) || a.token - b.token || a.latent - b.latent
  );
}

/** The edit that moves some latents and nothing else. */
export function editOf(candidates: readonly Candidate[]): Edit {
  const byToken = new Map<number, Candidate[]>();
  for (const one of candidates) {
    const list = byToken.get(one.token);
    if (list) list.push(one);
    else byToken.set(one.token, [one]);
  }
  return [...byToken].map(([token, list]): TokenEdit => ({
    token,
    indices: Uint32Array.from(list, ({ latent }) => latent),
    deltas: Float64Array.from(list, ({ delta }) => delta),
  }));
}
