/** Embeddings of any number of proteins, with memory for some of them. */
import type { Backend } from "../backend/mod.ts";
import { defaultTokenBudget, type Esm2, type Sequence } from "../esm2/mod.ts";
import { BATCHES_PER_GROUP, groupProteins } from "../proteins/groups.ts";
import { type EmbeddedRow, type EmbedOptions, type EmbedPlan, embedRows } from "./embed.ts";

/**
 * Batches among whose proteins similar lengths are looked for: those of a GPU are large, and among eight of
 * them 12 % would be padding, among these 4 % (1000 proteins of the proteomes' lengths).
 */
const GPU_BATCHES = 32;

/** Tokens of proteins that are in memory together. */
export const groupTokens = (
  backend: Backend,
  tokenBudget = defaultTokenBudget(backend),
): number => (backend.gpu ? GPU_BATCHES : BATCHES_PER_GROUP) * tokenBudget;

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
  let before = 0;
  const most = groupTokens(esm.backend, options.tokenBudget);
  const groups = groupProteins(asAsync(proteins), { most });
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
