/** Made-up results of the size and kind that `sae steer` gives, for tests of its report. */
import {
  LETTERS,
  type SteeredView,
  type SteeringReport,
} from "../lib/causal/report/steering_report.ts";
import { random } from "./report_sample.ts";
import { sampleRun } from "./sae_report_sample.ts";

/** A protein numbered from 11 whose prediction moves at some of the residues. */
export function sampleSteeringReport(
  { length, from, to, seed }: { length: number; from: number; to: number; seed: number },
  id = "P",
): SteeringReport {
  const next = random(seed), V = LETTERS.indexOf("V");
  const before = new Float32Array(20 * length), after = new Float32Array(20 * length);
  const residues = Array.from({ length }, (_, i): SteeredView => {
    const position = i + 1, own = Math.floor(20 * next());
    const isSteered = position >= from && position <= to;
    const logits = Array.from({ length: 20 }, (_, k) => 3 * next() + (k === own ? 2 : 0));
    const moved = logits.map((logit, k) => logit + (isSteered && k === V ? 5 * next() : 0));
    const [p, q] = [logits, moved].map(logs), [best, top] = [p, q].map(highest);
    before.set(p, 20 * i);
    after.set(q, 20 * i);
    return {
      ...{ position, letter: LETTERS[own], before: LETTERS[best], after: LETTERS[top] },
      ...{ logProbBefore: p[own], logProbAfter: q[own] },
      ...{ steeredLogProbBefore: p[top], steeredLogProbAfter: q[top] },
      divergence: Math.max(0, q.reduce((sum, log, k) => sum + Math.exp(log) * (log - p[k]), 0)),
    };
  });
  return {
    notes: [],
    protein: { id, residues: residues.map(({ letter }) => letter).join(""), offset: 11 },
    residues,
    logProbs: { before, after },
    latents: [{
      ...{ latent: 184, becomes: "at 5 × its maximum", active: 3 },
      ...{ meanBefore: 0.2, meanAfter: 20.7, maxBefore: 4.14 },
    }],
    tokens: Array.from({ length: to - from + 1 }, (_, i) => from + i),
    autoencoder: {
      ...{ name: "interprot", layer: 24, latents: 4096, k: 64, normalisation: "zscore" },
      quality: { residues: 1234, fvu: 0.21, lossRecovered: 0.973, meanActive: 63.4 },
    },
    run: sampleRun("sae steer"),
  };
}

function logs(logits: readonly number[]): number[] {
  const sum = Math.log(logits.reduce((all, logit) => all + Math.exp(logit), 0));
  return logits.map((logit) => logit - sum);
}

const highest = (values: readonly number[]) =>
  values.reduce((best, value, k) => value > values[best] ? k : best, 0);
