/**
 * Contact logits from attention, in a stream: each block adds Σ w · APC(a + aᵀ) of its heads to one
 * L × L map, so that the attention of all layers never exists at once.
 */
import { ApcContacts } from "../../kernels/apc_contacts/mod.ts";
import { apcContactsReduction, contactsGraph } from "../../kernels/apc_contacts/graph.ts";
import type { Backend, Program } from "../backend/mod.ts";
import type { Esm2, ReducedPiece, TokenBatch, Visitor } from "../esm2/mod.ts";
import type { GpuTensor } from "../gpu/mod.ts";

/** The attention of one batch on its way to maps. */
export interface ContactRun extends AsyncDisposable {
  /** Is shown the run. */
  readonly visitor: Pick<Visitor, "attention" | "wantsAttention" | "reduction">;
  /** Blocks that must run. */
  readonly depth: number;
  /** One map f32[L, L] per member of the batch, when it has run. */
  finish(): Promise<Float32Array[]>;
}

/** Weight of every head, layer-major f32[layers · H]; heads of weight 0 take no part. */
export type HeadWeights = Float32Array;

/** How attention becomes a map. */
export interface AttentionContactsOptions {
  /** Hears of each block done. */
  onLayer?(): void;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
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
    readonly intercept: number | undefined,
    readonly engine: { gpu: ApcContacts } | { finish: Program },
  ) {}

  /**
   * Builds what the backend needs.
   *
   * @param intercept if given, maps are the logistic function of the sum plus it
   */
  static async create(
    model: Esm2,
    weights: HeadWeights,
    intercept?: number,
  ): Promise<AttentionContacts> {
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
      : { finish: await backend.compile(contactsGraph(intercept !== undefined)) };
    return new AttentionContacts(model, weights, intercept, engine);
  }

  /** One map per member of the batch. */
  async run(batch: TokenBatch, options: AttentionContactsOptions = {}): Promise<Float32Array[]> {
    await using sum = this.begin(batch);
    using _ = await this.model.run(batch, {
      until: sum.depth,
      attentionLast: true,
      signal: options.signal,
      visitor: {
        ...sum.visitor,
        hidden(state) {
          if (state.depth > 0) options.onLayer?.();
        },
      },
    });
    // The last one ends with its attention.
    options.onLayer?.();
    return await sum.finish();
  }

  /** What goes along with a run of the batch that somebody else makes. */
  begin(batch: TokenBatch): ContactRun {
    const { engine } = this;
    const { visitor, ...sum } = "gpu" in engine
      ? this.#onDevice(engine.gpu, batch)
      : this.#onHost(engine.finish, batch);
    const { layers, heads } = this.model.config;
    const needed = (layer: number) =>
      this.weights.subarray(layer * heads, (layer + 1) * heads).some((w) => w !== 0);
    let last = layers - 1;
    while (last > 0 && !needed(last)) last--;
    return { ...sum, visitor: visitor(needed), depth: last + 1 };
  }

  #onHost(finish: Program, batch: TokenBatch): Summer {
    const { config: { heads, layers }, backend } = this.model;
    const { weights, intercept } = this;
    const { size, width } = batch;
    const weighted = new Float32Array(size * width * width);
    const residues = residueMask(batch);
    const sums = new Float32Array(size * layers * heads * width);
    return {
      visitor: (wants) => ({
        reduction: {
          ...apcContactsReduction(batch, { residues, weights, heads }),
          wants,
          visit({ layer, begin, end, values }) {
            accumulate(weighted, values.weighted.peek()!);
            const rows = rowSums(values), columns = values.columns.peek()!;
            const each = (end - begin) * width;
            for (let b = 0; b < size; b++) {
              const to = ((b * layers + layer) * heads + begin) * width;
              for (let i = 0; i < each; i++) {
                sums[to + i] = (rows(b * each + i) + columns[b * each + i]) *
                  residues[b * width + i % width];
              }
            }
          },
        },
      }),
      async finish() {
        const maps: Float32Array[] = [];
        for (let b = 0; b < size; b++) {
          const own = sums.subarray(b * layers * heads * width, (b + 1) * layers * heads * width);
          const from = weighted.subarray(b * width * width, (b + 1) * width * width);
          const parts = { weighted: from, sums: own, weights, width, intercept };
          maps.push(residueMap(await finished(backend, finish, parts), batch, b));
        }
        return maps;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #onDevice(kernel: ApcContacts, batch: TokenBatch): Summer {
    const gpu = this.model.backend.gpu!, { heads } = this.model.config, { intercept } = this;
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
        if (intercept !== undefined) logistic(data, intercept);
        const square = width * width;
        return lengths.map((_, b) =>
          residueMap(data.subarray(b * square, (b + 1) * square), batch, b)
        );
      },
      [Symbol.asyncDispose]() {
        map.dispose();
        ranges.dispose();
        return Promise.resolve();
      },
    };
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    if ("finish" in this.engine) await this.engine.finish[Symbol.asyncDispose]();
  }
}

interface Summer extends Omit<ContactRun, "visitor" | "depth"> {
  visitor(wants: (layer: number) => boolean): ContactRun["visitor"];
}

/** Sum of a row's attention to residues, by its number among the rows of all members and heads. */
function rowSums({ rows, ends }: ReducedPiece["values"]): (row: number) => number {
  if (rows) {
    const sums = rows.peek()!;
    return (row) => sums[row];
  }
  const others = ends.peek()!;
  return (row) => 1 - others[2 * row] - others[2 * row + 1];
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

function logistic(map: Float32Array, intercept: number): void {
  for (let i = 0; i < map.length; i++) map[i] = 1 / (1 + Math.exp(-map[i] - intercept));
}

/** One member's map f32[T, T] from the sums of all blocks. */
async function finished(
  backend: Backend,
  program: Program,
  { weighted, sums, weights, width, intercept }: {
    weighted: Float32Array;
    sums: Float32Array;
    weights: HeadWeights;
    width: number;
    intercept?: number;
  },
): Promise<Float32Array> {
  const scaled = new Float32Array(sums.length);
  for (let c = 0; c < weights.length; c++) {
    let total = 0;
    for (let i = c * width; i < (c + 1) * width; i++) total += sums[i];
    // A layer that was not visited has no sums and no weight.
    const factor = total === 0 ? 0 : -weights[c] / total;
    for (let i = c * width; i < (c + 1) * width; i++) scaled[i] = factor * sums[i];
  }
  using owned = new DisposableStack();
  const upload = (name: string, shape: number[], data: Float32Array) =>
    owned.use(backend.upload(name, shape, data));
  const { contacts } = await program.run(
    {
      weighted: upload("weighted", [width, width], weighted),
      sums: upload("sums", [weights.length, width], sums),
      scaled: upload("scaled", [weights.length, width], scaled),
      ...(intercept !== undefined &&
        { intercept: upload("intercept", [1], Float32Array.of(intercept)) }),
    },
    { contacts: [width, width] },
  );
  using _ = contacts;
  return await contacts.read();
}

/** The residues' part f32[L, L] of member `b`'s map f32[T, T]. */
function residueMap(
  from: Float32Array,
  { lengths }: TokenBatch,
  b: number,
): Float32Array {
  const length = lengths[b] - 2, width = Math.sqrt(from.length);
  const map = new Float32Array(length * length);
  for (let i = 0; i < length; i++) {
    const row = (i + 1) * width + 1;
    map.set(from.subarray(row, row + length), i * length);
  }
  return map;
}
