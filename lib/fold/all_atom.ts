/** Atoms of residues from their backbone frames and torsion angles (AlphaFold 2, algorithm 24). */
import {
  ATOM_14_EXISTS,
  ATOM_37_EXISTS,
  ATOM_37_TO_14,
  ATOM_GROUPS,
  ATOM_POSITIONS,
  ATOMS_14,
  ATOMS_37,
  GROUP_ORIGINS,
  GROUP_ROTATIONS,
  GROUPS,
} from "./constants.ts";
import { apply, multiply, type Rigids, rotationsOf } from "./rigid.ts";

/** Torsion angles of a residue: omega, phi, psi, chi1 to chi4. */
export const ANGLES = 7;
/** The first group that hangs on the one before it: chi2 on chi1. */
const CHI2 = 5;

/** Frames of all groups. */
export interface GroupFrames {
  /** f64[L, 8, 9] */
  readonly rotations: Float64Array;
  /** f64[L, 8, 3], Å */
  readonly origins: Float64Array;
}

/**
 * Frames of the eight groups of each residue. A group that a residue lacks has a rotation of zeros and the
 * origin of what it hangs on.
 *
 * @param backbone translations in Å
 * @param angles f64[L, 7, 2] sine and cosine
 */
export function groupFrames(
  backbone: Rigids,
  angles: Float64Array,
  types: ArrayLike<number>,
): GroupFrames {
  const length = types.length, own = rotationsOf(backbone.quaternions);
  const rotations = new Float64Array(length * GROUPS * 9);
  const origins = new Float64Array(length * GROUPS * 3);
  const local = new Float64Array(GROUPS * 9), turn = new Float64Array(9);
  const place = new Float64Array(GROUPS * 3);
  for (let i = 0; i < length; i++) {
    for (let group = 0; group < GROUPS; group++) {
      const [sine, cosine] = group === 0
        ? [0, 1]
        : angles.subarray(2 * (i * ANGLES + group - 1), 2 * (i * ANGLES + group));
      turn.set([1, 0, 0, 0, cosine, -sine, 0, sine, cosine]);
      const row = types[i] * GROUPS + group;
      multiply(GROUP_ROTATIONS, 9 * row, turn, 0, local, 9 * group);
      place.set(GROUP_ORIGINS.subarray(3 * row, 3 * row + 3), 3 * group);
      if (group < CHI2) continue;
      // In the frame of the group before, which by now is in that of the backbone.
      apply(local, place, group - 1, place, 3 * group, place, 3 * group);
      multiply(local, 9 * (group - 1), local, 9 * group, local, 9 * group);
    }
    for (let group = 0; group < GROUPS; group++) {
      const at = i * GROUPS + group;
      multiply(own, 9 * i, local, 9 * group, rotations, 9 * at);
      apply(own, backbone.translations, i, place, 3 * group, origins, 3 * at);
    }
  }
  return { rotations, origins };
}

/** f64[L, 14, 3] positions of atoms, zero where there is none, Å. */
export function atoms14(
  { rotations, origins }: GroupFrames,
  types: ArrayLike<number>,
): Float64Array {
  const out = new Float64Array(types.length * ATOMS_14 * 3);
  for (let i = 0; i < types.length; i++) {
    for (let atom = 0; atom < ATOMS_14; atom++) {
      const row = types[i] * ATOMS_14 + atom, at = 3 * (i * ATOMS_14 + atom);
      if (!ATOM_14_EXISTS[row]) continue;
      const frame = i * GROUPS + ATOM_GROUPS[row];
      apply(rotations, origins, frame, ATOM_POSITIONS, 3 * row, out, at);
    }
  }
  return out;
}

/** f64[L, 37, 3] the same by the 37 kinds of atoms, zero where there is none. */
export function atoms37(positions: Float64Array, types: ArrayLike<number>): Float64Array {
  const out = new Float64Array(types.length * ATOMS_37 * 3);
  for (let i = 0; i < types.length; i++) {
    for (let atom = 0; atom < ATOMS_37; atom++) {
      const row = types[i] * ATOMS_37 + atom;
      if (!ATOM_37_EXISTS[row]) continue;
      const from = 3 * (i * ATOMS_14 + ATOM_37_TO_14[row]), at = 3 * (i * ATOMS_37 + atom);
      out.set(positions.subarray(from, from + 3), at);
    }
  }
  return out;
}
