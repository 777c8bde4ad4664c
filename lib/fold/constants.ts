/**
 * Ideal geometry and names of amino acids, rows in AlphaFold's order and X last: values of openfold's
 * residue_constants (facts about amino acids).
 */
import table from "./residue_constants.json" with { type: "json" };

/** Letters by index: AlphaFold's order, then X for any other. */
export const RESIDUE_TYPES = "ARNDCQEGHILKMFPSTWYVX";
/** Index of X. */
export const UNKNOWN = 20;
/** Rigid groups of a residue: backbone, an unused one, phi, psi, chi1 to chi4. */
export const GROUPS = 8;
/** Atoms of a residue, packed; the largest, tryptophan, has them all. */
export const ATOMS_14 = 14;
/** Kinds of heavy atoms of the twenty amino acids. */
export const ATOMS_37 = 37;

/** Names of the 37 kinds of atoms, in the order in which files have them: N, CA, C, CB, O … */
export const ATOM_NAMES: readonly string[] = table.atom_types;
/** Three-letter names by residue type. */
export const RESIDUE_NAMES: readonly string[] = table.resname3;

const flat = (values: unknown): Float64Array =>
  Float64Array.from((values as number[]).flat(Infinity) as number[]);

const frames = table.default_frames_4x4;
/** f64[21, 8, 9] rotations of the groups against that which they hang on; zero where a residue lacks one. */
export const GROUP_ROTATIONS = flat(
  frames.map((groups) => groups.map((m) => m.slice(0, 3).map((row) => row.slice(0, 3)))),
);
/** f64[21, 8, 3] their origins, Å. */
export const GROUP_ORIGINS = flat(
  frames.map((groups) => groups.map((m) => m.slice(0, 3).map((row) => row[3]))),
);
/** f64[21, 14, 3] atoms in the frame of their group, Å. */
export const ATOM_POSITIONS = flat(table.atom14_positions);
/** Group of each of the 14 atoms: f64[21, 14]. */
export const ATOM_GROUPS = flat(table.atom14_to_rigid_group);
/** f64[21, 14] 1 where a residue has the atom. */
export const ATOM_14_EXISTS = flat(table.atom14_mask);
/** f64[21, 37] 1 where a residue has the atom. */
export const ATOM_37_EXISTS = flat(table.atom37_exists);
/** f64[21, 37] which of the 14 atoms it is. */
export const ATOM_37_TO_14 = flat(table.atom37_to_atom14);

/** Index of a letter; what is no amino acid of the twenty is X. */
export function residueType(letter: string): number {
  const type = RESIDUE_TYPES.indexOf(letter);
  return type < 0 ? UNKNOWN : type;
}
