/** What ESMFold says of its own errors: pLDDT, PAE and pTM, from logits. */
import { ATOMS_37 } from "./constants.ts";
import { LDDT_BINS, PAIR_BINS } from "./tensors.ts";

/** Largest predicted aligned error: the centre of the last bin, Å. */
export const MAX_PAE = 31.75;
const PAE_STEP = 0.5;
/** Lower edges of the distogram's bins as ColabFold has them, Å: the first begins at 0. */
const FIRST_EDGE = 2.3125, LAST_EDGE = 21.6875;
/** Distance of Cβ atoms below which residues are in contact, Å. */
const CONTACT = 8;

/** Σ softmax(logits)[k] · weight[k] of every group of logits. */
function expectations(logits: ArrayLike<number>, weights: readonly number[]): Float32Array {
  const bins = weights.length, out = new Float32Array(logits.length / bins);
  for (let n = 0; n < out.length; n++) {
    let most = -Infinity;
    for (let k = 0; k < bins; k++) most = Math.max(most, logits[n * bins + k]);
    let total = 0, sum = 0;
    for (let k = 0; k < bins; k++) {
      const p = Math.exp(logits[n * bins + k] - most);
      total += p;
      sum += p * weights[k];
    }
    out[n] = sum / total;
  }
  return out;
}

const bins = (count: number, at: (k: number) => number) =>
  Array.from({ length: count }, (_, k) => at(k));

/** pLDDT from 0 to 1, f32[L, 37], of logits [L, 37, 50]. */
export const plddtOf = (logits: ArrayLike<number>): Float32Array =>
  expectations(logits, bins(LDDT_BINS, (k) => (k + 0.5) / LDDT_BINS));

/** Predicted aligned error, Å, f32[L, L], of logits [L, L, 64]. */
export const paeOf = (logits: ArrayLike<number>): Float32Array =>
  expectations(logits, bins(PAIR_BINS, (k) => (k + 0.5) * PAE_STEP));

/** Probability that Cβ atoms are nearer than 8 Å, f32[L, L], of a distogram's logits [L, L, 64]. */
export const contactsOf = (logits: ArrayLike<number>): Float32Array => {
  const step = (LAST_EDGE - FIRST_EDGE) / (PAIR_BINS - 2);
  const edge = (k: number) => k === 0 ? 0 : FIRST_EDGE + (k - 1) * step;
  return expectations(logits, bins(PAIR_BINS, (k) => Number(edge(k) < CONTACT)));
};

/**
 * Predicted TM-score of logits [L, L, 64]: the best residue to align on (Jumper et al. 2021, supplement
 * 1.9.7), of all residues.
 */
export function ptmOf(logits: ArrayLike<number>, length: number): number {
  const n = Math.max(length, 19), d0 = 1.24 * Math.cbrt(n - 15) - 1.8;
  const terms = expectations(
    logits,
    bins(PAIR_BINS, (k) => 1 / (1 + ((k + 0.5) * PAE_STEP / d0) ** 2)),
  );
  let best = 0;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let j = 0; j < length; j++) sum += terms[i * length + j];
    best = Math.max(best, sum / length);
  }
  return best;
}

/** The Cα's, which is a residue's own: f32[L] of f32[L, 37]. */
export const residuePlddt = (plddt: Float32Array): Float32Array =>
  Float32Array.from({ length: plddt.length / ATOMS_37 }, (_, i) => plddt[i * ATOMS_37 + 1]);
