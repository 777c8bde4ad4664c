/**
 * Protein structures: PDB, mmCIF and BinaryCIF files, their chains, and which residue of a chain is
 * which of a sequence. Places in ångström.
 *
 * @example Where a chain's residues are in a longer sequence
 * ```ts
 * import { alignLetters } from "./mod.ts";
 *
 * const { toChain, identical } = alignLetters("MKTAYIAKQR", "TAYIAK");
 * if (toChain[2] !== 0 || toChain[0] !== -1 || identical !== 6) throw new Error("misplaced");
 * ```
 *
 * @module
 */
export { alignChain, alignLetters, type Alignment } from "./align.ts";
export {
  type Chain,
  chainLetters,
  chainName,
  chainOf,
  type Point,
  readStructure,
  resolvedCount,
  type Structure,
  type StructureOptions,
  type StructureResidue,
} from "./structure.ts";
