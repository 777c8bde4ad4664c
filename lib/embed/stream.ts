/** Embeddings of any number of proteins, with memory for some of them. */
import { defaultTokenBudget, type Esm2, type Sequence } from "../esm2/mod.ts";
import { BATCHES_PER_GROUP, groupProteins } from "../proteins/groups.ts";
import { type EmbeddedRow, type EmbedOptions, type EmbedPlan, embedRows } from "./embed.ts";

/** A protein and what it gives. */
export interface EmbeddedProtein<P extends Sequence = Sequence> extends EmbeddedRow {
  /** As it was given. */
  readonly protein: P;
}

/**
 * Embeds proteins in their order; those of similar length run together within some batches' proteins, so
 * that memory does not grow with their number.
 *
 * @throws {UserError} if a sequence is empty or has a letter that ESM-2 does not know
 */
export async function* embed<P extends Sequence>(
  esm: Esm2,
  proteins: Iterable<P> | AsyncIterable<P>,
  plan: EmbedPlan,
  { onProgress, ...options }: EmbedOptions = {},
): AsyncGenerator<EmbeddedProtein<P>> {
  const { tokenBudget = defaultTokenBudget(esm.backend) } = options;
  let before = 0;
  const groups = groupProteins(asAsync(proteins), { most: BATCHES_PER_GROUP * tokenBudget });
  for await (const { members, residues } of groups) {
    const rows = await embedRows(esm, members.map(({ ids }) => ids), plan, {
      ...options,
      onProgress: (done) => onProgress?.(before + done),
    });
    before += residues;
    for (const [i, { protein }] of members.entries()) yield { protein, ...rows[i] };
  }
}

async function* asAsync<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
