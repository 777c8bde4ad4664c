/** The work of a run over many proteins that are read as they are needed. */
import type { Sequence } from "../esm2/mod.ts";
import { type GroupOptions, groupProteins, type ProteinGroup } from "../proteins/groups.ts";
import type { Work } from "./run.ts";

export interface GroupWorkOptions<P extends Sequence> extends GroupOptions {
  /** Gives them anew at every call. */
  proteins(): AsyncIterable<P>;
  /** Tokens of a piece but the last, at least: several groups are then one piece. @default 1 */
  least?: number;
  /** Units that each piece leaves. @default 1 */
  units?: number;
}

/**
 * Pieces of one group of proteins or several, so that memory is that of one.
 *
 * @param compute is given the groups of a piece; it puts units by their number within the piece, and says
 *   how many residues of the piece are done
 */
export async function groupWork<P extends Sequence>(
  { proteins, least = 1, units = 1, ...options }: GroupWorkOptions<P>,
  stack: AsyncDisposableStack,
  compute: (
    groups: AsyncIterable<ProteinGroup<P>>,
    put: (unit: number, bytes: Uint8Array) => void,
    tick: (residues: number) => void,
  ) => Promise<void>,
): Promise<Work> {
  const pieces: { groups: number; tokens: number; residues: number }[] = [];
  for await (const { tokens, residues } of groupProteins(proteins(), options)) {
    let last = pieces.at(-1);
    if (!last || last.tokens >= least) pieces.push(last = { groups: 0, tokens: 0, residues: 0 });
    last.groups++;
    last.tokens += tokens;
    last.residues += residues;
  }
  // Pieces are computed in order: the proteins are read once, those of others passed over.
  const left = groupProteins(proteins(), options);
  stack.defer(() => void left.return(undefined));
  let next = 0;
  const pieceOf = ([unit]: readonly number[]) => unit / units;
  return {
    pieces: pieces.map((_, p) => Array.from({ length: units }, (_, u) => p * units + u)),
    weightOf: (piece) => pieces[pieceOf(piece)].residues,
    async compute(piece, put, tick) {
      const p = pieceOf(piece);
      for (; next < p; next++) for (let g = 0; g < pieces[next].groups; g++) await left.next();
      async function* groups() {
        for (let g = 0; g < pieces[p].groups; g++) yield (await left.next()).value!;
      }
      await compute(groups(), (unit, bytes) => put(piece[unit], bytes), tick);
      next++;
    },
  };
}
