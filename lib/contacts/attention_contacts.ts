/**
 * Contact logits from attention, in a stream: each block adds Σ w · APC(a + aᵀ) of its heads to one
 * L × L map, so that the attention of all layers never exists at once.
 */
import { ApcContacts } from "../../kernels/apc_contacts/mod.ts";
import { apcContactsReduction, correctionGraph } from "../../kernels/apc_contacts/graph.ts";
import type { Backend, Program } from "../backend/mod.ts";
import type { Esm2, TokenBatch, Visitor } from "../esm2/mod.ts";
import type { GpuTensor } from "../gpu/mod.ts";

/** Weight of every head, layer-major f32[layers · H]; heads of weight 0 take no part. */
export type HeadWeights = Float32Array;

export interface AttentionContactsOptions {
  /** Hears of each block done. */
  onLayer?(): void;
  signal?: AbortSignal;
}

/**
 * Runs models and gives Σ over layers and heads of w · APC(a + aᵀ), f32[L, L] for each member of a
 * batch. Rows and columns of `<cls>`, `<eos>` and `<pad>` take no part. Create one per model.
 */
export class AttentionContacts implements AsyncDisposable {
  private constructor(
    readonly model: Esm2,
    readonly weights: HeadWeights,
    readonly engine: { gpu: ApcContacts } | { correction: Program },
  ) {}

  static async create(model: Esm2, weights: HeadWeights): Promise<AttentionContacts> {
    const { backend, config } = model;
    const expected = config.layers * config.heads;
    if (weights.length !== expected) {
      throw new RangeError(
        `Cannot sum contacts as weights must have ${expected} elements: ` +
          `current value is ${weights.length}`,
      );
    }
    const engine = backend.gpu
      ? { gpu: await ApcContacts.create(backend.gpu) }
      : { correction: await backend.compile(correctionGraph()) };
    return new AttentionContacts(model, weights, engine);
  }

  /** One map per member of the batch. */
  async run(batch: TokenBatch, options: AttentionContactsOptions = {}): Promise<Float32Array[]> {
    const { engine } = this;
    const sum = "gpu" in engine
      ? this.#onDevice(engine.gpu, batch)
      : this.#onHost(engine.correction, batch);
    await using _sum = sum;
    const { layers, heads } = this.model.config;
    const needed = (layer: number) =>
      this.weights.subarray(layer * heads, (layer + 1) * heads).some((w) => w !== 0);
    let last = layers - 1;
    while (last > 0 && !needed(last)) last--;
    using _ = await this.model.run(batch, {
      signal: options.signal,
      visitor: {
        ...sum.visitor(needed),
        hidden(state) {
          if (state.depth > 0) options.onLayer?.();
          if (state.depth > last) state.stop();
        },
      },
    });
    return await sum.finish();
  }

  #onHost(correction: Program, batch: TokenBatch): Summer {
    const { config: { heads, layers }, backend } = this.model;
    const { weights } = this;
    const { size, width } = batch;
    const weighted = new Float32Array(size * width * width);
    const residues = residueMask(batch);
    const sums = new Float32Array(size * layers * heads * width);
    return {
      visitor: (wants) => ({
        reduction: apcContactsReduction(batch, {
          residues,
          weights,
          heads,
          wants,
          visit({ layer, begin, end, values }) {
            accumulate(weighted, values.weighted.data!);
            const rows = values.rows.data!, columns = values.columns.data!;
            const each = (end - begin) * width;
            for (let b = 0; b < size; b++) {
              const to = ((b * layers + layer) * heads + begin) * width;
              for (let i = 0; i < each; i++) {
                sums[to + i] = (rows[b * each + i] + columns[b * each + i]) *
                  residues[b * width + i % width];
              }
            }
          },
        }),
      }),
      async finish() {
        const maps: Float32Array[] = [];
        for (let b = 0; b < size; b++) {
          const own = sums.subarray(b * layers * heads * width, (b + 1) * layers * heads * width);
          const corrected = await correct(backend, correction, own, weights, width);
          const from = weighted.subarray(b * width * width, (b + 1) * width * width);
          maps.push(
            residueMap(
              batch,
              b,
              (i, j) => from[i * width + j] + from[j * width + i] - corrected[i * width + j],
            ),
          );
        }
        return maps;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #onDevice(kernel: ApcContacts, batch: TokenBatch): Summer {
    const gpu = this.model.backend.gpu!, { heads } = this.model.config;
    const { size, width, lengths } = batch;
    const map = gpu.upload(
      "contacts",
      [size, width, width],
      new Float32Array(size * width * width),
    );
    const ranges = gpu.upload(
      "residues",
      [size, 2],
      Uint32Array.from(lengths.flatMap((length) => [1, length - 1])),
    );
    return {
      visitor: (wants) => ({
        wantsAttention: wants,
        attention: async ({ layer, begin, end, pattern }) => {
          const own = this.weights.slice(layer * heads + begin, layer * heads + end);
          using weights = gpu.upload("weights", [end - begin], own);
          const input = pattern.gpu as GpuTensor<"f32">;
          using scratch = kernel.alloc(input);
          await gpu.submit(
            `contacts of layer ${layer}`,
            (encoder) => kernel.encode(encoder, input, ranges, weights, map, scratch),
          );
        },
      }),
      async finish() {
        const data = await gpu.read(map);
        return lengths.map((_, b) =>
          residueMap(batch, b, (i, j) => data[(b * width + i) * width + j])
        );
      },
      [Symbol.asyncDispose]() {
        map.dispose();
        ranges.dispose();
        return Promise.resolve();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ("correction" in this.engine) await this.engine.correction[Symbol.asyncDispose]();
  }
}

interface Summer extends AsyncDisposable {
  visitor(wants: (layer: number) => boolean): Visitor;
  finish(): Promise<Float32Array[]>;
}

/** f32[B, T]: 1 for residues, 0 for `<cls>`, `<eos>` and `<pad>`. */
function residueMask({ size, width, lengths }: TokenBatch): Float32Array {
  const mask = new Float32Array(size * width);
  lengths.forEach((length, b) => mask.fill(1, b * width + 1, b * width + length - 1));
  return mask;
}

function accumulate(into: Float32Array, values: Float32Array): void {
  for (let i = 0; i < into.length; i++) into[i] += values[i];
}

/** Σ over heads of (w / Σs) · s·sᵀ, as one product of all heads' sums. */
async function correct(
  backend: Backend,
  program: Program,
  sums: Float32Array,
  weights: HeadWeights,
  width: number,
): Promise<Float32Array> {
  const scaled = new Float32Array(sums.length);
  for (let c = 0; c < weights.length; c++) {
    let total = 0;
    for (let i = c * width; i < (c + 1) * width; i++) total += sums[i];
    // A layer that was not visited has no sums and no weight.
    const factor = total === 0 ? 0 : weights[c] / total;
    for (let i = c * width; i < (c + 1) * width; i++) scaled[i] = factor * sums[i];
  }
  const shape = [weights.length, width];
  using left = backend.upload("sums", shape, sums);
  using right = backend.upload("scaled", shape, scaled);
  const { correction } = await program.run(
    { sums: left, scaled: right },
    { correction: [width, width] },
  );
  using _ = correction;
  return await correction.read();
}

/** The residues' part f32[L, L] of member `b`, from a function of two tokens. */
function residueMap(
  { lengths }: TokenBatch,
  b: number,
  at: (i: number, j: number) => number,
): Float32Array {
  const length = lengths[b] - 2;
  const map = new Float32Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) map[i * length + j] = at(i + 1, j + 1);
  }
  return map;
}
