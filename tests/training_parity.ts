/** Compares gradients and training steps with torch's golden arrays; shared by the test and the printed table. */
import type { Backend, Tensor } from "../lib/backend/mod.ts";
import { type Checkpoint, type EsmTensorName, openCheckpoint } from "../lib/checkpoint/mod.ts";
import { canonicalName } from "../lib/checkpoint/names.ts";
import { BLOCK_WEIGHTS } from "../lib/esm2/block.ts";
import { Esm2, type TokenBatch } from "../lib/esm2/mod.ts";
import { EMBEDDING, LiveWeights, storedName, weightShapes } from "../lib/esm2/trainable.ts";
import { addGradients, lossOf } from "../lib/mlm/loss.ts";
import { type NamedArrays, openParameters } from "../lib/train/parameters.ts";
import { type Array32, fixtureIndex, fixturePath, readFixture, tinyPath } from "./fixtures.ts";
import type { ParityRow } from "./parity.ts";

const RANDOM = "rand_t2_d64_h4";

/** Fixtures that are compared, by what is done with them. */
export const TRAINING_FIXTURES = {
  gradients: ["train/mlm_grads", "tiny_mlm"],
  heads: ["train/head_seq_cls", "train/head_seq_reg", "train/head_token_cls"],
  steps: ["train/mlm_adamw3_hf_schedule", "train/mlm_adamw3_plus_one"],
} as const;

export const trainingFixtures: readonly string[] = Object.values(TRAINING_FIXTURES).flat();

/** Every comparison of a fixture on a backend. */
export async function compareTraining(fixture: string, backend: Backend): Promise<ParityRow[]> {
  const { gradients, heads } = TRAINING_FIXTURES;
  const path = fixture === "tiny_mlm" ? tinyPath : fixturePath(RANDOM);
  using checkpoint = await openCheckpoint(path);
  const found = gradients.some((name) => name === fixture)
    ? await compareGradients(fixture, checkpoint, backend)
    : heads.some((name) => name === fixture)
    ? await compareHead(fixture, checkpoint, backend)
    : await compareSteps(fixture, checkpoint, backend);
  return found.map((row) => ({ ...row, fixture, backend: backend.name }));
}

export type Row = Pick<ParityRow, "array" | "maxAbsDiff" | "allowed">;
type Parameters = Record<string, Float32Array>;

export function batchOfArrays(
  { shape: [size, width] }: Array32,
  ids: Int32Array,
  mask: Int32Array,
): TokenBatch {
  const lengths = Array.from(
    { length: size },
    (_, b) => mask.subarray(b * width, (b + 1) * width).reduce((sum, one) => sum + one, 0),
  );
  return { ids, size, width, lengths };
}

/** Mean loss, and its gradient with respect to every parameter by fair-esm's names. */
export async function lossAndGradients(
  esm: Esm2,
  batch: TokenBatch,
  labels: ArrayLike<number>,
): Promise<{ loss: number; gradients: Parameters; parts: Parameters }> {
  const gradients: Parameters = {}, parts: Parameters = {};
  const asked = Array.from(labels).filter((label) => label >= 0).length;
  const found = await addGradients(esm, batch, labels, 1 / asked, {
    async add(tensors) {
      for (const [name, tensor] of Object.entries(tensors)) {
        const values = await tensor.read(), sum = gradients[name];
        gradients[name] = sum ? sum.map((x, i) => x + values[i]) : values;
        if (name === EMBEDDING) parts[sum ? "part.embedding_lookup" : "part.decoder"] = values;
      }
    },
  });
  using losses = found!.losses;
  return { loss: lossOf(await losses.read(), asked) / asked, gradients, parts };
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

export function difference(
  found: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
): number {
  if (found?.length !== expected.length) return Infinity;
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const own = Math.abs(found[i] - expected[i]);
    if (!(own <= most)) most = Number.isNaN(own) ? Infinity : own;
  }
  return most;
}

/** A gradient's row; `share` of its largest value is allowed. */
export const rowOf = (
  array: string,
  found: ArrayLike<number> | undefined,
  { data }: Array32,
  share: number,
): Row => ({ array, maxAbsDiff: difference(found, data), allowed: share * largest(data) });

async function compareGradients(
  fixture: string,
  checkpoint: Checkpoint,
  backend: Backend,
): Promise<Row[]> {
  const arrays = readFixture(fixture), isTiny = fixture === "tiny_mlm";
  const inputs = isTiny ? arrays : readFixture("train/mlm_forward");
  const share = isTiny ? 1e-5 : 5e-6;
  await using esm = await Esm2.open(checkpoint, backend);
  const { input_ids: ids, attention_mask: mask, labels } = inputs;
  const batch = batchOfArrays(ids, ids.data as Int32Array, mask.data as Int32Array);
  const { loss, gradients, parts } = await lossAndGradients(esm, batch, labels.data);
  const rows: Row[] = [{
    array: "loss",
    maxAbsDiff: Math.abs(loss - inputs.loss.data[0]),
    allowed: 2e-6 * Math.max(1, inputs.loss.data[0]),
  }];
  for (const [key, expected] of Object.entries(arrays)) {
    const found = parts[key] ?? gradients[canonicalName(key.replace(/^grad\./, ""))!];
    if (/^(grad|part)\./.test(key)) rows.push(rowOf(key, found, expected, share));
  }
  // Of the other tensors the fixture has the lengths.
  const norms = fixtureIndex[fixture].grad_norm_per_tensor as Record<string, number> | undefined;
  for (const [key, norm] of Object.entries(norms ?? {})) {
    const found = Math.hypot(...gradients[canonicalName(key)!] ?? [NaN]);
    rows.push({ array: `norm.${key}`, maxAbsDiff: Math.abs(found - norm), allowed: 1e-5 * norm });
  }
  return rows;
}

/** y = W x + b of one row, and what flows back, in double precision; `add` gets slopes of W and b. */
function linear(
  weight: Float32Array,
  bias: Float32Array,
  x: Float64Array,
  add: (dy: Float64Array, x: Float64Array) => void,
) {
  const n = x.length;
  const y = Float64Array.from(
    bias,
    (b, i) => x.reduce((sum, value, j) => sum + weight[i * n + j] * value, b),
  );
  const back = (dy: Float64Array) => {
    add(dy, x);
    return x.map((_, j) => dy.reduce((sum, value, i) => sum + weight[i * n + j] * value, 0));
  };
  return { y, back };
}

/** −log softmax of a label, and its slope. */
export function crossEntropy(
  logits: Float64Array,
  label: number,
): { loss: number; slope: Float64Array } {
  const most = Math.max(...logits), sum = logits.reduce((all, x) => all + Math.exp(x - most), 0);
  const slope = logits.map((x, i) => Math.exp(x - most) / sum - Number(i === label));
  return { loss: most + Math.log(sum) - logits[label], slope };
}

/**
 * Loss of a head, dS/d(final state), and the slopes of the head's own weights, all in double precision.
 *
 * @param weight of the head, by its name after "classifier."
 */
export function headSlopes(
  labels: Array32,
  [size, width]: readonly number[],
  weight: (name: string) => Float32Array,
  state: Float32Array,
  dModel: number,
) {
  const gradients: Record<string, Float64Array> = {};
  const adds = (name: string) => (dy: Float64Array, x: Float64Array) => {
    const matrix = gradients[`${name}weight`] ??= new Float64Array(dy.length * x.length);
    const bias = gradients[`${name}bias`] ??= new Float64Array(dy.length);
    dy.forEach((slope, i) => {
      bias[i] += slope;
      x.forEach((value, j) => matrix[i * x.length + j] += slope * value);
    });
  };
  const row = (at: number) => Float64Array.from(state.subarray(at * dModel, (at + 1) * dModel));
  const slopes = new Float32Array(state.length), logits: number[] = [];
  let loss = 0;
  const isToken = labels.shape.length === 2;
  const places = isToken
    ? Array.from(labels.data).flatMap((label, at) => label >= 0 ? [at] : [])
    : Array.from({ length: size }, (_, b) => b * width);
  for (const at of places) {
    const label = labels.data[isToken ? at : at / width];
    const dense = isToken
      ? undefined
      : linear(weight("dense.weight"), weight("dense.bias"), row(at), adds("dense."));
    const bent = dense?.y.map(Math.tanh);
    const out = isToken
      ? linear(weight("weight"), weight("bias"), row(at), adds(""))
      : linear(weight("out_proj.weight"), weight("out_proj.bias"), bent!, adds("out_proj."));
    logits.push(...out.y);
    const own = out.y.length === 1
      ? { loss: (out.y[0] - label) ** 2, slope: Float64Array.of(2 * (out.y[0] - label)) }
      : crossEntropy(out.y, label);
    loss += own.loss / places.length;
    const back = out.back(own.slope.map((x) => x / places.length));
    const slope = dense ? dense.back(back.map((x, i) => x * (1 - bent![i] ** 2))) : back;
    slopes.set(slope, at * dModel);
  }
  return { loss, logits, slopes, gradients };
}

async function compareHead(
  fixture: string,
  checkpoint: Checkpoint,
  backend: Backend,
): Promise<Row[]> {
  const arrays = readFixture(fixture), { input_ids: ids, attention_mask: mask } = arrays;
  await using esm = await Esm2.open(checkpoint, backend);
  const batch = batchOfArrays(ids, ids.data as Int32Array, mask.data as Int32Array);
  let loss = NaN;
  const gradients: Parameters = {};
  using _ = await esm.stateGradient(batch, {
    wrt: [],
    async cotangent(state) {
      const found = headSlopes(
        arrays.labels,
        ids.shape,
        (name) => arrays[`weight.classifier.${name}`].data as Float32Array,
        await state.read(),
        esm.config.dModel,
      );
      loss = found.loss;
      return backend.upload("slopes", state.shape, found.slopes);
    },
    weights: {
      wants: () => BLOCK_WEIGHTS,
      wantsHead: () => ["emb_layer_norm_after.weight", "emb_layer_norm_after.bias"],
      wantsEmbedding: () => true,
      async visit(layer, tensors) {
        for (const [name, tensor] of Object.entries(tensors)) {
          const key = typeof layer === "number"
            ? `layers.${layer}.${name}`
            : storedName(name as never);
          gradients[key] = await tensor.read();
        }
      },
    },
  });
  const expected = arrays.loss.data[0];
  return [
    { array: "loss", maxAbsDiff: Math.abs(loss - expected), allowed: 2e-6 * Math.max(1, expected) },
    ...Object.entries(arrays).filter(([key]) => key.startsWith("grad.esm."))
      .map(([key, array]) =>
        rowOf(key, gradients[canonicalName(key.slice("grad.".length))!], array, 1e-5)
      ),
  ];
}

interface Recorded {
  readonly hyper: { betas: [number, number]; eps: number; weight_decay: number; clip: number };
  readonly loss: number[];
  readonly grad_norm: number[];
  readonly lr: number[];
}

/** Every parameter that has a gradient. */
async function parametersOf(checkpoint: Checkpoint): Promise<NamedArrays> {
  const found: NamedArrays = {};
  for (const name of weightShapes(checkpoint.config).keys()) {
    found[name] = (await checkpoint.read(name as EsmTensorName)).slice();
  }
  return found;
}

async function compareSteps(
  fixture: string,
  checkpoint: Checkpoint,
  backend: Backend,
): Promise<Row[]> {
  const arrays = readFixture(fixture), steps = readFixture("train/mlm_steps");
  const { attention_mask: mask } = readFixture("train/mlm_forward");
  const { hyper, loss, grad_norm, lr } = fixtureIndex[fixture] as unknown as Recorded;
  const { config } = checkpoint, shapes = weightShapes(config);
  await using parameters = await openParameters(backend, shapes, await parametersOf(checkpoint), {
    betas: hyper.betas,
    epsilon: hyper.eps,
    decay: hyper.weight_decay,
    decays: (name) => shapes.get(name as EsmTensorName)!.length > 1,
  });
  const source = new LiveWeights((name): Tensor => parameters.tensor(name));
  const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
  await using esm = Esm2.ofWeights(source, { config, backend, invFreq });
  const count = mask.data.length, rows: Row[] = [];
  for (let i = 0; i < 3; i++) {
    const part = ({ data }: Array32) => data.slice(i * count, (i + 1) * count) as Int32Array;
    const batch = batchOfArrays(mask, part(steps.input_ids), mask.data as Int32Array);
    const labels = part(steps.labels), asked = labels.filter((label) => label >= 0).length;
    const found = await addGradients(esm, batch, labels, 1 / asked, parameters);
    using losses = found!.losses;
    const { norm, alongside } = await parameters.step({
      ...{ step: i + 1, rate: lr[i], clip: hyper.clip },
      alongside: [losses],
    });
    const own = lossOf(alongside[0], asked) / asked;
    // Adam amplifies gradients near zero, so that later losses differ by more than rounding.
    rows.push({ array: `loss ${i}`, maxAbsDiff: Math.abs(own - loss[i]), allowed: 1e-4 });
    rows.push({
      array: `norm ${i}`,
      maxAbsDiff: Math.abs(norm - grad_norm[i]),
      allowed: 1e-4 * grad_norm[i],
    });
  }
  const { weights, first, second } = await parameters.memory();
  const sources = { param: weights, exp_avg: first, exp_avg_sq: second };
  const isHf = fixture.endsWith("hf_schedule");
  let elements = 0, far = 0;
  for (const [key, expected] of Object.entries(arrays)) {
    const [, kind, tensor] = /^(param|exp_avg|exp_avg_sq)\.(.*)$/.exec(key) ?? [];
    if (!kind || tensor.includes("contact_head")) continue;
    const found = sources[kind as keyof typeof sources][canonicalName(tensor)!];
    const allowed = isHf && kind === "param" ? 2e-6 : 2e-3;
    rows.push({ array: key, maxAbsDiff: difference(found, expected.data), allowed });
    elements += found.length;
    far += found.filter((x, e) => Math.abs(x - expected.data[e]) > 2e-6).length;
  }
  rows.push({ array: "share further than 2e-6", maxAbsDiff: far / elements, allowed: 1e-3 });
  return rows;
}
