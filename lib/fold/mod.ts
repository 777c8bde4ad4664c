/**
 * ESMFold: structures of proteins from one sequence each, and how near two structures are.
 *
 * A model is Hugging Face's folder of `EsmForProteinFolding` or fair-esm's file with that of ESM-2 beside
 * it; its language model is an {@link EsmFold.esm} that runs as every other does. Chains of one complex
 * stand in one sequence with `:` between them.
 *
 * @example How near two structures are
 * ```ts
 * import { lddt, moved, superpose, tmScore } from "./mod.ts";
 *
 * // Cα atoms of a helix, turned about its axis.
 * const helix = (turn: number) =>
 *   Float64Array.from({ length: 3 * 30 }, (_, i) => {
 *     const residue = Math.floor(i / 3), angle = residue * 100 * Math.PI / 180 + turn;
 *     return [2.3 * Math.cos(angle), 2.3 * Math.sin(angle), 1.5 * residue][i % 3];
 *   });
 * const fixed = helix(0), turned = helix(1);
 * const found = superpose(turned, fixed);
 * if (found.rmsd > 1e-6) throw new Error("they are the same but for a rotation");
 * console.log(moved(turned, found)[0] - fixed[0]);
 * console.log(tmScore(turned, fixed).score, lddt(turned, fixed).all);
 * ```
 *
 * @module
 */
export {
  lddt,
  moved,
  type Points,
  superpose,
  type Superposition,
  tmDistance,
  type TmScore,
  tmScore,
} from "./compare.ts";
export { type FoldConfig } from "./config.ts";
export { type StructureConfig } from "./structure_config.ts";
export { type FoldChains, foldChains, type FoldInput } from "./input.ts";
export {
  EsmFold,
  type Fold,
  type FoldModelOptions,
  type FoldOptions,
  type LanguageVisitor,
  RECYCLES as FOLD_RECYCLES,
} from "./model.ts";
export { type FoldCheckpoint, openFold } from "./open.ts";
export { cifText, type FoldAtoms, pdbText } from "./pdb.ts";
