/**
 * Which context a predicted contact needs (Zhang et al. 2024, 10.1073/pnas.2406285121, as the
 * notebooks `contact_recovery/01` to `15` of zzhangzzhang/pLMs-interpretability have it): all is masked
 * but 22 residues, then residues are unmasked outward of them, or as many at random.
 */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { MASK } from "../esm2/alphabet.ts";
import type {
  Element,
  MotifMode,
  MotifOptions,
  MotifResult,
  MotifUnit,
  RecoveryPoint,
  Span,
} from "./motif_types.ts";
import type { Predictor, RunOptions } from "./predict.ts";

/** Shortest elements that count: strands of more than 3, helices of more than 7 residues. */
const SHORTEST = { E: 4, H: 8 };
/** Residues of a block on either side of an element's centre, and of a stretch on the diagonal. */
const REACH = 5, STRETCH = 22;
/** Residues that must lie between blocks and either end, so that there are flanks to unmask. */
const MARGIN = 10;
/** Pairs beyond this distance are a figure of their own. */
const LONG = 100;
/** Random positions of the far control are farther than this from every block. */
const FAR = 30;
/** Contacts are recovered above this. */
export const RECOVERED = 0.5;
const JUMP = 0.5, JUMP_STEPS = 10, DROP = 0.2, MOST_DROPS = 2;
/** Stream of the seed that this experiment draws from. */
const STREAM = 0x307f;

/** Helices and strands of a string of H, E and others. */
export function elementsOf(secondary: string): Element[] {
  return [...secondary.matchAll(/H+|E+/g)].map(({ 0: run, index }): Element => ({
    kind: run[0] as "H" | "E",
    begin: index,
    end: index + run.length,
  })).filter(({ kind, begin, end }) => end - begin >= SHORTEST[kind]);
}

/** The middle residue, the later one of two. */
export const centreOf = ({ begin, end }: Span): number => Math.floor((begin + end) / 2);

const blockAbout = (centre: number): Span => ({ begin: centre - REACH, end: centre + REACH + 1 });

/** Pairs of elements that qualify, in order of the sequence. */
export function pairsOf(
  elements: readonly Element[],
  map: Float32Array,
  { separation, pairContacts }: Pick<MotifOptions, "separation" | "pairContacts">,
): MotifUnit[] {
  const length = Math.sqrt(map.length);
  return elements.flatMap((first, f) =>
    elements.slice(f + 1).flatMap((second): MotifUnit[] => {
      const from = centreOf(first), to = centreOf(second);
      const blocks = [blockAbout(from), blockAbout(to)] as const;
      if (to - from <= separation || room(blocks, length) <= MARGIN) return [];
      const weight = sumOver(blocks, length, (at) => map[at]);
      if (!(weight > pairContacts)) return [];
      const set = separation >= LONG
        ? `pair_${separation}`
        : to - from > LONG
        ? `pair_${LONG}`
        : `pair_${separation}_${LONG}`;
      return [{ set, blocks, elements: [first, second], weight }];
    })
  );
}

/** Stretches on the diagonal that qualify, in order of the sequence. */
export function stretchesOf(map: Float32Array, least: number): MotifUnit[] {
  const length = Math.sqrt(map.length), found: MotifUnit[] = [];
  for (let begin = MARGIN + 1; begin < length - STRETCH - MARGIN; begin++) {
    const blocks = [{ begin, end: begin + STRETCH }] as const;
    const weight = sumOver(blocks, length, (at) => map[at]);
    if (weight > least) found.push({ set: "segment", blocks, weight });
  }
  return found;
}

/** The units of a protein: as many as asked of those that qualify, drawn at random. */
export function unitsOf(
  secondary: string,
  map: Float32Array,
  options: MotifOptions,
): MotifUnit[] {
  const stream = new PhiloxStream(options.seed, STREAM);
  const some = (all: MotifUnit[], count: number, draw: number) => {
    const chosen = new Set(drawn(all.length, Math.min(count, all.length), stream, draw));
    return all.filter((_, i) => chosen.has(i));
  };
  return [
    ...some(stretchesOf(map, options.segmentContacts), options.segments, 0),
    ...some(pairsOf(elementsOf(secondary), map, options), options.pairs, 1),
  ];
}

/** `count` of the numbers 0 to total − 1, each once, in random order. */
function drawn(total: number, count: number, stream: PhiloxStream, draw: number): number[] {
  const order = Array.from({ length: total }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + stream.below(total - i, draw, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, count);
}

/** Σ f over the patch of the first block's residues against the last one's. */
function sumOver(
  blocks: MotifUnit["blocks"],
  length: number,
  f: (at: number) => number,
): number {
  const rows = blocks[0], columns = blocks.at(-1)!;
  let sum = 0;
  for (let i = rows.begin; i < rows.end; i++) {
    for (let j = columns.begin; j < columns.end; j++) sum += f(i * length + j);
  }
  return sum;
}

export function recovery(
  original: Float32Array,
  found: Float32Array,
  { blocks }: Pick<MotifUnit, "blocks">,
): number {
  const length = Math.sqrt(original.length);
  return sumOver(blocks, length, (at) => original[at] * found[at]) /
    sumOver(blocks, length, (at) => original[at] ** 2);
}

/** How far flanks can reach; as published, of a pair one residue short of the end. */
function room(blocks: MotifUnit["blocks"], length: number): number {
  const before = blocks[0].begin, after = length - blocks.at(-1)!.end;
  return blocks.length === 2 ? Math.min(before, after - 1) : Math.min(before, after + 1);
}

/** Residues that a step leaves visible, u8[L]: the blocks, and flanks outward of them. */
export function visible(length: number, blocks: MotifUnit["blocks"], flank: number): Uint8Array {
  const flags = new Uint8Array(length), last = blocks.length - 1;
  blocks.forEach(({ begin, end }, b) =>
    flags.fill(1, begin - (b === 0 ? flank : 0), end + (b === last ? flank : 0))
  );
  return flags;
}

/** Residues farther than `far` from every block. */
function outside(length: number, blocks: MotifUnit["blocks"], far: number): number[] {
  return Array.from({ length }, (_, i) => i).filter((i) =>
    blocks.every(({ begin, end }) => i < begin - far || i >= end + far)
  );
}

/**
 * The states to run: which residues are visible at each step of each curve. The controls are drawn
 * anew at every step, and end where there are too few residues to draw from.
 *
 * @param draw number of the unit, so that each has its own random residues
 */
export function motifSteps(
  length: number,
  { blocks }: Pick<MotifUnit, "blocks">,
  { step, seed }: Pick<MotifOptions, "step" | "seed">,
  draw: number,
): { mode: MotifMode; flank: number; flags: Uint8Array }[] {
  const stream = new PhiloxStream(seed, STREAM);
  const steps: { mode: MotifMode; flank: number; flags: Uint8Array }[] = [];
  const controls = [
    { mode: "random" as const, from: outside(length, blocks, 0) },
    { mode: "random_far" as const, from: outside(length, blocks, FAR) },
  ];
  for (let flank = 0; flank < room(blocks, length); flank += step) {
    steps.push({ mode: "flanks", flank, flags: visible(length, blocks, flank) });
    for (const [c, { mode, from }] of controls.entries()) {
      if (from.length < 2 * flank) continue;
      const flags = visible(length, blocks, 0);
      // Numbers 0 and 1 draw the units.
      const number = 2 + 2 * (draw * length + flank) + c;
      for (const i of drawn(from.length, 2 * flank, stream, number)) flags[from[i]] = 1;
      steps.push({ mode, flank, flags });
    }
  }
  return steps;
}

const count = (flags: Uint8Array) => flags.reduce((sum, flag) => sum + flag, 0);

/**
 * A rise by half in a single step; it lasts where at most 2 of the 10 values from it on are lower by
 * more than 0.2.
 */
export function findJump(curve: readonly RecoveryPoint[]): MotifResult["jump"] {
  const jumps = curve.flatMap(({ flank, recovery }, i) => {
    if (i === 0 || !(recovery >= curve[i - 1].recovery + JUMP)) return [];
    const drops = curve.slice(i, i + JUMP_STEPS).filter((point) =>
      point.recovery < recovery - DROP
    );
    return [{ flank, keeps: drops.length <= MOST_DROPS }];
  });
  return jumps.find(({ keeps }) => keeps) ?? jumps[0];
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
  const units = unitsOf(secondary, original, options);
  const planned = units.map((unit, u) => motifSteps(length, unit, options, u));
  onTotal?.(planned.reduce((sum, steps) => sum + steps.length, 0));
  const results: MotifResult[] = [];
  let before = 0;
  for (const [u, unit] of units.entries()) {
    const steps = planned[u];
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
          recovery: recovery(original, maps[i], unit),
        })
      );
      onProgress?.(before + begin + own.length);
    }
    before += steps.length;
    const recovered = curves.flanks.find((point) => point.recovery > RECOVERED);
    const jump = findJump(curves.flanks);
    const minimalLength = recovered?.unmasked ?? NaN;
    results.push({ unit, curves, ...(jump && { jump }), minimalLength });
  }
  return results;
}

function masked(row: Int32Array, flags: Uint8Array): Int32Array<ArrayBuffer> {
  return Int32Array.from(row, (id, t) => t > 0 && t <= flags.length && !flags[t - 1] ? MASK : id);
}
