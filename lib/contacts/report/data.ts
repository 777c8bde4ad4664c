/** What the page of a protein's contacts draws. */
import { packed, packedPicture } from "../../report/page.ts";
import { binOf } from "../../report/quantise.ts";
import { coordinates, type Shape, shapeArrays, shapeOf } from "../../structure/shape.ts";
import { chainName } from "../../structure/structure.ts";
import { precisionCurve } from "../evaluate.ts";
import { nthHighest } from "../highest.ts";
import { MOTIF_MODES, type MotifMode } from "../motif_types.ts";
import { contactRows, unitName } from "../tables.ts";
import { changeData, changeSteps } from "./change.ts";
import { authorLabel, type ContactResult, type Method, RANGES, type Truth } from "../types.ts";

/** Marks of a pair, as bits. */
const CONTACT = 1, UNKNOWN = 2;

/** Residues up to which the page has every score; of longer proteins it has steps. */
export const MOST_EXACT = 600;

const COLOURS = ["violet", "green", "blue"] as const;

export const METHOD_NAMES: Record<Method, string> = {
  head: "the contact head",
  attention: "mean attention",
  jacobian: "the categorical Jacobian",
};

const MODES: Record<MotifMode, readonly [name: string, colour: string]> = {
  flanks: ["flanking residues", "blue"],
  random: ["random", "grey"],
  random_far: ["random, far away", "orange"],
};

/** The same curves under the names and colours of their modes. */
export const curvesOf = <T extends object>(of: (mode: MotifMode) => T) =>
  MOTIF_MODES.map((mode) => ({ name: MODES[mode][0], colour: MODES[mode][1], ...of(mode) }));

/** Numbers of a protein as the page's module takes them, and its arrays. */
export function contactData(result: ContactResult, method: Method, shape?: Shape) {
  const { residues, map, truth, baseline, heads, motif = [] } = result, { length } = residues;
  const bin = length <= MOST_EXACT ? 1 : binOf(length), side = Math.ceil(length / bin);
  const max = largestApart(map, length);
  const [low, high] = ends(map, length);
  const layers = [...new Set((heads ?? []).map(({ layer }) => layer))];
  const data = {
    value: method === "head" ? "probability" : "score",
    ...{
      max,
      low,
      high,
      side,
      bin,
      hasTruth: truth !== undefined,
    },
    change: changeData(result, method),
    pairs: { all: pairs(result, 0), long: pairs(result, RANGES[2].min) },
    authors: truth?.chain && authors(truth, length),
    curves: truth ? curves(result, baseline) : [],
    headRows: heads &&
      { layers, heads: heads.length / layers.length, rows: heads.map((h) => h.precisionL) },
    contexts: motif.map(({ unit, curves, jump, minimalLength }) => ({
      name: unitName(unit),
      note: Number.isNaN(minimalLength)
        ? "not recovered"
        : `recovered with ${minimalLength} residues${
          jump ? `, a jump at flank ${jump.flank}${jump.keeps ? "" : ", lost again"}` : ""
        }`,
      curves: curvesOf((mode) => ({
        points: curves[mode].map(({ unmasked, recovery }) => [unmasked, recovery]),
      })),
    })),
  };
  const arrays = [
    length <= MOST_EXACT
      ? packed("scores", upperTriangle(map, length))
      : packedPicture("steps", steps(map, length, bin, max)),
    changeSteps(result, bin),
    truth && packedPicture("truth", marks(truth, length, bin)),
    truth?.points && packed("places", coordinates(truth.points)),
    shape && shapeArrays(shape),
  ];
  return { data, arrays };
}

/** The structure to draw, where the truth is one. */
export const shapeOfTruth = ({ truth }: ContactResult): Shape | undefined =>
  truth?.chain && shapeOf(truth.structure!.source, truth.chain, truth.toChain!);

function pairs(result: ContactResult, least: number) {
  return contactRows(result, 1, least).map(({ i, j, score, contact }) => [
    ...[i, j, score],
    contact === undefined ? null : Number(contact),
  ]);
}

function authors(truth: Truth, length: number) {
  const labels = Array.from({ length }, (_, i) => authorLabel(truth, i) ?? "");
  return { chain: chainName(truth.chain!), labels };
}

function curves({ map, truth, scores }: ContactResult, baseline: ContactResult["baseline"]) {
  const others = baseline ? [baseline.map] : [];
  return RANGES.flatMap((range, r) => {
    const { name, min, max } = range, { contacts, pairs } = scores![r];
    const span = Number.isFinite(max) ? `${name} ${min}–${max}` : `${name} ≥ ${min}`;
    const own = {
      ...{ name: span, colour: COLOURS[r], points: precisionCurve(map, truth!, range, others) },
      chance: contacts / pairs,
    };
    if (own.points.length === 0) return [];
    return baseline
      ? [own, {
        ...{ name: `${baseline.name}, ${name}`, colour: COLOURS[r], dashed: true },
        points: precisionCurve(baseline.map, truth!, range, [map]),
      }]
      : [own];
  });
}

/** Largest score of residues at least 6 apart: neighbours would take up the whole scale. */
function largestApart(map: Float32Array, length: number): number {
  let max = 0;
  for (let i = 0; i < length; i++) {
    for (let j = i + RANGES[0].min; j < length; j++) {
      if (map[i * length + j] > max) max = map[i * length + j];
    }
  }
  return max || 1;
}

/** Where the colours of a map begin and end: percentiles of the pairs at least 6 apart. */
function ends(map: Float32Array, length: number): [number, number] {
  // A hundred thousand pairs tell it.
  const step = Math.max(1, Math.floor(length * length / 200_000));
  const sampled = new Uint32Array(Math.ceil(length * length / 2 / step));
  let count = 0;
  for (let i = 0, k = 0; i < length; i++) {
    for (let j = i + RANGES[0].min; j < length; j++, k++) {
      const pair = i * length + j;
      if (k % step === 0 && !Number.isNaN(map[pair])) sampled[count++] = pair;
    }
  }
  const pairs = sampled.subarray(0, count);
  const at = (share: number) =>
    count === 0
      ? 0
      : nthHighest(map, pairs, count - Math.min(count - 1, Math.floor(share * count)));
  const [low, high] = [at(0.05), at(0.995)];
  return high > low ? [low, high] : [low, low + 1];
}

/** The upper triangle with the diagonal, row by row. */
export function upperTriangle(map: Float32Array, length: number): Float32Array {
  const found = new Float32Array(length * (length + 1) / 2);
  for (let i = 0, at = 0; i < length; at += length - i, i++) {
    found.set(map.subarray(i * length + i, (i + 1) * length), at);
  }
  return found;
}

/** Steps 1 to 255 up to the largest, the highest of each pixel; 0 is not predicted. u8[side, side] */
function steps(map: Float32Array, length: number, bin: number, max: number): Uint8Array {
  const side = Math.ceil(length / bin), found = new Uint8Array(side * side);
  for (let i = 0; i < length; i++) {
    for (let j = i; j < length; j++) {
      const value = map[i * length + j], at = Math.floor(i / bin) * side + Math.floor(j / bin);
      if (Number.isNaN(value)) continue;
      const step = value > 0 ? 1 + Math.round(254 * Math.min(1, value / max)) : 1;
      if (step > found[at]) found[at] = step;
    }
  }
  return found;
}

/** What of each pixel is a contact, and unknown where all of it is. u8[side, side] */
function marks({ contacts, known }: Truth, length: number, bin: number): Uint8Array {
  const side = Math.ceil(length / bin), found = new Uint8Array(side * side).fill(UNKNOWN);
  for (let i = 0; i < length; i++) {
    for (let j = i; j < length; j++) {
      const at = Math.floor(i / bin) * side + Math.floor(j / bin);
      if (!known[i] || !known[j]) continue;
      found[at] = found[at] & ~UNKNOWN | (contacts[i * length + j] ? CONTACT : 0);
    }
  }
  return found;
}
