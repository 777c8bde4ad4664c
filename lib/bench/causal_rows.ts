/** Patches and steps of integrated gradients on top of the passes that they cannot do without. */
import { ephb2 } from "../../data/ephb2.ts";
import {
  randomEncoder,
  randomValues,
} from "../../kernels/topk_sae_encode/topk_sae_encode_cases.ts";
import type { Backend, Tensor } from "../backend/mod.ts";
import { captureSequences } from "../causal/capture.ts";
import { candidatesOf, donorEdit, editOf } from "../causal/edits.ts";
import { integrate } from "../causal/integrate.ts";
import { LatentSpace } from "../causal/latent_space.ts";
import { type Metric, metricOf, type Read } from "../causal/metric.ts";
import { EngineGradient } from "../causal/gradients.ts";
import { Tail } from "../causal/tail.ts";
import type { Capture, Edit } from "../causal/types.ts";
import { Esm2, padBatch, type TokenBatch, tokenize, TOKENS } from "../esm2/mod.ts";
import { SaeCoder } from "../sae/coder.ts";
import type { Sae } from "../sae/types.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** Of the 8M shape's six blocks. */
const DEPTH = 3;
const LATENTS = 2048, K = 32;

/** Copies of the 66-residue domain that run together, and batches of them. */
const SIZE = 8, BATCHES = 4, COUNT = SIZE * BATCHES;

/** Single latents patched into the domain, against its tail run in the same batches. */
export async function warmPatchRow(backend: Backend, options: WarmOptions): Promise<AnalysisRow> {
  await using bench = await Bench.open(backend, options.signal);
  const { model, tail, edit, base, metric, batch, rows, hidden } = bench;
  const candidates = candidatesOf(edit);
  const jobs = Array.from({ length: COUNT }, (_, i) => ({
    edit: editOf([candidates[i % candidates.length]]),
    metric,
  }));
  return await warmAnalysis(backend, {
    command: "sae patch",
    subject: `8M shape, ${COUNT} patches of 66 residues, over the blocks after them`,
    yardstick: { config: model.config, tokens: tail.tokenBudget },
    async plain() {
      for (let i = 0; i < BATCHES; i++) {
        using result = await model.run(batch, { from: { depth: DEPTH, hidden }, head: { rows } });
        await result.logits!.read();
      }
    },
    analysis: () => tail.measure(base, jobs),
  }, options);
}

/** Steps of integrated gradients over all residues, against as many gradients of the tail. */
export async function warmIgRow(backend: Backend, options: WarmOptions): Promise<AnalysisRow> {
  await using bench = await Bench.open(backend, options.signal);
  const { model, tail, edit, base, metric, batch, rows, hidden } = bench;
  const gradient = new EngineGradient(tail);
  const path = { capture: base, edit, from: 0, to: 1, metric };
  using cotangent = backend.upload("cotangent", [SIZE, TOKENS.length], differences(metric[0]));
  return await warmAnalysis(backend, {
    command: "sae ig",
    subject: `8M shape, ${COUNT} steps at 66 residues, over forward and gradient`,
    yardstick: { config: model.config, tokens: tail.tokenBudget },
    async plain() {
      for (let i = 0; i < BATCHES; i++) {
        const from = { depth: DEPTH, hidden };
        using result = await model.gradient(batch, { from, rows, wrt: DEPTH, cotangent });
        const found = result.gradients.get(DEPTH)!;
        // A device works on after `gradient` has returned.
        if (!found.data) await found.read();
      }
    },
    analysis: () =>
      integrate(
        gradient,
        bench.space,
        [path],
        { rule: "gauss-legendre", steps: COUNT },
        { tokenBudget: tail.tokenBudget, backend, signal: options.signal },
      ),
  }, options);
}

/** A mutation of the domain with a random model and a random autoencoder. */
class Bench implements AsyncDisposable {
  /** Rows of the mutated residue. */
  readonly rows: number[];
  readonly batch: TokenBatch;

  private constructor(
    readonly owned: AsyncDisposableStack,
    readonly model: Esm2,
    readonly space: LatentSpace,
    readonly tail: Tail,
    readonly base: Capture,
    readonly edit: Edit,
    readonly metric: Metric,
    /** f32[SIZE · T, D], the copies unedited. */
    readonly hidden: Tensor,
  ) {
    this.batch = padBatch(Array.from({ length: SIZE }, () => base.ids));
    this.rows = Array.from({ length: SIZE }, (_, b) => b * base.ids.length + metric[0].token);
  }

  static async open(backend: Backend, signal?: AbortSignal): Promise<Bench> {
    await using stack = new AsyncDisposableStack();
    const checkpoint = stack.use(randomCheckpoint("8M", SHAPES["8M"]));
    const model = stack.use(await Esm2.open(checkpoint, backend));
    const sae = randomSae(model.config.dModel), space = new LatentSpace(sae);
    const coder = stack.use(await SaeCoder.open(sae, backend));
    const { residues } = ephb2, position = 8, from = residues[position - 1], to = "A";
    const mutant = residues.slice(0, position - 1) + to + residues.slice(position);
    const ids = [residues, mutant].map((one) => tokenize({ id: "domain", residues: one }));
    const [[base, donor]] = await captureSequences(model, [coder], ids, { signal });
    const everywhere = ids[0].slice(1, -1).keys().map((i) => i + 1).toArray();
    const tokenBudget = SIZE * ids[0].length;
    const tail = stack.use(new Tail(model, space, { tokenBudget, signal }));
    const copies = new Float32Array(SIZE * base.hidden.length);
    for (let b = 0; b < SIZE; b++) copies.set(base.hidden, b * base.hidden.length);
    const hidden = stack.use(
      backend.upload("copies", [tokenBudget, model.config.dModel], copies),
    );
    const edit = donorEdit(space, base, donor, everywhere);
    const metric = metricOf([{ position, from, to }], { kind: "difference" });
    return new Bench(stack.move(), model, space, tail, base, edit, metric, hidden);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
  }
}

function randomSae(dModel: number): Sae {
  return {
    ...randomEncoder({ tokens: 1, dModel, latents: LATENTS }, 1),
    wDec: randomValues(LATENTS * dModel, 4, 1 / Math.sqrt(dModel)),
    config: {
      name: "random",
      dModel,
      latents: LATENTS,
      depth: DEPTH,
      afterFinalNorm: false,
      normalisation: "zscore",
      k: K,
    },
  };
}

/** d(logit of one letter − logit of another) / d logits, f32[SIZE, 33]. */
function differences({ plus, minus }: Read): Float32Array {
  const out = new Float32Array(SIZE * TOKENS.length);
  for (let b = 0; b < SIZE; b++) {
    out[b * TOKENS.length + plus] = 1;
    if (minus !== undefined) out[b * TOKENS.length + minus] = -1;
  }
  return out;
}
