/** What a fold leaves: all that its files, tables and pictures are made of. */
import { ATOM_NAMES, ATOMS_37 } from "./constants.ts";
import { residuePlddt } from "./confidence.ts";
import type { Points } from "./compare.ts";
import { type FoldChains, keptResidues } from "./input.ts";
import type { Fold } from "./model.ts";
import type { FoldAtoms } from "./pdb.ts";

/** Of one fold. */
export interface FoldUnit {
  /** f64[L, 37, 3] */
  positions: Float64Array;
  /** u8[L, 37] 1 where there is an atom. */
  exists: Uint8Array;
  /** f32[L, 37] 0 to 1. */
  plddt: Float32Array;
  /** f32[L, L] Å. */
  pae: Float32Array;
  ptm: number;
  /** f32[L, L] */
  contacts: Float32Array;
  seconds: number;
}

export const unitOf = (
  { positions37, exists, plddt, pae, ptm, contacts }: Fold,
  seconds: number,
): FoldUnit => ({
  ...{ positions: positions37, exists, plddt, pae, ptm, contacts },
  seconds,
});

/** As files of structures are written. */
export const atomsOf = (chains: FoldChains, unit: FoldUnit): FoldAtoms => ({
  ...{ chains, positions37: unit.positions, exists: unit.exists, plddt: unit.plddt },
});

/** A fold residue by residue, without linkers. */
export interface Trace {
  /** Cα and Cβ (Cα of glycine), f64[L, 3], Å; NaN where there is none. */
  alphas: Points;
  betas: Points;
  /** pLDDT of each Cα, 0 to 100. */
  plddt: Float32Array;
  /** The mean of all atoms, as fair-esm has it. */
  meanPlddt: number;
  ptm: number;
  seconds: number;
}

const ALPHA = ATOM_NAMES.indexOf("CA"), BETA = ATOM_NAMES.indexOf("CB");

export function traceOf(chains: FoldChains, unit: FoldUnit): Trace {
  const residues = keptResidues(chains), own = residuePlddt(unit.plddt);
  const at = (residue: number, atom: number): number[] => {
    const place = residue * ATOMS_37 + atom;
    return unit.exists[place] === 1
      ? [...unit.positions.subarray(3 * place, 3 * place + 3)]
      : [NaN, NaN, NaN];
  };
  const hasBeta = (residue: number) => unit.exists[residue * ATOMS_37 + BETA] === 1;
  let sum = 0, count = 0;
  for (let place = 0; place < unit.exists.length; place++) {
    if (unit.exists[place] !== 1) continue;
    sum += unit.plddt[place];
    count++;
  }
  return {
    alphas: Float64Array.from(residues.flatMap((r) => at(r, ALPHA))),
    betas: Float64Array.from(residues.flatMap((r) => at(r, hasBeta(r) ? BETA : ALPHA))),
    plddt: Float32Array.from(residues, (r) => 100 * own[r]),
    meanPlddt: 100 * sum / count,
    ...{ ptm: unit.ptm, seconds: unit.seconds },
  };
}

/** Of f32[L, L] with linkers the part without. */
export function withoutLinkers(map: Float32Array, chains: FoldChains): Float32Array {
  const residues = keptResidues(chains), length = chains.types.length;
  return Float32Array.from(residues.flatMap((r) => residues.map((c) => map[r * length + c])));
}
