/** A protein's structure as pages draw it: what the figure `structure` is given. */
import { json, packed } from "../report/page.ts";
import type { Markup } from "../report/markup.ts";
import { type Chain, chainName } from "./chain.ts";
import { backbonePdb } from "./molecules.ts";

/** The structure of a protein, residue by residue of its sequence. */
export interface Shape {
  /** File and chain, for people. */
  source: string;
  /** Cα of each residue, f32[L, 3], Å; NaN where the structure has none. */
  points: Float32Array;
  /** The chain's backbone for the viewer; residues are numbered from 1. */
  pdb: string;
  /** The number of each residue in `pdb`, 0 where it is not there. */
  numbers: number[];
  /** H, E or - for each residue. */
  secondary: string;
}

/** @param toChain for each residue of the sequence the index in the chain, or −1 */
export function shapeOf(file: string, chain: Chain, toChain: Int32Array): Shape {
  const own = Array.from(toChain, (at) => at < 0 ? undefined : chain.residues[at]);
  return {
    source: `${file} chain ${chainName(chain) || chain.id}`,
    points: coordinates(own.map((residue) => residue?.alpha)),
    pdb: backbonePdb(chain),
    numbers: Array.from(toChain, (at) => at + 1),
    secondary: own.map((residue) => residue?.secondary ?? "-").join(""),
  };
}

/** Places as a page takes them: f32[L, 3], NaN where there is no point. */
export function coordinates(points: readonly (readonly number[] | undefined)[]): Float32Array {
  const found = new Float32Array(3 * points.length).fill(NaN);
  points.forEach((point, i) => point && found.set(point, 3 * i));
  return found;
}

/** The arrays of a view that `readShape` of the figure's module reads. */
export const shapeArrays = ({ points, pdb, numbers }: Shape): Markup[] => [
  packed("points", points),
  packed("pdb", new TextEncoder().encode(pdb)),
  json("numbers", numbers),
];
