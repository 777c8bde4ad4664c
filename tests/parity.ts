/** Compares a forward pass with fair-esm's golden arrays; shared by the test and the printed table. */
import type { Backend } from "../lib/backend/mod.ts";
import type { Checkpoint } from "../lib/checkpoint/mod.ts";
import { EOS } from "../lib/esm2/alphabet.ts";
import { Esm2 } from "../lib/esm2/model.ts";
import { padBatch, type TokenBatch, tokenize } from "../lib/esm2/tokenize.ts";
import type { ForwardFixture } from "./fixtures.ts";

/** One compared array. */
export interface ParityRow {
  fixture: string;
  backend: string;
  /** `hidden 3` is after three blocks, before the final LayerNorm. */
  array: string;
  maxAbsDiff: number;
  /** Largest difference that float32 arithmetic explains. */
  allowed: number;
}

/** Everything a forward pass computes, copied to the host. */
export interface Recorded {
  batch: TokenBatch;
  /** [depth] f32[B·T, D] */
  hidden: Float32Array[];
  /** [layer] f32[B, H, T, T] */
  attention: Float32Array[];
  normalised: Float32Array;
  logits: Float32Array;
}

export function batchOf(sequences: readonly string[]): TokenBatch {
  return padBatch(sequences.map((residues, i) => tokenize({ id: `sequence ${i + 1}`, residues })));
}

export async function record(model: Esm2, batch: TokenBatch): Promise<Recorded> {
  const hidden: Float32Array[] = [];
  const attention: Float32Array[] = [];
  const { size, width } = batch;
  const { layers, heads } = model.config;
  using result = await model.run(batch, {
    head: true,
    visitor: {
      async hidden(state) {
        hidden[state.depth] = await state.hidden.read();
      },
      async attention({ layer, begin, end, pattern }) {
        attention[layer] ??= new Float32Array(size * heads * width * width);
        const piece = await pattern.read();
        const per = width * width, count = end - begin;
        for (let b = 0; b < size; b++) {
          attention[layer].set(
            piece.subarray(b * count * per, (b + 1) * count * per),
            (b * heads + begin) * per,
          );
        }
      },
    },
  });
  if (attention.length !== layers) throw new Error("not every layer's attention was visited");
  return {
    batch,
    hidden,
    attention,
    normalised: await result.normalised!.read(),
    logits: await result.logits!.read(),
  };
}

/** Differences of a forward pass to a fixture, array by array. */
export async function compare(
  fixture: ForwardFixture,
  checkpoint: Checkpoint,
  backend: Backend,
): Promise<ParityRow[]> {
  await using model = await Esm2.open(checkpoint, backend);
  const { layers, heads, dModel } = checkpoint.config;
  const found = await record(model, batchOf(fixture.sequences));
  const { size, width, lengths } = found.batch;
  const golden = fixture.arrays;
  const rows: ParityRow[] = [];
  const push = (array: string, maxAbsDiff: number, allowed: number) =>
    rows.push({ fixture: fixture.name, backend: backend.name, array, maxAbsDiff, allowed });

  push("tokens", worst(golden.tokens.data, found.batch.ids, () => true), 0);
  /** Whether row `i` of an array [B, n, T, …] with `per` values a token is of a real token. */
  const real = (per: number) => (i: number) => {
    const t = Math.floor(i / per);
    return t % width < lengths[Math.floor(t / width)];
  };
  // float32 rounding grows with the values: 1e-5 of the largest (fixtures' README).
  const scaled = (expected: ArrayLike<number>) => 1e-5 * Math.max(1, largest(expected));

  for (let depth = 0; depth <= layers; depth++) {
    const expected = pick(golden.hidden_states, size, layers + 1, depth);
    const actual = depth < layers ? found.hidden[depth] : found.normalised;
    const name = depth < layers ? `hidden ${depth}` : "normalised";
    push(name, worst(expected, actual, real(dModel)), scaled(expected));
    if (depth === layers) {
      // The golden file has this state after the final LayerNorm only: normalise ours in float64.
      const ours = await layerNorm(found.hidden[layers], checkpoint, dModel);
      push(`hidden ${layers}`, worst(expected, ours, real(dModel)), scaled(expected));
    }
  }
  push("logits", worst(golden.logits.data, found.logits, real(33)), scaled(golden.logits.data));
  if (golden.attentions) {
    for (let layer = 0; layer < layers; layer++) {
      const expected = pick(golden.attentions, size, layers, layer);
      const square = width * width;
      const keep = (i: number) => {
        const b = Math.floor(i / (heads * square));
        return Math.floor(i / width) % width < lengths[b];
      };
      push(`attention ${layer}`, worst(expected, found.attention[layer], keep), 2e-5);
    }
  }
  const contacts = await contactProbabilities(found, checkpoint);
  const n = width - 2;
  push(
    "contacts",
    worst(golden.contacts.data, contacts, (i) => {
      const b = Math.floor(i / (n * n)), row = Math.floor(i / n) % n, column = i % n;
      return row < lengths[b] - 2 && column < lengths[b] - 2;
    }),
    5e-5,
  );
  return rows;
}

/** Slice [B, index, …] of an array [B, n, …], as [B, …]. */
function pick(
  { shape, data }: { shape: number[]; data: ArrayLike<number> },
  size: number,
  n: number,
  index: number,
): Float32Array {
  const per = shape.reduce((a, b) => a * b, 1) / (size * n);
  const out = new Float32Array(size * per);
  for (let b = 0; b < size; b++) {
    for (let i = 0; i < per; i++) out[b * per + i] = data[(b * n + index) * per + i];
  }
  return out;
}

function worst(
  expected: ArrayLike<number>,
  actual: ArrayLike<number>,
  keep: (i: number) => boolean,
): number {
  if (expected.length !== actual.length) return Infinity;
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!keep(i)) continue;
    const difference = Math.abs(expected[i] - actual[i]);
    if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference;
  }
  return most;
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

async function layerNorm(
  x: Float32Array,
  checkpoint: Checkpoint,
  d: number,
): Promise<Float64Array> {
  const w = await checkpoint.read("emb_layer_norm_after.weight");
  const b = await checkpoint.read("emb_layer_norm_after.bias");
  const out = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += d) {
    let mean = 0, variance = 0;
    for (let i = 0; i < d; i++) mean += x[row + i] / d;
    for (let i = 0; i < d; i++) variance += (x[row + i] - mean) ** 2 / d;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    for (let i = 0; i < d; i++) out[row + i] = (x[row + i] - mean) * scale * w[i] + b[i];
  }
  return out;
}

/**
 * ESM-2's contact head in float64 on our attention, to show that its inputs are right: rows and columns
 * of `<eos>` and `<pad>` zeroed, symmetrised, APC, logistic regression over layers × heads.
 */
async function contactProbabilities(
  { batch: { ids, size, width, lengths }, attention }: Recorded,
  checkpoint: Checkpoint,
): Promise<Float64Array> {
  const weight = await checkpoint.read("contact_head.regression.weight");
  const [intercept] = await checkpoint.read("contact_head.regression.bias");
  const { layers, heads } = checkpoint.config;
  const n = width - 2;
  const out = new Float64Array(size * n * n).fill(intercept);
  for (let b = 0; b < size; b++) {
    const keep = (t: number) => t < lengths[b] && ids[b * width + t] !== EOS;
    for (let layer = 0; layer < layers; layer++) {
      for (let head = 0; head < heads; head++) {
        const a = (i: number, j: number) =>
          keep(i + 1) && keep(j + 1)
            ? attention[layer][((b * heads + head) * width + i + 1) * width + j + 1]
            : 0;
        const sums = new Float64Array(n);
        let total = 0;
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) sums[i] += a(i, j) + a(j, i);
          total += sums[i];
        }
        const w = weight[layer * heads + head];
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            out[(b * n + i) * n + j] += w * (a(i, j) + a(j, i) - sums[i] * sums[j] / total);
          }
        }
      }
    }
  }
  return out.map((x) => 1 / (1 + Math.exp(-x)));
}
