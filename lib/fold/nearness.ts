/** Two structures of one protein side by side: how near they are, and which contacts they share. */
import { lddt, pick, type Points, superpose, type Superposition, tmScore } from "./compare.ts";

/** How near a structure is to another, of Cα atoms that both have. */
export interface Nearness {
  /** Residues that both have. */
  count: number;
  /** Å, after superposition of all of them. */
  rmsd: number;
  /** Divided by `count`. */
  tm: number;
  /** Of each residue, 0 to 1; NaN where it is missing, or has no other within 15 Å. */
  residueLddt: Float64Array;
  lddt: number;
}

/** Residues that have a point in both. */
export function sharedResidues(a: Points, b: Points): number[] {
  return Array.from({ length: a.length / 3 }, (_, i) => i)
    .filter((i) => !Number.isNaN(a[3 * i]) && !Number.isNaN(b[3 * i]));
}

/** The rotation and translation of the first onto the second, by the residues that both have. */
export function superposeShared(mobile: Points, fixed: Points): Superposition {
  const shared = sharedResidues(mobile, fixed);
  return superpose(pick(mobile, shared), pick(fixed, shared));
}

/**
 * Compares two structures residue by residue, f64[L, 3] with NaN where one has no Cα.
 *
 * @param truth to which the first is held: its distances decide what lDDT counts
 */
export function nearness(model: Points, truth: Points): Nearness {
  const shared = sharedResidues(model, truth);
  const a = pick(model, shared), b = pick(truth, shared);
  const { residues, all } = lddt(a, b);
  const residueLddt = new Float64Array(model.length / 3).fill(NaN);
  shared.forEach((residue, n) => residueLddt[residue] = residues[n]);
  return {
    ...{ count: shared.length, rmsd: superpose(a, b).rmsd, tm: tmScore(a, b).score },
    ...{ residueLddt, lddt: all },
  };
}

/** Residues this far apart along the chain, or of different chains, whose Cβ are nearer than 8 Å, touch. */
export const CONTACT_SEPARATION = 6, CONTACT_DISTANCE = 8;

/**
 * Which residues touch in a structure: u8[L, L], symmetric.
 *
 * @param betas f64[L, 3]; NaN where there is no atom
 * @param places along the chain, as ESMFold counts them: another chain is far away
 */
export function touching(betas: Points, places: ArrayLike<number>): Uint8Array {
  const length = betas.length / 3, found = new Uint8Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = i + 1; j < length; j++) {
      if (places[j] - places[i] < CONTACT_SEPARATION) continue;
      let square = 0;
      for (let k = 0; k < 3; k++) square += (betas[3 * i + k] - betas[3 * j + k]) ** 2;
      if (square < CONTACT_DISTANCE ** 2) found[i * length + j] = found[j * length + i] = 1;
    }
  }
  return found;
}

/** Contacts of one structure, and what of them another has. */
export interface ContactChange {
  contacts: number;
  lost: number;
  gained: number;
}

/** @param before u8[L, L] as {@linkcode touching} gives it */
export function contactChange(before: Uint8Array, after: Uint8Array): ContactChange {
  const found = { contacts: 0, lost: 0, gained: 0 };
  for (let at = 0; at < before.length; at++) {
    found.contacts += before[at];
    found.lost += Number(before[at] === 1 && after[at] === 0);
    found.gained += Number(before[at] === 0 && after[at] === 1);
  }
  // Each pair stands there twice.
  return { contacts: found.contacts / 2, lost: found.lost / 2, gained: found.gained / 2 };
}
