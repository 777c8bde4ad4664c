/** Reads what the head would say after every block; only the 33 logits of a residue leave the device. */
import { FIRST_LETTER, LETTERS, VOCABULARY } from "../../kernels/token_log_probs/types.ts";
import type { Tensor } from "../backend/types.ts";
import { defaultTokenBudget, type Esm2, type StreamLens } from "../esm2/mod.ts";
import type { GpuTensor } from "../gpu/mod.ts";
import { type Place, PREDICTION, type Predictions } from "./types.ts";
import { type TunedLens, UploadedLens } from "./tuned.ts";

/** A sequence that runs, and the tokens of it that are read. */
export interface LensPass {
  /** `<cls>` residues `<eos>`; those to predict are most often `<mask>`. */
  readonly ids: Int32Array;
  /** Places in the row. */
  readonly tokens: readonly number[];
}

/** How layers are read. */
export interface LensOptions {
  /** Read through these maps too. @default none */
  tuned?: TunedLens;
  /** Tokens that run together, padding included. @default 1024 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Lenses after every block; after the last all are the model's own answer, which the first has. */
export function placesOf(layers: number, isTuned: boolean): Place[] {
  const depths = (count: number) => Array.from({ length: count }, (_, layer) => layer);
  return [
    ...depths(layers + 1).map((layer): Place => ({ lens: "logit", layer })),
    ...(isTuned ? depths(layers).map((layer): Place => ({ lens: "tuned", layer })) : []),
  ];
}

/** Logits f32[R, 33] of a number of rows, at each place. */
export type LensLogits = readonly Float32Array[];

/** Lenses on a model. Create one per model. */
export class LensReader implements Disposable {
  /** What is read, in the order of predictions. */
  readonly places: readonly Place[];
  /** Tokens that run together. */
  readonly tokenBudget: number;
  readonly #tuned?: UploadedLens;

  /** Uploads the maps, where there are some. */
  constructor(readonly esm: Esm2, readonly options: LensOptions = {}) {
    const { tuned, tokenBudget } = options;
    this.places = placesOf(esm.config.layers, tuned !== undefined);
    this.tokenBudget = tokenBudget ?? defaultTokenBudget(esm.backend);
    this.#tuned = tuned && new UploadedLens(esm.backend, tuned);
  }

  /**
   * Predictions of the tokens of each pass.
   *
   * @param onRead hears how many passes are done
   */
  async read(
    passes: readonly LensPass[],
    onRead?: (passes: number) => void,
  ): Promise<Predictions[]> {
    const { esm, places, tokenBudget } = this, found: Predictions[] = [];
    const rows = passes.map(({ ids }) => ids);
    let done = 0;
    for (const batch of esm.planBatches(rows, tokenBudget)) {
      this.options.signal?.throwIfAborted();
      const chosen = batch.members.flatMap((member, b) =>
        passes[member].tokens.map((token) => b * batch.width + token)
      );
      const logits = await this.logits(batch, chosen);
      let row = 0;
      for (const member of batch.members) {
        const residues = passes[member].tokens.length;
        const data = new Float32Array(residues * places.length * PREDICTION);
        for (let r = 0; r < residues; r++, row++) {
          logits.forEach((values, p) =>
            predict(values, row * VOCABULARY, data, (r * places.length + p) * PREDICTION)
          );
        }
        found[member] = { places, residues, data };
      }
      onRead?.(done += batch.size);
    }
    return found;
  }

  /** Logits of rows of a batch at each place. */
  async logits(
    batch: Parameters<Esm2["run"]>[0],
    rows: readonly number[],
  ): Promise<LensLogits> {
    const { esm: { backend, config }, places } = this, tuned = this.#tuned;
    const found: Float32Array[] = [], kept: { at: number; logits: Tensor }[] = [];
    using owned = new DisposableStack();
    const lensOf = (lens: Place["lens"]): StreamLens => ({
      rows,
      wants: (depth) => lens === "logit" || depth < config.layers,
      translator: (depth) => lens === "tuned" ? tuned!.at(depth) : undefined,
      visit(depth, logits) {
        const at = places.findIndex((place) => place.lens === lens && place.layer === depth);
        if (backend.gpu) kept.push({ at, logits: owned.use(logits.keep()) });
        else found[at] = logits.peek()!.slice();
      },
    });
    const { signal } = this.options;
    const lenses = (["logit", ...(tuned ? ["tuned"] : [])] as Place["lens"][]).map(lensOf);
    using _ = await this.esm.run(batch, { lenses, signal });
    if (backend.gpu) {
      // A read-back waits about 11 ms: all places at once.
      const tensors = kept.map(({ logits }) => logits.gpu as GpuTensor<"f32">);
      const arrays = await backend.gpu.readAll(tensors);
      kept.forEach(({ at }, i) => found[at] = arrays[i] as Float32Array);
    }
    return found;
  }

  /** Frees the maps. */
  [Symbol.dispose](): void {
    this.#tuned?.[Symbol.dispose]();
  }
}

/** Log probabilities among the 20 letters, and the probability of all else, of one row of logits. */
export function predict(
  logits: Float32Array,
  from: number,
  into: Float32Array,
  to: number,
): void {
  let largest = -Infinity, largestLetter = -Infinity;
  for (let t = 0; t < VOCABULARY; t++) {
    const logit = logits[from + t];
    largest = Math.max(largest, logit);
    if (isLetter(t)) largestLetter = Math.max(largestLetter, logit);
  }
  let all = 0, letters = 0, others = 0;
  for (let t = 0; t < VOCABULARY; t++) {
    const logit = logits[from + t], power = Math.exp(logit - largest);
    all += power;
    if (isLetter(t)) letters += Math.exp(logit - largestLetter);
    else others += power;
  }
  const normaliser = largestLetter + Math.log(letters);
  for (let a = 0; a < LETTERS; a++) into[to + a] = logits[from + FIRST_LETTER + a] - normaliser;
  into[to + LETTERS] = others / all;
}

const isLetter = (token: number) => token >= FIRST_LETTER && token < FIRST_LETTER + LETTERS;
