/** A mutation's circuit with what it is compared with. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { type Circuit, faithfulnessOf, growCircuit, type Node, setOf } from "./circuit.ts";
import type { Explanation } from "./explain.ts";
import { type ExplanationRecord, rankNodes, recordOf } from "./explain_record.ts";
import { STREAMS } from "./sample.ts";
import type { Tail } from "./tail.ts";

/** In which order nodes join: by |attribution|, or those first that push as the whole does. */
export const RANKINGS = ["absolute", "signed"] as const;
/**
 * Whether nodes join by the size of their attribution, or by how far it goes in the effect's
 * direction.
 */
export type Ranking = typeof RANKINGS[number];

/** How a circuit is grown and what it is compared with. */
export interface CircuitSettings {
  /** Order in which nodes join. */
  rank: Ranking;
  /** Share of the effect to restore. */
  share: number;
  /** Of what is drawn. */
  seed: number;
  /** Random sets that each circuit is compared with. */
  draws: number;
}

/** Faithfulness of sets that were drawn at random; NaN where there is only one such set. */
export interface RandomSets {
  /** Mean over the sets. */
  mean: number;
  /** Standard deviation over the sets. */
  sd: number;
  /** The largest of the sets. */
  most: number;
}

/** A circuit with what it is judged by. */
export interface CircuitRecord {
  /** Its `nodes` are the circuit's, in the order they joined. */
  explanation: ExplanationRecord;
  /** The circuit itself. */
  circuit: Circuit;
  /** Nodes that may join. */
  candidates: number;
  /** Size and faithfulness of the circuit grown along |delta| × decoder norm alone. */
  byMagnitude: Pick<Circuit, "size" | "faithfulness" | "curve">;
  /** Of as many nodes at the same tokens. */
  random: RandomSets;
}

/** Grows an explanation's circuit. @param trial number of the mutation, for what is drawn */
export async function findCircuit(
  tail: Tail,
  explanation: Explanation,
  { rank, share, seed, draws }: CircuitSettings,
  trial: number,
): Promise<CircuitRecord> {
  const { path, nodes, input, baseline } = explanation;
  const absolute = rankNodes(nodes);
  const direction = Math.sign(input - baseline);
  const ranking = rank === "absolute"
    ? absolute
    : absolute.toSorted((a, b) => direction * (b.attribution - a.attribution));
  const magnitude = absolute.toSorted((a, b) => b.displacement - a.displacement);
  const circuit = await growCircuit(tail, path, ranking, explanation, share);
  const plain = await growCircuit(tail, path, magnitude, explanation, share);
  const chosen = ranking.slice(0, circuit.size);
  const sets = drawSets(absolute, chosen, draws, { seed, trial }).map(setOf);
  const random = spread(
    sets.length > 0 ? await faithfulnessOf(tail, path, sets, explanation) : [],
  );
  const kept = recordOf(explanation, path.edit.length, tail.space.latents, 0);
  return {
    explanation: { ...kept, nodes: chosen },
    circuit,
    candidates: ranking.length,
    byMagnitude: { size: plain.size, faithfulness: plain.faithfulness, curve: plain.curve },
    random,
  };
}

/**
 * Sets with as many of all nodes at each token as the chosen ones have there.
 *
 * @param trial number of the mutation, so that each has draws of its own
 * @returns none where there is no other choice
 */
export function drawSets<N extends Node>(
  all: readonly N[],
  chosen: readonly Node[],
  draws: number,
  { seed, trial }: { seed: number; trial: number },
): N[][] {
  const stream = new PhiloxStream(seed, STREAMS.circuit);
  const counts = Map.groupBy(chosen, ({ token }) => token);
  const tokens = [...Map.groupBy(all, ({ token }) => token)]
    .map(([token, nodes]) => ({ nodes, count: counts.get(token)?.length ?? 0 }));
  if (tokens.every(({ nodes, count }) => count === 0 || count === nodes.length)) return [];
  let number = 0;
  return Array.from({ length: draws }, () =>
    tokens.flatMap(({ nodes, count }) => {
      const order = [...nodes];
      for (let i = 0; i < count; i++) {
        const j = i + stream.below(order.length - i, trial, number++);
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order.slice(0, count);
    }));
}

function spread(values: readonly number[]): RandomSets {
  if (values.length === 0) return { mean: NaN, sd: NaN, most: NaN };
  const mean = values.reduce((a, b) => a + b) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / (values.length - 1)), most: Math.max(...values) };
}
