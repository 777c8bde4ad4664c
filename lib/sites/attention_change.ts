/** How sequences' attention differs from that of the first of their batch, without handing it over. */
import type { Esm2, TokenBatch } from "../esm2/mod.ts";
import type { Tensor } from "../backend/types.ts";
import type { GpuTensor } from "../gpu/mod.ts";
import * as op from "../onnx/ops.ts";
import type { PatternReduction } from "../onnx/reduction.ts";

/** Differences of a batch of B sequences of one length: B − 1 sequences against the first. */
export interface AttentionChange {
  /** f32[B − 1, G, T]: Σ over the rows of the attention's change, heads layer-major. */
  readonly change: Float32Array;
  /** f32[B − 1, G, T]: Σ over the rows of its size. */
  readonly moved: Float32Array;
}

/**
 * Sums over rows of a − a₀ and of its positive part, a₀ being the attention of the batch's first
 * sequence, so that both are of one block at once.
 *
 * rows    f32[1, 1, 1, T]      1 for rows that count, 0 for the others
 * change  f32[B − 1, h, 1, T]  Σ over the rows of a − a₀
 * gained  f32[B − 1, h, 1, T]  Σ over the rows of max(a − a₀, 0)
 */
export function attentionChangeReduction(size: number, rows: Float32Array): PatternReduction {
  const sums = {
    shape: (heads: number, tokens: number) => [size - 1, heads, 1, tokens],
    join: "heads" as const,
  };
  return {
    key: "change against the first",
    inputs: { rows: { shape: () => [1, 1, 1, "T"], values: () => rows } },
    outputs: { change: sums, gained: sums },
    build: (g, pattern, { rows }) =>
      g.scope("attention_change", () => {
        const first = op.slice(g, pattern, 0, 0, 1, "first");
        const others = op.slice(g, pattern, 0, 1, size, "others");
        const difference = op.sub(g, others, first, "difference");
        const gained = op.thresholdedRelu(g, difference, 0, "gained");
        return {
          change: op.matmul(g, rows, difference, "change"),
          gained: op.matmul(g, rows, gained, "sum_gained"),
        };
      }),
  };
}

/**
 * Runs a batch of at least two sequences of one length.
 *
 * @param range rows of the attention that count
 * @param layers ascending
 */
export async function attentionChange(
  model: Esm2,
  batch: TokenBatch,
  [begin, end]: readonly [begin: number, end: number],
  layers: readonly number[],
  signal?: AbortSignal,
): Promise<AttentionChange> {
  const { size, width } = batch, { heads } = model.config, { gpu } = model.backend;
  const rows = new Float32Array(width).fill(1, begin, end), others = size - 1;
  const all = layers.length * heads;
  const change = new Float32Array(others * all * width), gained = change.slice();
  const store = (into: Float32Array, layer: number, first: number, values: Float32Array) => {
    const count = values.length / (others * width);
    for (let s = 0; s < others; s++) {
      const from = s * count * width;
      const to = (s * all + layers.indexOf(layer) * heads + first) * width;
      into.set(values.subarray(from, from + count * width), to);
    }
  };
  // On a GPU a read-back waits about 11 ms: all together at the end.
  using kept = new DisposableStack();
  const later: { layer: number; begin: number; change: Tensor; gained: Tensor }[] = [];
  using _ = await model.run(batch, {
    until: layers[layers.length - 1] + 1,
    signal,
    visitor: {
      reduction: {
        ...attentionChangeReduction(size, rows),
        wants: (layer) => layers.includes(layer),
        visit({ layer, begin, values }) {
          if (gpu) {
            const own = { change: values.change.keep(), gained: values.gained.keep() };
            later.push({ layer, begin, ...own });
            for (const tensor of Object.values(own)) kept.use(tensor);
          } else {
            store(change, layer, begin, values.change.peek()!);
            store(gained, layer, begin, values.gained.peek()!);
          }
        },
      },
    },
  });
  if (gpu) {
    const tensors = later.flatMap(({ change, gained }) => [change.gpu!, gained.gpu!]);
    const arrays = await gpu.readAll(tensors as GpuTensor<"f32">[]) as Float32Array[];
    later.forEach(({ layer, begin }, i) => {
      store(change, layer, begin, arrays[2 * i]);
      store(gained, layer, begin, arrays[2 * i + 1]);
    });
  }
  // |d| = 2 max(d, 0) − d
  return { change, moved: gained.map((sum, i) => 2 * sum - change[i]) };
}
