/**
 * Which context a predicted contact needs (Zhang et al. 2024, 10.1073/pnas.2406285121): everything is
 * masked but two secondary structure elements, then residues are unmasked around them, or at random.
 */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { MASK } from "../esm2/alphabet.ts";
import type {
  MotifMode,
  MotifOptions,
  MotifResult,
  RecoveryPoint,
  Segment,
  SegmentPair,
} from "./motif_types.ts";
import type { Predictor, RunOptions } from "./predict.ts";

/** Shortest elements that count (the paper: strands of more than 3, helices of more than 7). */
const SHORTEST = { E: 4, H: 8 };
/** Half width of the 11 × 11 patch about the two centres. */
const REACH = 5;
/** Random positions of the far control are at least so far from both segments. */
const FAR = 30;
const RECOVERED = 0.5;
const JUMP = 0.5, JUMP_WINDOW = 10, DROP = 0.2, DROP_STEPS = 2;

/** Helices and strands of a string of H, E and others. */
export function segmentsOf(secondary: string): Segment[] {
  return [...secondary.matchAll(/H+|E+/g)].map(({ 0: run, index }): Segment => ({
    kind: run[0] as "H" | "E",
    begin: index,
    end: index + run.length,
  })).filter(({ kind, begin, end }) => end - begin >= SHORTEST[kind]);
}

const centre = ({ begin, end }: Segment) => Math.floor((begin + end - 1) / 2);

/** Pairs of segments far enough apart, by falling weight of their patch in a map f32[L, L]. */
export function segmentPairs(
  segments: readonly Segment[],
  map: Float32Array,
  separation: number,
): SegmentPair[] {
  const pairs = segments.flatMap((second, s) =>
    segments.slice(0, s)
      .filter((first) => centre(second) - centre(first) >= separation)
      .map((first) => ({ first, second, weight: sumOver(map, map, first, second, (x) => x) }))
  );
  return pairs.sort((a, b) => b.weight - a.weight);
}

/** Σ f(x, y) over the patch of two maps. */
function sumOver(
  x: Float32Array,
  y: Float32Array,
  first: Segment,
  second: Segment,
  f: (x: number, y: number) => number,
): number {
  const length = Math.sqrt(x.length);
  const span = (at: number) => [Math.max(0, at - REACH), Math.min(length - 1, at + REACH)];
  const [top, bottom] = span(centre(first)), [left, right] = span(centre(second));
  let sum = 0;
  for (let i = top; i <= bottom; i++) {
    for (let j = left; j <= right; j++) sum += f(x[i * length + j], y[i * length + j]);
  }
  return sum;
}

export function recovery(original: Float32Array, found: Float32Array, pair: SegmentPair): number {
  const { first, second } = pair;
  return sumOver(original, found, first, second, (x, y) => x * y) /
    sumOver(original, original, first, second, (x) => x * x);
}

/** Residues that a step leaves visible: flags u8[L]. */
export function visible(
  length: number,
  { first, second }: SegmentPair,
  flank: number,
): Uint8Array {
  const flags = new Uint8Array(length);
  for (const { begin, end } of [first, second]) {
    flags.fill(1, Math.max(0, begin - flank), Math.min(length, end + flank));
  }
  return flags;
}

/** Residues outside both segments in random order, at least `far` away from them. */
function randomOrder(
  length: number,
  pair: SegmentPair,
  far: number,
  stream: PhiloxStream,
  draw: number,
): number[] {
  const near = visible(length, pair, Math.max(0, far - 1));
  const others = [...near].flatMap((flag, i) => flag ? [] : [i]);
  for (let i = others.length - 1; i > 0; i--) {
    const j = stream.below(i + 1, draw, i);
    [others[i], others[j]] = [others[j], others[i]];
  }
  return others;
}

/** The states to run: which residues are visible at each step of each curve. */
export function motifSteps(
  length: number,
  pair: SegmentPair,
  { step, seed }: MotifOptions,
  draw: number,
): { mode: MotifMode; flank: number; flags: Uint8Array }[] {
  const stream = new PhiloxStream(seed);
  const base = visible(length, pair, 0), alone = count(base);
  const steps: { mode: MotifMode; flank: number; flags: Uint8Array }[] = [];
  const orders = {
    random: randomOrder(length, pair, 0, stream, 2 * draw),
    random_far: randomOrder(length, pair, FAR, stream, 2 * draw + 1),
  };
  for (let flank = 0;; flank += step) {
    const flags = visible(length, pair, flank), extra = count(flags) - alone;
    steps.push({ mode: "flanks", flank, flags });
    for (const mode of ["random", "random_far"] as const) {
      // The control ends where it has no residue left to unmask.
      if (extra > orders[mode].length) continue;
      const own = base.slice();
      for (const i of orders[mode].slice(0, extra)) own[i] = 1;
      steps.push({ mode, flank, flags: own });
    }
    if (count(flags) === length) return steps;
  }
}

const count = (flags: Uint8Array) => flags.reduce((sum, flag) => sum + flag, 0);

/** First step after which recovery rises by half within ten residues, and whether the rise lasts. */
export function findJump(curve: readonly RecoveryPoint[]): MotifResult["jump"] {
  for (const [i, { flank, recovery: before }] of curve.entries()) {
    const at = curve.findIndex((point, j) =>
      j > i && point.flank - flank <= JUMP_WINDOW && point.recovery - before >= JUMP
    );
    if (at < 0) continue;
    let low = 0, keeps = true;
    for (const point of curve.slice(at)) {
      low = point.recovery < curve[at].recovery - DROP ? low + 1 : 0;
      if (low >= DROP_STEPS) keeps = false;
    }
    return { flank: curve[at].flank, keeps };
  }
}

/**
 * Runs the experiment on one protein.
 *
 * @param row token ids of the whole sequence
 * @param original its map f32[L, L]
 */
export async function runMotif(
  predictor: Predictor,
  row: Int32Array,
  original: Float32Array,
  secondary: string,
  options: MotifOptions,
  { onTotal, onProgress, signal }: RunOptions & { onTotal?: (runs: number) => void } = {},
): Promise<MotifResult[]> {
  const length = row.length - 2;
  const pairs = segmentPairs(segmentsOf(secondary), original, options.separation)
    .slice(0, options.pairs);
  const planned = pairs.map((pair, p) => motifSteps(length, pair, options, p));
  onTotal?.(planned.reduce((sum, steps) => sum + steps.length, 0));
  const results: MotifResult[] = [];
  let before = 0;
  for (const [p, pair] of pairs.entries()) {
    const steps = planned[p];
    const curves: MotifResult["curves"] = { flanks: [], random: [], random_far: [] };
    // A few maps at a time: all of them would be L maps of L × L.
    const most = 32;
    for (let begin = 0; begin < steps.length; begin += most) {
      signal?.throwIfAborted();
      const own = steps.slice(begin, begin + most);
      const maps = await predictor.maps(own.map(({ flags }) => masked(row, flags)), { signal });
      own.forEach(({ mode, flank, flags }, i) =>
        curves[mode].push({
          flank,
          unmasked: count(flags),
          recovery: recovery(original, maps[i], pair),
        })
      );
      onProgress?.(before + begin + own.length);
    }
    before += steps.length;
    const recovered = curves.flanks.find((point) => point.recovery >= RECOVERED);
    const jump = findJump(curves.flanks);
    const minimalLength = recovered?.unmasked ?? NaN;
    results.push({ pair, curves, ...(jump && { jump }), minimalLength });
  }
  return results;
}

function masked(row: Int32Array, flags: Uint8Array): Int32Array<ArrayBuffer> {
  return Int32Array.from(row, (id, t) => t > 0 && t <= flags.length && !flags[t - 1] ? MASK : id);
}
