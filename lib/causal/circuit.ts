/**
 * The smallest set of latents that carries an effect, found along a ranking by real runs.
 *
 * Faithfulness and completeness: Marks et al. 2024 (arXiv:2403.19647). A circuit's nodes have the input's
 * values and all others the baseline's.
 */
import type { Path } from "./path.ts";
import type { Tail } from "./tail.ts";
import type { Edit, TokenEdit } from "./types.ts";

/** A latent at a token, or a token's error term (latent −1). */
export interface Node {
  token: number;
  latent: number;
}

export interface CurvePoint {
  nodes: number;
  faithfulness: number;
}

export interface Circuit {
  /** How many of the first nodes of the ranking it takes. */
  size: number;
  /** (m(circuit) − m(none)) / (m(all) − m(none)) */
  faithfulness: number;
  /** Faithfulness of all other nodes. */
  completeness: number;
  /** Every size that was measured, ascending. */
  curve: CurvePoint[];
  /** Whether the share was reached before all nodes were in. */
  reached: boolean;
}

/** Sizes up to this are all measured. */
const EACH = 8;

const keyOf = ({ token, latent }: Node) => `${token}:${latent}`;

/** The edit that leaves a path's nodes at the baseline but for those of a set, which have the input's values. */
export function circuitEdit({ edit, from }: Path, set: ReadonlySet<string>): Edit {
  // Where the path takes latents away, the edit is made of the nodes outside.
  const isMade = (token: number, latent: number) =>
    set.has(keyOf({ token, latent })) === (from === 0);
  return edit.map(({ token, indices, deltas, residual }): TokenEdit => {
    const kept = Array.from(indices?.keys() ?? []).filter((i) => isMade(token, indices![i]));
    return {
      token,
      indices: Uint32Array.from(kept, (i) => indices![i]),
      deltas: Float64Array.from(kept, (i) => deltas![i]),
      ...(residual && isMade(token, -1) && { residual }),
    };
  });
}

/** Keys of a list of nodes. */
export const setOf = (nodes: readonly Node[]): Set<string> => new Set(nodes.map(keyOf));

/**
 * Grows a circuit along a ranking until it restores a share of the effect.
 *
 * Sizes 1 to 8, 16, 32 … are measured together, then those between the last that falls short and the first
 * that does not, until neighbours are known. Up to 16 nodes no smaller start of the ranking reaches the share;
 * a larger circuit may do worse than a smaller one, so beyond, one may among sizes never measured.
 *
 * @param ranking all nodes of the path, best first
 * @param ends the metric at both ends of the path
 */
export async function growCircuit(
  tail: Tail,
  path: Path,
  ranking: readonly Node[],
  ends: { baseline: number; input: number },
  share: number,
): Promise<Circuit> {
  const effect = ends.input - ends.baseline;
  const known = new Map<number, number>([[0, 0], [ranking.length, 1]]);
  const measure = async (sizes: readonly number[]) => {
    const open = sizes.filter((size) => !known.has(size));
    if (open.length === 0) return;
    const values = await faithfulnessOf(
      tail,
      path,
      open.map((size) => setOf(ranking.slice(0, size))),
      ends,
    );
    open.forEach((size, i) => known.set(size, values[i]));
  };
  const sizes = Array.from(
    { length: EACH + Math.ceil(Math.log2(Math.max(1, ranking.length / EACH))) },
    (_, i) => i < EACH ? i + 1 : EACH * 2 ** (i - EACH + 1),
  ).filter((size) => size < ranking.length);
  // Nothing to restore: no set is better than another.
  if (effect !== 0) await measure(sizes);
  const sorted = () => [...known.keys()].sort((a, b) => a - b);
  const first = () => sorted().find((size) => known.get(size)! >= share) ?? ranking.length;
  for (;;) {
    const enough = first();
    const short = sorted().filter((size) => size < enough).at(-1) ?? 0;
    const between = enough - short - 1;
    if (between <= 0 || effect === 0) break;
    const wanted = Math.min(between, EACH - 1);
    await measure(
      Array.from(
        { length: wanted },
        (_, i) => short + Math.round((i + 1) * (between + 1) / (wanted + 1)),
      ),
    );
  }
  const size = first();
  const rest = size === ranking.length
    ? [0]
    : size === 0
    ? [1]
    : await faithfulnessOf(tail, path, [setOf(ranking.slice(size))], ends);
  return {
    size,
    faithfulness: known.get(size)!,
    completeness: rest[0],
    curve: sorted().map((nodes) => ({ nodes, faithfulness: known.get(nodes)! })),
    reached: size < ranking.length,
  };
}

/** Faithfulness of sets of nodes, by running each. */
export async function faithfulnessOf(
  tail: Tail,
  path: Path,
  sets: readonly ReadonlySet<string>[],
  { baseline, input }: { baseline: number; input: number },
): Promise<number[]> {
  const { edited } = await tail.measure(
    path.capture,
    sets.map((set) => ({ edit: circuitEdit(path, set), metric: path.metric })),
  );
  return Array.from(edited, (value) => (value - baseline) / (input - baseline));
}
