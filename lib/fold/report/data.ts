/** What the page of a folded protein draws. */
import { highestPairs } from "../../contacts/highest.ts";
import { MOST_EXACT, upperTriangle } from "../../contacts/report/data.ts";
import { packed, packedPicture } from "../../report/page.ts";
import type { Markup } from "../../report/markup.ts";
import { binOf, quantise } from "../../report/quantise.ts";
import type { Point } from "../../structure/atoms.ts";
import { backbonePdb, computedSecondary } from "../../structure/molecules.ts";
import { coordinates, type Shape, shapeArrays } from "../../structure/shape.ts";
import type { StructureResidue } from "../../structure/structure.ts";
import { moved, type Points, type Superposition } from "../compare.ts";
import { ATOM_NAMES, ATOMS_37, RESIDUE_NAMES } from "../constants.ts";
import { MAX_PAE } from "../confidence.ts";
import { type FoldChains, keptResidues } from "../input.ts";
import { CONTACT_DISTANCE, CONTACT_SEPARATION, superposeShared } from "../nearness.ts";
import { chainName, ownNumbers } from "../pdb.ts";
import type { FoldResult } from "../result.ts";
import type { FoldTruth } from "../truth.ts";
import { type FoldUnit, withoutLinkers } from "../unit.ts";

/** Pairs of the table. */
const MOST_PAIRS = 18;

/** Numbers of a protein as the page's module takes them, its arrays, and its shape. */
export async function foldData(result: FoldResult, truth: FoldTruth | undefined) {
  const { chains, plain, change, scan } = result, kept = keptResidues(chains);
  const { length } = kept, numbers = ownNumbers({ chains });
  const isExact = length <= MOST_EXACT, bin = isExact ? 1 : binOf(length);
  const predicted = withoutLinkers(plain.unit.contacts, chains);
  const starts = kept.flatMap((residue, n) =>
    n === 0 || chains.chains[residue] !== chains.chains[kept[n - 1]] ? [n + 1] : []
  );
  const own = residuesOf(chains, plain.unit), whole = spaced(own, starts);
  const computed = await computedSecondary(whole.residues);
  const secondary = whole.numbers.map((number) => computed[number - 1]).join("");
  const shape = shapeOf(own, starts, secondary);
  const layers = [...new Set(scan.map(({ layer }) => layer))].sort((a, b) => a - b);
  const data = {
    ...{
      isExact,
      bin,
      side: Math.ceil(length / bin),
      maxPae: MAX_PAE,
      starts,
      secondary,
      most: {},
    },
    ...{ apart: CONTACT_SEPARATION, cutoff: CONTACT_DISTANCE },
    names: starts.length > 1
      ? kept.map((residue) => `${chainName(chains.chains[residue])}${numbers[residue]}`)
      : undefined,
    places: kept.map((residue) => chains.places[residue]),
    mean: plain.trace.meanPlddt,
    meanChange: change && change.fold.trace.meanPlddt - plain.trace.meanPlddt,
    pairs: highest(predicted, chains, length),
    hasChange: change !== undefined,
    hasTruth: truth !== undefined,
    scan: scan.length === 0 ? undefined : {
      ...{ layers, heads: 1 + Math.max(...scan.map(({ head }) => head)) },
      rows: scan.map((row) => [
        ...[row.layer, row.head, row.lostShare, row.lost, row.gained, row.contacts],
        ...[row.rmsd, row.tm, row.plddtChange, row.ptmChange],
      ]),
    },
  };
  /** A map as the page has it: every value, or of a long protein steps up to the largest. */
  const map = (name: string, values: Float32Array, isSymmetric = false): Markup => {
    if (isExact) return packed(name, isSymmetric ? upperTriangle(values, length) : values);
    const { steps, max } = quantise(values, length, bin);
    Object.assign(data.most, { [name]: max });
    return packedPicture(`${name}-steps`, steps);
  };
  const arrays: (Markup | Markup[])[] = [
    shapeArrays(shape),
    packed("plddt", plain.trace.plddt),
    packed("betas", Float32Array.from(plain.trace.betas)),
    map("pae", plain.pae),
    map("contacts", predicted, true),
  ];
  const overlay = (
    name: string,
    residues: readonly (StructureResidue | undefined)[],
    points: Points,
  ) => {
    const superposition = superposeShared(points, plain.trace.alphas);
    const there = residues.map((residue) => residue && movedBy(residue, superposition));
    const { pdb, points: drawn } = shapeOf(there, starts, secondary);
    arrays.push(
      packed(`${name}-pdb`, new TextEncoder().encode(pdb)),
      packed(`${name}-points`, drawn),
      packed(`${name}-distances`, distances(plain.trace.alphas, moved(points, superposition))),
    );
  };
  if (change) {
    const { unit, trace } = change.fold;
    overlay("changed", residuesOf(chains, unit), trace.alphas);
    arrays.push(
      packed("changed-plddt", trace.plddt),
      packed("changed-betas", Float32Array.from(trace.betas)),
      map("changed-contacts", withoutLinkers(unit.contacts, chains), true),
    );
  }
  if (truth) {
    overlay("true", truth.residues, truth.points);
    arrays.push(packed("lddt", Float32Array.from(result.truth!.plain.residueLddt)));
  }
  return { data, arrays, shape };
}

/** Å between the Cα atoms of two structures in one place; NaN where one has none. */
const distances = (a: Points, b: Points): Float32Array =>
  Float32Array.from(
    { length: a.length / 3 },
    (_, i) => Math.hypot(...[0, 1, 2].map((k) => a[3 * i + k] - b[3 * i + k])),
  );

/** The pairs that touch with the highest probability, with how far they are: [i, j, probability]. */
function highest(predicted: Float32Array, chains: FoldChains, length: number) {
  const places = keptResidues(chains).map((residue) => chains.places[residue]);
  const pairs = new Uint32Array(length * (length - 1) / 2);
  let count = 0;
  for (let i = 0; i < length; i++) {
    for (let j = i + 1; j < length; j++) {
      if (places[j] - places[i] >= CONTACT_SEPARATION) pairs[count++] = i * length + j;
    }
  }
  return Array.from(
    highestPairs(predicted, pairs.subarray(0, count), MOST_PAIRS),
    (pair) => [Math.floor(pair / length) + 1, pair % length + 1, predicted[pair]] as const,
  );
}

/** Residues of a fold as a structure's file would have them; undefined where there are no atoms. */
function residuesOf(chains: FoldChains, unit: FoldUnit): (StructureResidue | undefined)[] {
  const numbers = ownNumbers({ chains });
  return keptResidues(chains).map((residue) => {
    const at = (name: string): Point | undefined => {
      const place = residue * ATOMS_37 + ATOM_NAMES.indexOf(name);
      if (unit.exists[place] !== 1) return undefined;
      const [x, y, z] = unit.positions.subarray(3 * place, 3 * place + 3);
      return [x, y, z];
    };
    const alpha = at("CA");
    if (!alpha) return undefined;
    return {
      ...{ letter: chains.letters[residue], label: String(numbers[residue]), alpha },
      ...{ number: numbers[residue], name: RESIDUE_NAMES[chains.types[residue]], secondary: "-" },
      ...{ beta: at("CB"), backbone: { N: at("N"), C: at("C"), O: at("O") } },
    };
  });
}

/** Where nothing is: a step in the numbers, which a viewer does not bridge. */
const NOTHING: StructureResidue = {
  ...{ letter: "X", label: "", number: NaN, name: "UNK", secondary: "-", backbone: {} },
};

/** Residues with a step between chains, and the number of each, 0 where it is not there. */
function spaced(residues: readonly (StructureResidue | undefined)[], starts: readonly number[]) {
  const all: StructureResidue[] = [];
  const numbers = residues.map((residue, n) => {
    if (n > 0 && starts.includes(n + 1)) all.push(NOTHING);
    return all.push(residue ?? NOTHING);
  });
  return { residues: all, numbers };
}

function shapeOf(
  residues: readonly (StructureResidue | undefined)[],
  starts: readonly number[],
  secondary: string,
): Shape {
  const all = spaced(residues, starts);
  return {
    ...{ source: "the fold", secondary, pdb: backbonePdb(all) },
    points: coordinates(residues.map((residue) => residue?.alpha)),
    numbers: all.numbers.map((number, n) => residues[n]?.alpha ? number : 0),
  };
}

/** A residue after a superposition. */
function movedBy(residue: StructureResidue, superposition: Superposition): StructureResidue {
  const place = (point: Point | undefined): Point | undefined => {
    if (!point) return undefined;
    const [x, y, z] = moved(Float64Array.from(point), superposition);
    return [x, y, z];
  };
  const { N, C, O } = residue.backbone;
  return {
    ...residue,
    alpha: place(residue.alpha),
    beta: place(residue.beta),
    backbone: { N: place(N), C: place(C), O: place(O) },
  };
}
