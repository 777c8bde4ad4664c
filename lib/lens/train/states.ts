/** States of hidden residues after every block, and what the model says of them in the end. */
import { VOCABULARY } from "../../../kernels/token_log_probs/types.ts";
import type { Program, Tensor } from "../../backend/types.ts";
import { MASK } from "../../esm2/alphabet.ts";
import type { Esm2 } from "../../esm2/mod.ts";
import { Graph } from "../../onnx/graph.ts";
import { gatherRows } from "../../onnx/ops.ts";
import type { Corpus } from "../../train/corpus.ts";
import type { Crop } from "../../train/feed.ts";
import { permutation } from "../../train/random.ts";

/** Counts draws apart from those of the sequences' order. */
const HIDDEN_STREAM = 901;

/** A part of a sequence with some residues hidden. */
export interface HiddenCrop {
  readonly ids: Int32Array;
  /** Tokens that are hidden, ascending. */
  readonly tokens: readonly number[];
}

/**
 * Reads crops and hides a share of the residues of each, one at least.
 *
 * @param round with the crop decides which: another in each epoch
 */
export async function hideResidues(
  corpus: Corpus,
  crops: readonly Crop[],
  { share, seed, round }: { share: number; seed: number; round: number },
): Promise<HiddenCrop[]> {
  const found: HiddenCrop[] = [];
  for (const { sequence, from, residues } of crops) {
    const ids = await corpus.tokens(sequence, from, residues);
    const count = Math.max(1, Math.round(share * residues));
    const order = permutation(residues, seed, HIDDEN_STREAM + sequence, round);
    const tokens = [...order.subarray(0, count)].map((i) => i + 1).sort((a, b) => a - b);
    for (const token of tokens) ids[token] = MASK;
    found.push({ ids, tokens });
  }
  return found;
}

/** Of R hidden residues. */
export interface HiddenStates {
  /** f32[R, D] after 0 … layers − 1 blocks. */
  readonly layers: readonly Float32Array[];
  /** f32[R, 33]: the model's own probabilities. */
  readonly last: Float32Array;
}

/** Runs crops and keeps the rows of their hidden residues. */
export class StateReader implements AsyncDisposable {
  private constructor(readonly esm: Esm2, readonly gather?: Program) {}

  static async open(esm: Esm2): Promise<StateReader> {
    if (!esm.backend.gpu) return new StateReader(esm);
    const g = new Graph("gather");
    const x = g.input("x", "float32", ["N", esm.config.dModel]);
    g.output("rows_of_x", gatherRows(g, x, g.input("rows", "float32", ["R"])));
    return new StateReader(esm, await esm.backend.compile(g));
  }

  async read(
    crops: readonly HiddenCrop[],
    { tokenBudget, signal }: { tokenBudget: number; signal?: AbortSignal },
  ): Promise<HiddenStates> {
    const { esm } = this, { layers, dModel } = esm.config;
    const count = crops.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const all = Array.from({ length: layers }, () => new Float32Array(count * dModel));
    const last = new Float32Array(count * VOCABULARY);
    const ids = crops.map((crop) => crop.ids);
    let begin = 0;
    for (const batch of esm.planBatches(ids, tokenBudget)) {
      signal?.throwIfAborted();
      const rows = batch.members.flatMap((member, b) =>
        crops[member].tokens.map((token) => b * batch.width + token)
      );
      using _ = await esm.run(batch, {
        signal,
        visitor: {
          hidden: async ({ depth, hidden }) => {
            if (depth === layers) return;
            all[depth].set(await this.#rows(hidden, rows), begin * dModel);
          },
        },
        lenses: [{
          rows,
          wants: (depth) => depth === layers,
          visit: async (_, logits) =>
            last.set(softmaxRows(logits.peek() ?? await logits.read()), begin * VOCABULARY),
        }],
      });
      begin += rows.length;
    }
    return { layers: all, last };
  }

  async #rows(hidden: Tensor, rows: readonly number[]): Promise<Float32Array> {
    const { dModel } = this.esm.config, data = hidden.peek();
    if (data) {
      const out = new Float32Array(rows.length * dModel);
      rows.forEach((row, r) =>
        out.set(data.subarray(row * dModel, (row + 1) * dModel), r * dModel)
      );
      return out;
    }
    using numbers = this.esm.backend.upload("rows", [rows.length], Float32Array.from(rows));
    const { rows_of_x } = await this.gather!.run(
      { x: hidden, rows: numbers },
      { rows_of_x: [rows.length, dModel] },
    );
    using found = rows_of_x;
    return await found.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gather?.[Symbol.asyncDispose]();
  }
}

/** Probabilities of each row of logits f32[R, 33]. */
export function softmaxRows(logits: Float32Array): Float32Array {
  const out = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += VOCABULARY) {
    const row = logits.subarray(at, at + VOCABULARY);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - largest);
    for (let t = 0; t < VOCABULARY; t++) out[at + t] = Math.exp(row[t] - largest) / sum;
  }
  return out;
}
