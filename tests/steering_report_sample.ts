/** Made-up results of the size and kind that `sae steer` gives, for tests of its report. */
import type { SteeredView, SteeringReport } from "../lib/causal/report/steering_report.ts";
import { random } from "./report_sample.ts";

const LETTERS = "ACDEFGHIKLMNPQRSTVWY";

/** A protein numbered from 11 whose prediction moves at some of the residues. */
export function sampleSteeringReport(
  { length, from, to, seed }: { length: number; from: number; to: number; seed: number },
  title: string,
): SteeringReport {
  const next = random(seed), letter = () => LETTERS[Math.floor(20 * next())];
  const residues = Array.from({ length }, (_, i): SteeredView => {
    const position = i + 1, own = letter(), before = next() < 0.7 ? own : letter();
    const isSteered = position >= from && position <= to;
    const logProbBefore = -3 * next(), steeredLogProbBefore = -4 - next();
    return {
      ...{ position, letter: own, before, logProbBefore, steeredLogProbBefore },
      after: isSteered && next() < 0.6 ? "V" : before,
      logProbAfter: logProbBefore - (isSteered ? 2 : 0.01) * next(),
      steeredLogProbAfter: -next(),
      divergence: (isSteered ? 3 : 0.01) * next(),
    };
  });
  return {
    title,
    subtitle: "esm2_t33_650M_UR50D, layer 24: latent 184 at 5 × its maximum",
    notes: [],
    protein: {
      id: "P",
      residues: residues.map(({ letter }) => letter).join(""),
      offset: 11,
    },
    residues,
    latents: [{
      ...{ latent: 184, becomes: "at 5 × its maximum", active: 3 },
      ...{ meanBefore: 0.2, meanAfter: 20.7, maxBefore: 4.14 },
    }],
    tokens: Array.from({ length: to - from + 1 }, (_, i) => from + i),
    autoencoder: {
      ...{ name: "interprot", layer: 24, latents: 4096, k: 64, normalisation: "zscore" },
      quality: { residues: 1234, fvu: 0.21, lossRecovered: 0.973, meanActive: 63.4 },
    },
    provenance: { command: "sae steer", model: { name: "esm2_t33_650M_UR50D" } },
  };
}
