/** A training step on hidden residues as rows and peers time it: of all weights, or of adapters beside them. */
import type { Backend } from "../backend/mod.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { randomCheckpoint } from "../checkpoint/random.ts";
import type { AdapterPart } from "../esm2/adapters.ts";
import { AdapterWeights, type LinearAdapter } from "../esm2/adapter_weights.ts";
import { Esm2, type PlannedBatch, type WeightGradients } from "../esm2/mod.ts";
import { LiveWeights, readWeights, weightShapes } from "../esm2/trainable.ts";
import { loadResident } from "../esm2/weights.ts";
import { addGradients } from "../mlm/loss.ts";
import { countOf, openParameters, type Parameters } from "../train/parameters.ts";
import { randomBatch } from "./sequences.ts";

/** Every so many tokens one is asked for: 15 %. */
const ASKED_EVERY = 7;

/** Of adapters: rank and scale, beside the projections that most adapters have. */
const RANK = 8, SCALE = 2, ADAPTED = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

export interface TrainingCase {
  config: Esm2Config;
  residues: number;
  sequences: number;
  mode: "full" | "lora";
}

/** A model of random weights with its parameters; each step moves them. */
export class TrainingStep implements AsyncDisposable {
  #steps = 0;

  private constructor(
    readonly esm: Esm2,
    readonly parameters: Parameters,
    readonly batch: PlannedBatch,
    readonly labels: Int32Array,
    readonly rows: readonly number[],
    readonly trained?: Omit<WeightGradients, "visit">,
  ) {}

  static async open(
    backend: Backend,
    { config, residues, sequences, mode }: TrainingCase,
  ): Promise<TrainingStep> {
    using checkpoint = randomCheckpoint(mode, config);
    const batch = randomBatch(residues, sequences), { ids } = batch;
    const labels = ids.map((id, i) => i % ASKED_EVERY === 0 ? id : -100);
    const rows = Array.from(labels.keys()).filter((i) => labels[i] >= 0);
    const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
    if (mode === "full") {
      const shapes = weightShapes(config), weights = await readWeights(checkpoint, shapes.keys());
      const parameters = await openParameters(backend, shapes, weights, { decay: 0.01 });
      const source = new LiveWeights((name) => parameters.tensor(name));
      const esm = Esm2.ofWeights(source, { config, backend, invFreq });
      return new TrainingStep(esm, parameters, batch, labels, rows);
    }
    const form: LinearAdapter = { rank: RANK, bias: false, magnitude: false, scale: SCALE };
    const linears = new Map(
      Array.from({ length: config.layers }, (_, layer) => layer).flatMap((layer) =>
        ADAPTED.map((module) => [`layers.${layer}.${module}`, form] as const)
      ),
    );
    const shapes = AdapterWeights.shapes({ config, linears });
    const arrays = Object.fromEntries(
      [...shapes].map(([name, [rows, columns]]) => [
        name,
        new Float32Array(rows * columns).fill(
          name.endsWith("lora_A" satisfies AdapterPart) ? 0.02 : 0,
        ),
      ]),
    );
    const parameters = await openParameters(backend, shapes, arrays, { decay: 0.01 });
    const source = new AdapterWeights(await loadResident(checkpoint, backend), {
      ...{ config, backend, linears },
      tensor: (name) => parameters.tensor(name),
    });
    const embedding = await checkpoint.read("embed_tokens.weight");
    const esm = Esm2.ofWeights(source, { config, backend, invFreq, embedding });
    const trained: Omit<WeightGradients, "visit"> = {
      wants: (layer) => source.trained(layer) as ReturnType<WeightGradients["wants"]>,
    };
    return new TrainingStep(esm, parameters, batch, labels, rows, trained);
  }

  /** Numbers that are trained. */
  get count(): number {
    return countOf(this.parameters.shapes);
  }

  /** A pass without gradients of the same batch, logits of the same rows. */
  async forward(): Promise<Float32Array> {
    using result = await this.esm.run(this.batch, { head: { rows: this.rows } });
    return await result.logits!.read();
  }

  /** Gradients, clipping and AdamW. @returns the gradient's length */
  async step(): Promise<number> {
    const { esm, batch, labels, rows, parameters, trained } = this;
    const found = await addGradients(esm, batch, labels, 1 / rows.length, parameters, trained);
    using losses = found!.losses;
    const { norm } = await parameters.step({
      ...{ step: ++this.#steps, rate: 1e-4, clip: 1 },
      alongside: [losses],
    });
    return norm;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.esm[Symbol.asyncDispose]();
    await this.parameters[Symbol.asyncDispose]();
  }
}
