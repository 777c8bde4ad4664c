/**
 * Parts of proteins longer than ESM-2 was trained on (ProteinGym `scoring_utils.py`,
 * `compute_fitness.py`; overlapping windows: Brandes et al. 2023).
 *
 * A window is a stretch of the token row `<cls>` residues `<eos>`. As published, stretches are cut from
 * that row, so that inner ones have neither `<cls>` nor `<eos>` and, where they overlap, the two tokens at
 * a cut have full weight. Here each window is a stretch of residues with `<cls>` and `<eos>` of its own,
 * unless the published way is asked for.
 */
import { CLS, EOS } from "../esm2/alphabet.ts";

/** One window about the place, overlapping ones with weights, or the whole protein. */
export const WINDOWS = ["optimal", "overlapping", "full"] as const;
/** One of {@linkcode WINDOWS}. */
export type WindowKind = typeof WINDOWS[number];

/** Tokens of a window, its specials included. */
export const WINDOW_TOKENS = 1024;

export interface Window {
  /** Tokens `begin` to `end` (exclusive) of the whole row. */
  begin: number;
  end: number;
  /** Whether `<cls>` and `<eos>` are put around it. */
  framed: boolean;
}

/** A window and how much its opinion of a token counts. */
export interface Weighted {
  window: Window;
  weight: number;
}

export interface WindowOptions {
  kind: WindowKind;
  /** Cut windows from the token row as published. @default false */
  cropped?: boolean;
}

/**
 * The windows that a token is read from.
 *
 * @param token 1..L in a row of `tokens` = L + 2
 */
export function windowsOf(
  token: number,
  tokens: number,
  { kind, cropped = false }: WindowOptions,
): Weighted[] {
  if (kind === "full" || tokens <= WINDOW_TOKENS) {
    return [{ window: { begin: 0, end: tokens, framed: false }, weight: 1 }];
  }
  if (kind === "optimal") {
    return [{
      window: cropped ? optimalTokens(token, tokens) : optimalResidues(token, tokens),
      weight: 1,
    }];
  }
  return overlapping(tokens, cropped)
    .filter(({ begin, end }) => begin <= token && token < end)
    .map((window) => ({ window, weight: edgeWeight(localToken(window, token)) }));
}

/** The window's own row of tokens. */
export function cutWindow(ids: Int32Array, { begin, end, framed }: Window): Int32Array {
  const part = ids.subarray(begin, end);
  return framed ? Int32Array.of(CLS, ...part, EOS) : part.slice();
}

/** Where a token of the whole row lies in the window's own. */
export function localToken({ begin, framed }: Window, token: number): number {
  return token - begin + (framed ? 1 : 0);
}

/** ProteinGym's `get_optimal_window`. */
function optimalTokens(token: number, tokens: number): Window {
  const half = WINDOW_TOKENS / 2;
  if (token < half) return { begin: 0, end: WINDOW_TOKENS, framed: false };
  if (token >= tokens - half) return { begin: tokens - WINDOW_TOKENS, end: tokens, framed: false };
  return { begin: token - half, end: token + half, framed: false };
}

/** As many residues with the token in the middle, or as near to it as the ends allow. */
function optimalResidues(token: number, tokens: number): Window {
  const residues = WINDOW_TOKENS - 2;
  const begin = Math.max(1, Math.min(token - residues / 2, tokens - 1 - residues));
  return { begin, end: begin + residues, framed: true };
}

const STEP = 511;

/** Windows from both ends inwards, and one in the middle where those overlap too little. */
function overlapping(tokens: number, cropped: boolean): Window[] {
  const width = cropped ? WINDOW_TOKENS : WINDOW_TOKENS - 2;
  const first = cropped ? 0 : 1, length = cropped ? tokens : tokens - 2;
  const windows: Window[] = [];
  const add = (start: number) =>
    windows.push({ begin: first + start, end: first + start + width, framed: !cropped });
  let left = 0, right = length - width;
  for (;; left += STEP, right -= STEP) {
    add(left);
    if (right !== left) add(right);
    if (left + width - 1 > right) break;
  }
  if (left + width - right < STEP) add(Math.floor(length / 2) - width / 2);
  return windows;
}

/** Sigmoid fall-off over the outer quarter; both specials and the middle have full weight. */
function edgeWeight(t: number): number {
  const last = WINDOW_TOKENS - 2;
  if (t >= 1 && t <= 256) return 1 / (1 + Math.exp(-(t - 128) / 16));
  if (t >= last - 256 && t <= last) return 1 / (1 + Math.exp((t - last + 128) / 16));
  return 1;
}
