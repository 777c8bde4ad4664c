/** A mutation's circuit with what it is compared with. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { type Circuit, faithfulnessOf, growCircuit, setOf } from "./circuit.ts";
import type { Explanation } from "./explain.ts";
import {
  type ExplanationRecord,
  packRecord,
  rankNodes,
  recordOf,
  unpackRecord,
} from "./explain_record.ts";
import type { Attribution } from "./integrate.ts";
import { STREAMS } from "./sample.ts";
import type { Tail } from "./tail.ts";

/** In which order nodes join: by |attribution|, or those first that push as the whole does. */
export const RANKINGS = ["absolute", "signed"] as const;
export type Ranking = typeof RANKINGS[number];

export interface CircuitSettings {
  rank: Ranking;
  /** Share of the effect to restore. */
  share: number;
  seed: number;
}

export interface CircuitRecord {
  /** Its `nodes` are the circuit's, in the order they joined. */
  explanation: ExplanationRecord;
  circuit: Circuit;
  /** Nodes that may join. */
  candidates: number;
  /** Size and faithfulness of the circuit grown along |delta| × decoder norm alone. */
  byMagnitude: Pick<Circuit, "size" | "faithfulness" | "curve">;
  /** Faithfulness of as many nodes drawn at random. */
  randomFaithfulness: number;
}

/** Grows an explanation's circuit. @param trial number of the mutation, for what is drawn */
export async function findCircuit(
  tail: Tail,
  explanation: Explanation,
  { rank, share, seed }: CircuitSettings,
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
  const drawn = setOf(shuffle(absolute, seed, trial).slice(0, circuit.size));
  const trivial = circuit.size === 0 || circuit.size === ranking.length;
  const [randomFaithfulness] = trivial
    ? [circuit.faithfulness]
    : await faithfulnessOf(tail, path, [drawn], explanation);
  const kept = recordOf(explanation, path.edit.length, tail.space.latents, 0);
  return {
    explanation: { ...kept, nodes: ranking.slice(0, circuit.size) },
    circuit,
    candidates: ranking.length,
    byMagnitude: { size: plain.size, faithfulness: plain.faithfulness, curve: plain.curve },
    randomFaithfulness,
  };
}

function shuffle(nodes: readonly Attribution[], seed: number, trial: number): Attribution[] {
  const stream = new PhiloxStream(seed, STREAMS.circuit);
  const order = [...nodes];
  for (let i = order.length - 1; i > 0; i--) {
    const j = stream.below(i + 1, trial, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** A record as numbers, for the progress file. */
export function packCircuit(record: CircuitRecord): Float64Array {
  const { circuit, byMagnitude } = record;
  return Float64Array.from([
    ...packRecord(record.explanation),
    circuit.size,
    circuit.faithfulness,
    circuit.completeness,
    Number(circuit.reached),
    record.candidates,
    byMagnitude.size,
    byMagnitude.faithfulness,
    record.randomFaithfulness,
    circuit.curve.length,
    ...[circuit.curve, byMagnitude.curve].flat()
      .flatMap(({ nodes, faithfulness }) => [nodes, faithfulness]),
  ]);
}

export function unpackCircuit(values: Float64Array): CircuitRecord {
  const [explanation, rest] = unpackRecord(values);
  const [size, faithfulness, completeness, reached, candidates, plainSize, plain, random] = rest;
  const points = rest[8];
  const curve = Array.from({ length: (rest.length - 9) / 2 }, (_, i) => ({
    nodes: rest[9 + 2 * i],
    faithfulness: rest[10 + 2 * i],
  }));
  return {
    explanation,
    circuit: {
      size,
      faithfulness,
      completeness,
      reached: reached === 1,
      curve: curve.slice(0, points),
    },
    candidates,
    byMagnitude: { size: plainSize, faithfulness: plain, curve: curve.slice(points) },
    randomFaithfulness: random,
  };
}
