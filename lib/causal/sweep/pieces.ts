/** How a survey's work is cut into pieces: for each autoencoder, groups of variants that run together. */
import { isOwn, type Shard } from "../../run/shards.ts";

/** The pieces of one protein. */
export interface ProteinPieces {
  /** Variants of the protein, and of each group but the last. */
  readonly variants: number;
  readonly size: number;
  readonly groups: number;
  /** Variants, and pieces, of the proteins before. */
  readonly variantsBefore: number;
  readonly piecesBefore: number;
}

/**
 * The pieces of all proteins, the same in every shard.
 *
 * @param proteins how many variants each has, and how many of them run together
 */
export function cutPieces(
  proteins: readonly { variants: number; together: number }[],
  lenses: number,
): ProteinPieces[] {
  let variantsBefore = 0, piecesBefore = 0;
  return proteins.map(({ variants, together: size }) => {
    const groups = Math.ceil(variants / size);
    const own = { variants, size, groups, variantsBefore, piecesBefore };
    variantsBefore += variants;
    piecesBefore += groups * lenses;
    return own;
  });
}

/** Whether a shard works on a group of a protein under an autoencoder. */
export function isOwnPiece(
  { groups, piecesBefore }: ProteinPieces,
  lens: number,
  group: number,
  shard: Shard | undefined,
): boolean {
  // Groups of one layer go to shards in turn: layers differ in cost.
  return isOwn(piecesBefore + lens * groups + group, shard);
}

/** Variants that a shard works on, under whichever autoencoder. */
export function countOwn(
  pieces: readonly ProteinPieces[],
  lenses: number,
  shard: Shard | undefined,
): number {
  let count = 0;
  for (const protein of pieces) {
    for (let group = 0; group < protein.groups; group++) {
      const isAny = Array.from({ length: lenses }, (_, l) => l)
        .some((l) => isOwnPiece(protein, l, group, shard));
      if (isAny) count += Math.min(protein.size, protein.variants - group * protein.size);
    }
  }
  return count;
}
