/** Compares models with adapters with PEFT's golden arrays; shared by the test and the printed table. */
import {
  adapted,
  type Adapter,
  adapterArrays,
  linearAdapters,
  readAdapter,
} from "../lib/adapter/mod.ts";
import { peftTensors } from "../lib/adapter/write.ts";
import type { Backend } from "../lib/backend/mod.ts";
import { type Checkpoint, openCheckpoint } from "../lib/checkpoint/mod.ts";
import { canonicalName } from "../lib/checkpoint/names.ts";
import { AdapterWeights } from "../lib/esm2/adapter_weights.ts";
import { Esm2, type TokenBatch } from "../lib/esm2/mod.ts";
import { loadResident } from "../lib/esm2/weights.ts";
import { type NamedArrays, openParameters } from "../lib/train/parameters.ts";
import { type Array32, fixturePath, readFixture } from "./fixtures.ts";
import type { ParityRow } from "./parity.ts";
import {
  batchOfArrays,
  crossEntropy,
  difference,
  headSlopes,
  type Row,
  rowOf,
} from "./training_parity.ts";

interface Recorded {
  readonly task?: string;
  readonly loss?: number;
  readonly adamw?: {
    betas: [number, number];
    eps: number;
    weight_decay: number;
    clip: number;
    loss: number[];
    grad_norm: number[];
    lr: number[];
  };
}

const index: Record<string, Recorded> = JSON.parse(
  Deno.readTextFileSync(fixturePath("lora/index.json")),
);

/** Folders of `lora/`. */
export const adapterFixtures: readonly string[] = Object.keys(index).sort();

export const adapterFolder = (name: string, which = "adapter"): string =>
  fixturePath(`lora/${name}/${which}`);

/** Every comparison of a case on a backend. */
export async function compareAdapter(name: string, backend: Backend): Promise<ParityRow[]> {
  const expected = readFixture(`lora/${name}/expected`),
    adapter = await readAdapter(
      adapterFolder(name),
    );
  using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
  const rows = [
    ...await compareMerged(name, checkpoint, adapter),
    ...await compareOutputs(expected, checkpoint, adapter, backend),
    ...await compareTraining(name, expected, checkpoint, adapter, backend),
  ];
  return rows.map((row) => ({ ...row, fixture: `lora/${name}`, backend: backend.name }));
}

/** W' of the matrices that change. */
async function compareMerged(
  name: string,
  checkpoint: Checkpoint,
  adapter: Adapter,
): Promise<Row[]> {
  const path = `lora/${name}/merged`;
  try {
    Deno.statSync(fixturePath(`${path}.safetensors`));
  } catch {
    return [];
  }
  const merged = adapted(checkpoint, adapter), rows: Row[] = [];
  for (const [key, { data }] of Object.entries(readFixture(path))) {
    const found = await merged.read(canonicalName(key)!);
    rows.push({ array: `merged.${key}`, maxAbsDiff: difference(found, data), allowed: 1e-6 });
  }
  return rows;
}

const batchOf = ({ input_ids: ids, attention_mask: mask }: Record<string, Array32>): TokenBatch =>
  batchOfArrays(ids, ids.data as Int32Array, mask.data as Int32Array);

/** Rows of an array [B, T, …] where there are tokens. */
function atTokens({ data }: { data: ArrayLike<number> }, mask: Array32): number[] {
  const width = data.length / mask.data.length;
  return Array.from(data).filter((_, i) => mask.data[Math.floor(i / width)] === 1);
}

/** Logits or states with the adapter merged, and of the model alone. */
async function compareOutputs(
  expected: Record<string, Array32>,
  checkpoint: Checkpoint,
  adapter: Adapter,
  backend: Backend,
): Promise<Row[]> {
  const batch = batchOf(expected), rows: Row[] = [], { attention_mask: mask } = expected;
  for (
    const [source, suffix] of [[adapted(checkpoint, adapter), ""], [
      checkpoint,
      "_without_adapter",
    ]] as const
  ) {
    const name = adapter.kind === "base" ? `last_hidden_state${suffix}` : `logits${suffix}`;
    if (!expected[name]) continue;
    await using esm = await Esm2.open(source, backend);
    using result = await esm.run(batch, { head: true });
    const state = await result.normalised!.read();
    const found = adapter.kind === "base"
      ? state
      : adapter.kind === "mlm"
      ? await result.logits!.read()
      : headOf(adapter, expected, state, esm.config.dModel).all;
    const isPooled = expected[name].shape.length === 2;
    const own = isPooled ? found : atTokens({ data: found }, mask);
    const data = isPooled ? expected[name].data : atTokens(expected[name], mask);
    rows.push({
      array: suffix ? name : `${name} (merged)`,
      maxAbsDiff: difference(own, data),
      // 1e-5 of the largest value, where logits reach 20.
      allowed: 1e-5 * Math.max(1, ...Array.from(data, Math.abs)),
    });
  }
  return rows;
}

/** Logits of a head, of every row for tokens, and what training needs. */
function headOf(
  { head, kind }: Adapter,
  { labels, input_ids: { shape } }: Record<string, Array32>,
  state: Float32Array,
  dModel: number,
  values: (name: string) => Float32Array = (name) => head.get(name)!.values,
) {
  const weight = (name: string) => values(`classifier.${name}`);
  const every: Array32 = {
    shape,
    data: new Int32Array(shape[0] * shape[1]),
  };
  const asked = kind === "token" ? every : labels;
  return {
    ...headSlopes(labels, shape, weight, state, dModel),
    all: headSlopes(asked, shape, weight, state, dModel).logits,
  };
}

/** Loss, logits, gradients of all that the adapter holds, and three steps. */
async function compareTraining(
  name: string,
  expected: Record<string, Array32>,
  checkpoint: Checkpoint,
  adapter: Adapter,
  backend: Backend,
): Promise<Row[]> {
  const { loss, adamw } = index[name], { config } = checkpoint, rows: Row[] = [];
  if (loss === undefined || !adamw) return [];
  const arrays = adapterArrays(adapter);
  const shapes = new Map(Object.entries(arrays).map(([key, { shape }]) => [key, shape]));
  const values: NamedArrays = Object.fromEntries(
    Object.entries(arrays).map(([key, { values }]) => [key, values.slice()]),
  );
  await using parameters = await openParameters(backend, shapes, values, {
    betas: adamw.betas,
    epsilon: adamw.eps,
    decay: adamw.weight_decay,
    decays: (key) => shapes.get(key)!.length > 1,
  });
  const weights = new AdapterWeights(await loadResident(checkpoint, backend), {
    config,
    backend,
    linears: linearAdapters(adapter),
    replaced: adapter.replaced.keys(),
    tensor: (key) => parameters.tensor(key),
  });
  await using esm = Esm2.ofWeights(weights, {
    config,
    backend,
    invFreq: await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq"),
    embedding: await checkpoint.read("embed_tokens.weight"),
  });
  const { shape } = expected.input_ids, isMlm = adapter.kind === "mlm";
  const steps = isMlm ? readFixture("train/mlm_steps") : undefined;
  for (let i = 0; i < 3; i++) {
    const part = (array: Array32): Array32 => {
      const count = shape[0] * shape[1];
      return { shape, data: array.data.slice(i * count, (i + 1) * count) };
    };
    const inputs = steps
      ? {
        attention_mask: expected.attention_mask,
        input_ids: part(steps.input_ids),
        labels: part(steps.labels),
      }
      : expected;
    const found = await gradientsOf(esm, weights, adapter, inputs, await parameters.read());
    rows.push({
      array: `loss ${i}`,
      maxAbsDiff: Math.abs(found.loss - adamw.loss[i]),
      // Adam amplifies gradients near zero, so that later losses differ by more than rounding.
      allowed: i === 0 ? 2e-6 * Math.max(1, loss) : 1e-3,
    });
    if (i === 0) {
      // WebAssembly adds rows up one after another, with twice the rounding of the other backends.
      const share = backend.name === "wasm" ? 2e-5 : 1e-5;
      rows.push(...compareGradients(expected, adapter, found.gradients, share));
    }
    for (const [key, slopes] of Object.entries(found.gradients)) parameters.addArray(key, slopes);
    const { norm } = await parameters.step({ step: i + 1, rate: adamw.lr[i], clip: adamw.clip });
    rows.push({
      array: `norm ${i}`,
      maxAbsDiff: Math.abs(norm - adamw.grad_norm[i]),
      allowed: (i === 0 ? 1e-5 : 1e-3) * adamw.grad_norm[i],
    });
  }
  return [...rows, ...await compareAfter(name, await parameters.read())];
}

function compareGradients(
  expected: Record<string, Array32>,
  adapter: Adapter,
  gradients: NamedArrays,
  share: number,
): Row[] {
  const named = new Map(Object.entries(gradients));
  const byKey = new Map(
    [...peftTensors(adapter)].map(([key, array]) => {
      const own = Object.entries(adapterArrays(adapter)).find(([, other]) => other === array)!;
      return [key, named.get(own[0])];
    }),
  );
  return Object.entries(expected).filter(([key]) => key.startsWith("grad.")).map(([key, array]) =>
    rowOf(key, byKey.get(key.slice("grad.".length)), array, share)
  );
}

async function compareAfter(name: string, weights: NamedArrays): Promise<Row[]> {
  const after = adapterArrays(await readAdapter(adapterFolder(name, "adapter_after3")));
  const rows: Row[] = [], far: number[] = [];
  for (const [key, { values }] of Object.entries(after)) {
    rows.push({
      array: `after3.${key}`,
      maxAbsDiff: difference(weights[key], values),
      allowed: 1e-3,
    });
    far.push(...values.map((x, i) => Math.abs(x - weights[key][i])));
  }
  far.sort((a, b) => a - b);
  const late = far[Math.floor(0.999 * (far.length - 1))];
  rows.push({ array: "after3, 99.9 %", maxAbsDiff: late, allowed: 2e-5 });
  return rows;
}

/** Mean loss and its gradients with respect to all that an adapter holds. */
async function gradientsOf(
  esm: Esm2,
  weights: AdapterWeights,
  adapter: Adapter,
  inputs: Record<string, Array32>,
  values: NamedArrays,
): Promise<{ loss: number; gradients: NamedArrays }> {
  const { backend, config: { dModel } } = esm, gradients: NamedArrays = {}, batch = batchOf(inputs);
  let loss = 0;
  const own = {
    wrt: [],
    weights: {
      wants: (layer: number) => weights.trained(layer) as never[],
      wantsHead: () => weights.trained("head") as never[],
      async visit(
        layer: number | string,
        tensors: Readonly<Record<string, { read(): Promise<Float32Array> }>>,
      ) {
        for (const [name, tensor] of Object.entries(tensors)) {
          gradients[typeof layer === "number" ? `layers.${layer}.${name}` : name] = await tensor
            .read();
        }
      },
    },
  };
  const labels = inputs.labels;
  if (adapter.kind === "mlm") {
    const rows = Array.from(labels.data.keys()).filter((i) => labels.data[i] >= 0);
    using _ = await esm.gradient(batch, {
      ...own,
      rows,
      async cotangent(logits) {
        const found = Float64Array.from(await logits.read()),
          slopes = new Float32Array(found.length);
        rows.forEach((at, r) => {
          const one = crossEntropy(found.slice(r * 33, r * 33 + 33), labels.data[at]);
          loss += one.loss / rows.length;
          slopes.set(one.slope.map((x) => x / rows.length), r * 33);
        });
        return backend.upload("slopes", logits.shape, slopes);
      },
    });
    return { loss, gradients };
  }
  using _ = await esm.stateGradient(batch, {
    ...own,
    async cotangent(state) {
      const found = headOf(adapter, inputs, await state.read(), dModel, (name) => values[name]);
      loss = found.loss;
      for (const [name, slopes] of Object.entries(found.gradients)) {
        gradients[`classifier.${name}`] = Float32Array.from(slopes);
      }
      return backend.upload("slopes", state.shape, found.slopes);
    },
  });
  return { loss, gradients };
}
