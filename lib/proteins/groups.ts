/** Proteins in their order, some at a time: batches are planned within a group. */
import { type Sequence, tokenize } from "../esm2/mod.ts";

/** Proteins that are in memory together. */
export interface ProteinGroup<P extends Sequence = Sequence> {
  /** In their order. */
  readonly members: { protein: P; ids: Int32Array }[];
  tokens: number;
  residues: number;
  /** What they cost together, as {@linkcode GroupOptions.costOf} has it. */
  cost: number;
}

export interface GroupOptions {
  /** What a group costs at most, or one protein. */
  most: number;
  /** Of one protein, from its number of tokens. @default that number */
  costOf?(tokens: number): number;
  /** Number of the protein that begins a group, whatever the one before it has room for. */
  begin?: number;
}

/** Batches among which proteins of similar length are looked for. */
export const BATCHES_PER_GROUP = 8;

/** The same groups in every run with the same proteins and options. Letters have been checked before. */
export async function* groupProteins<P extends Sequence>(
  proteins: AsyncIterable<P>,
  { most, costOf = (tokens) => tokens, begin }: GroupOptions,
): AsyncGenerator<ProteinGroup<P>> {
  const empty = (): ProteinGroup<P> => ({ members: [], tokens: 0, residues: 0, cost: 0 });
  let group = empty(), at = 0;
  for await (const protein of proteins) {
    const ids = tokenize(protein, { maxLength: Infinity }), cost = costOf(ids.length);
    if (group.members.length > 0 && (group.cost + cost > most || at === begin)) {
      yield group;
      group = empty();
    }
    group.members.push({ protein, ids });
    group.tokens += ids.length;
    group.residues += ids.length - 2;
    group.cost += cost;
    at++;
  }
  if (group.members.length > 0) yield group;
}
