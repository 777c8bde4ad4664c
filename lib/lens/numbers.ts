/** What predictions say: letters, ranks, entropies, and where along the depth they are settled. */
import {
  LENS_LETTERS,
  type LensName,
  PREDICTION,
  type Predictions,
  type Reading,
} from "./types.ts";

const LETTERS = LENS_LETTERS.length;

/** Predictions by residue, lens and layer. */
export class LensView {
  /** Blocks of the model. */
  readonly layers: number;
  /** Which there are. */
  readonly lenses: readonly LensName[];
  readonly #place = new Map<string, number>();

  /**
   * Looks at predictions of a stretch of a protein.
   *
   * @param letters of it, one a residue
   */
  constructor(readonly predictions: Predictions, readonly letters: string) {
    const { places } = predictions;
    places.forEach(({ lens, layer }, p) => this.#place.set(`${lens} ${layer}`, p));
    this.layers = Math.max(...places.map(({ layer }) => layer));
    this.lenses = [...new Set(places.map(({ lens }) => lens))];
  }

  /** Place of a prediction's first value. @param residue from 0 */
  #at(residue: number, lens: LensName, layer: number): number {
    // After all blocks every lens is the model's own answer.
    const place = this.#place.get(`${layer === this.layers ? "logit" : lens} ${layer}`)!;
    return (residue * this.predictions.places.length + place) * PREDICTION;
  }

  /** Log p among the 20 letters. */
  logProbs(residue: number, lens: LensName, layer: number): Float32Array {
    const at = this.#at(residue, lens, layer);
    return this.predictions.data.subarray(at, at + LETTERS);
  }

  /** The letter of the highest probability. */
  top(residue: number, lens: LensName, layer: number): string {
    return LENS_LETTERS[topOf(this.logProbs(residue, lens, layer))];
  }

  /** What the prediction says. @param residue from 0 */
  read(residue: number, lens: LensName, layer: number): Reading {
    const own = this.logProbs(residue, lens, layer), top = topOf(own);
    const final = this.logProbs(residue, lens, this.layers);
    const truth = LENS_LETTERS.indexOf(this.letters[residue]);
    let entropy = 0;
    for (const x of own) entropy -= Math.exp(x) * x;
    return {
      letter: LENS_LETTERS[top],
      probability: Math.exp(own[top]),
      rank: truth < 0 ? NaN : 1 + own.filter((x) => x > own[truth]).length,
      logProb: truth < 0 ? NaN : own[truth],
      entropy,
      kl: divergence(final, own),
      outside: this.predictions.data[this.#at(residue, lens, layer) + LETTERS],
    };
  }

  /** The first layer from which the highest letter stays that of the end. */
  decidedAt(residue: number, lens: LensName): number {
    const final = this.top(residue, lens, this.layers);
    let layer = this.layers;
    while (layer > 0 && this.top(residue, lens, layer - 1) === final) layer--;
    return layer;
  }
}

function topOf(logProbs: Float32Array): number {
  let top = 0;
  for (let a = 1; a < logProbs.length; a++) if (logProbs[a] > logProbs[top]) top = a;
  return top;
}

/** Σ p (log p − log q), nats. */
export function divergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (let a = 0; a < p.length; a++) sum += Math.exp(p[a]) * (p[a] - q[a]);
  // Zero up to rounding where both are the same.
  return Math.max(0, sum);
}

/** Means over residues at a lens and layer. */
export interface LayerMeans {
  /** Which way states go to the head. */
  readonly lens: LensName;
  /** Blocks that have run. */
  readonly layer: number;
  /** Residues whose own letter is one of the 20. */
  readonly lettered: number;
  /** All residues. */
  readonly residues: number;
  /** Of the residue's own letter, nats. */
  readonly logProb: number;
  /** Of the 20 probabilities, nats. */
  readonly entropy: number;
  /** KL(last ‖ layer), nats. */
  readonly kl: number;
  /** Share of the residues whose own letter is predicted. */
  readonly accuracy: number;
  /** Share of the residues whose highest letter is, from here on, that of the end. */
  readonly decided: number;
  /** Probability of tokens that are no amino acid. */
  readonly outside: number;
}

/** A row for each lens and layer. */
export function layerMeans(view: LensView): LayerMeans[] {
  const { letters, lenses, layers } = view, residues = letters.length;
  const decided = new Map(
    lenses.map((lens) => [lens, Array.from(letters, (_, r) => view.decidedAt(r, lens))] as const),
  );
  return lenses.flatMap((lens) =>
    Array.from({ length: layers + 1 }, (_, layer): LayerMeans => {
      let lettered = 0, logProb = 0, entropy = 0, kl = 0, right = 0, outside = 0;
      for (let r = 0; r < residues; r++) {
        const reading = view.read(r, lens, layer);
        entropy += reading.entropy;
        kl += reading.kl;
        outside += reading.outside;
        if (Number.isNaN(reading.rank)) continue;
        lettered++;
        logProb += reading.logProb;
        if (reading.rank === 1) right++;
      }
      return {
        ...{ lens, layer, lettered, residues },
        logProb: logProb / lettered,
        entropy: entropy / residues,
        kl: kl / residues,
        accuracy: right / lettered,
        decided: decided.get(lens)!.filter((at) => at <= layer).length / residues,
        outside: outside / residues,
      };
    })
  );
}

/** How often the commonest letter of a protein is right: what naming it everywhere gives. */
export function commonest(letters: string): { letter: string; share: number } {
  const counts = [...LENS_LETTERS].map((letter) => letters.split(letter).length - 1);
  const all = counts.reduce((a, b) => a + b, 0), most = Math.max(...counts);
  return { letter: LENS_LETTERS[counts.indexOf(most)], share: most / all };
}
