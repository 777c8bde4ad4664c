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
  /** 0-based, `<cls>` first. */
  token: number;
  /** 0-based; −1 is the reconstruction error. */
  latent: number;
}

/** Faithfulness of one size of a growing circuit. */
export interface CurvePoint {
  /** How many nodes are in it. */
  nodes: number;
  /** Share of the effect that it restores. */
  faithfulness: number;
}

/** The first nodes of a ranking that together restore a share of an effect. */
export interface Circuit {
  /** How many of the first nodes of the ranking it takes. */
  size: number;
  /** (m(circuit) − m(none)) / (m(all) − m(none)) */
  faithfulness: number;
  /** Faithfulness of all other nodes. */
  completeness: number;
  /** Every size that was measured, ascending. */
  curve: CurvePoint[];
  /** Whether the share was reached, and held at the next sizes, before all nodes were in. */
  reached: boolean;
}

/** Sizes up to this are all measured. */
const EACH = 8;
/** A set that gives more than the whole effect by more than this does not restore it. */
export const OVERSHOOT = 0.2;
/** A curve that falls by more than this as nodes join is no curve of a circuit that grows. */
export const DROP = 0.1;
/** Sizes after a circuit's, and their double, that must restore the share as well. */
const NEXT = 3;
/** After so many sizes that did not hold, sizes are left out. */
const PATIENCE = 8;

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
 * A size restores it where its faithfulness, and that of the next three sizes, of twice the size, and of all
 * that are measured in between, is between the share and 1.2: more than the effect is not the effect, and a
 * size between two that fall short is
 * chance. Sizes 1 to 8, 16, 32 … are measured together, then those between the last that falls short and the
 * first that does not, until neighbours are known, then the next sizes. A smaller circuit may restore the
 * share among sizes beyond 8 that were never measured.
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
  const all = ranking.length;
  const known = new Map<number, number>([[0, 0], [all, 1]]);
  const measure = async (sizes: readonly number[]) => {
    const open = sizes.filter((size) => !known.has(size));
    if (open.length === 0) return;
    const sets = open.map((size) => setOf(ranking.slice(0, size)));
    const values = await faithfulnessOf(tail, path, sets, ends);
    open.forEach((size, i) => known.set(size, values[i]));
  };
  const restores = (size: number) => {
    const faithfulness = known.get(size)!;
    return size === all || faithfulness >= share && faithfulness <= 1 + OVERSHOOT;
  };
  const sorted = () => [...known.keys()].sort((a, b) => a - b);
  // Nothing to restore: no set is better than another.
  let size = all;
  if (ends.input !== ends.baseline) {
    await measure(
      Array.from(
        { length: EACH + Math.ceil(Math.log2(Math.max(1, all / EACH))) },
        (_, i) => i < EACH ? i + 1 : EACH * 2 ** (i - EACH + 1),
      ).filter((size) => size < all),
    );
    /** No size up to this holds. */
    let floor = 0;
    for (let failures = 0;;) {
      size = sorted().find((each) => each > floor && restores(each)) ?? all;
      const short = Math.max(floor, sorted().filter((each) => each < size).at(-1) ?? 0);
      const between = size - short - 1;
      if (between > 0) {
        const wanted = Math.min(between, EACH - 1);
        await measure(
          Array.from(
            { length: wanted },
            (_, i) => short + Math.round((i + 1) * (between + 1) / (wanted + 1)),
          ),
        );
        continue;
      }
      if (size === all) break;
      const next = [...Array.from({ length: NEXT }, (_, i) => size + i + 1), 2 * size]
        .filter((each) => each < all);
      await measure(next);
      const until = Math.max(2 * size, size + NEXT);
      const broken = sorted().findLast((each) => each > size && each <= until && !restores(each));
      if (broken === undefined) break;
      floor = broken + (++failures > PATIENCE ? 2 ** (failures - PATIENCE) : 0);
      if (floor >= all) {
        size = all;
        break;
      }
    }
  }
  const rest = size === all
    ? [0]
    : size === 0
    ? [1]
    : await faithfulnessOf(tail, path, [setOf(ranking.slice(size))], ends);
  return {
    size,
    faithfulness: known.get(size)!,
    completeness: rest[0],
    reached: size < all,
    curve: sorted().map((nodes) => ({ nodes, faithfulness: known.get(nodes)! })),
  };
}

/** What of a curve says that its size means little. */
export interface CurveShape {
  /** The largest faithfulness of any size; 1 with all nodes. */
  highest: number;
  /** The most that it falls from one measured size to a larger one. */
  drop: number;
}

export function shapeOf(curve: readonly CurvePoint[]): CurveShape {
  let highest = -Infinity, drop = 0;
  for (const { faithfulness } of curve) {
    highest = Math.max(highest, faithfulness);
    drop = Math.max(drop, highest - faithfulness);
  }
  return { highest, drop };
}

/** Whether more nodes give more of the effect, and never much more than all of it. */
export const isSteady = ({ highest, drop }: CurveShape): boolean =>
  highest <= 1 + OVERSHOOT && drop <= DROP;

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
