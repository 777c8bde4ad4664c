/** Embeddings of proteins that are in memory together. */
import { poolRows } from "../../kernels/pool_rows/mod.ts";
import type { Tensor } from "../backend/mod.ts";
import type { ContactHead } from "../contacts/contact_head.ts";
import { joinWindows } from "../contacts/windows.ts";
import type { HeadName } from "../contacts/predict.ts";
import {
  type BatchWatch,
  centralParts,
  type Esm2,
  joinReductions,
  type PlannedBatch,
  type StreamPlace,
  TOKENS,
  TRAINED_LENGTH,
  visitStreams,
  type Window,
  windowsOf,
  windowTokens,
} from "../esm2/mod.ts";
import { EOS } from "../esm2/alphabet.ts";
import { type AttentionSums, sumAttention } from "../sites/collect.ts";
import { BatchPooler, type Pool, residueRanges, type TokenPool } from "./pool.ts";
import { type PoolHead, RowScorer, scoreRows, softmaxRows } from "./pool_head.ts";

/**
 * How proteins longer than the window run: whole; in windows that overlap by half, each residue taken from
 * the one where it is most central, or averaged over those that hold it; or their first residues alone.
 */
export const LONG_CHOICES = ["full", "windows", "average", "truncate"] as const;
/** One of {@linkcode LONG_CHOICES}. */
export type LongChoice = typeof LONG_CHOICES[number];

/** What is wanted of each protein. */
export interface EmbedPlan {
  /** Where the stream is read, in the model's order, each once. */
  places: readonly StreamPlace[];
  /** Vectors of a protein. @default none */
  pools?: readonly Pool[];
  /** Whether the residues' states are wanted. @default false */
  residues?: boolean;
  /**
   * What weights the residues of the pool `attention`: what they receive in some heads, on average, or a
   * trained score. @default all heads
   */
  attention?: { heads: readonly HeadName[] } | { head: PoolHead };
  /** Contact maps too, by this head. */
  contacts?: ContactHead;
  /** Logits too. @default false */
  logits?: boolean;
  /** What becomes of proteins longer than the window. @default full */
  long?: LongChoice;
  /** Residues of a window. @default 1022 */
  window?: number;
}

/** How proteins run. */
export interface EmbedOptions {
  /** Tokens that run together, padding included. @default 1024 or, in parts, 2048 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears how many residues are done. */
  onProgress?(residues: number): void;
}

/** What one protein gives. */
export interface EmbeddedRow {
  /** Residues that were embedded. */
  readonly length: number;
  /** Windows that it ran in. */
  readonly windows: number;
  /** f32[D] for each place, and within it for each pool. */
  readonly vectors: readonly Float32Array[];
  /** f32[L, D] for each place, without `<cls>` and `<eos>`. */
  readonly residues: readonly Float32Array[];
  /** Probabilities f32[L, L]. */
  readonly contacts?: Float32Array;
  /** f32[L, 33] */
  readonly logits?: Float32Array;
}

/** One run of a protein, or of a window of it. */
interface Job {
  protein: Growing;
  tokens: Int32Array;
  window: number;
}

/** A protein on its way. */
interface Growing {
  length: number;
  windows: readonly Window[];
  /** By window, what is taken of it. */
  parts: readonly Window[];
  /** Over how many windows each residue is averaged. */
  covers?: Uint8Array;
  vectors: Float32Array[];
  residues: Float32Array[];
  maps: Float32Array[];
  logits?: Float32Array;
  /** f32[L], attention that residues receive. */
  received?: Float32Array;
}

/** The tokens of the first residues. */
const truncated = (row: Int32Array, residues: number): Int32Array =>
  row.length - 2 <= residues ? row : Int32Array.from([...row.subarray(0, residues + 1), EOS]);

/**
 * Embeds proteins in one pass of the model; those of similar length run together.
 *
 * @param rows token ids of each protein, with `<cls>` and `<eos>`
 */
export async function embedRows(
  esm: Esm2,
  rows: readonly Int32Array[],
  plan: EmbedPlan,
  options: EmbedOptions = {},
): Promise<EmbeddedRow[]> {
  const { long = "full", window = TRAINED_LENGTH, places, pools = [] } = plan;
  await using work = new Embedding(esm, plan);
  const jobs: Job[] = [];
  const proteins = rows.map((whole) => {
    const row = long === "truncate" ? truncated(whole, window) : whole, length = row.length - 2;
    const inWindows = long === "windows" || long === "average";
    const windows = windowsOf(length, inWindows ? window : length);
    const protein = work.begin(length, windows, long === "average" ? windows : undefined);
    windows.forEach((one, w) =>
      jobs.push({
        protein,
        tokens: windows.length === 1 ? row : windowTokens(row, one),
        window: w,
      })
    );
    return protein;
  });
  await work.run(jobs, options);
  return proteins.map((protein) => work.finish(protein, places, pools));
}

class Embedding implements AsyncDisposable {
  readonly #esm: Esm2;
  readonly #plan: EmbedPlan;
  readonly #pools: readonly Pool[];
  readonly #heads: readonly HeadName[] | undefined;
  readonly #scorer: RowScorer | undefined;

  constructor(esm: Esm2, plan: EmbedPlan) {
    const { pools = [], attention } = plan;
    this.#esm = esm;
    this.#plan = plan;
    this.#pools = pools;
    if (!pools.includes("attention")) return;
    if (attention && "head" in attention) {
      this.#scorer = new RowScorer(esm.backend, attention.head);
    } else this.#heads = attention?.heads ?? allHeads(esm);
  }

  begin(length: number, windows: readonly Window[], averaged?: readonly Window[]): Growing {
    const { places, contacts, logits } = this.#plan, { dModel } = this.#esm.config;
    const isJoined = windows.length > 1;
    const covers = isJoined && averaged ? new Uint8Array(length) : undefined;
    if (covers) {
      for (const { begin, end } of windows) for (let i = begin; i < end; i++) covers[i]++;
    }
    return {
      ...{ length, windows, covers },
      parts: covers ? windows : centralParts(windows),
      vectors: [],
      residues: this.#plan.residues || isJoined
        ? places.map(() => new Float32Array(length * dModel))
        : [],
      maps: contacts ? new Array(windows.length) : [],
      logits: logits ? new Float32Array(length * TOKENS.length) : undefined,
      received: this.#heads && isJoined ? new Float32Array(length) : undefined,
    };
  }

  async run(jobs: readonly Job[], options: EmbedOptions): Promise<void> {
    const { places } = this.#plan;
    let watch: EmbeddingWatch;
    const tokens = jobs.reduce((sum, { tokens }) => sum + tokens.length, 0);
    // A window is some of its protein.
    const residues = jobs.reduce(
      (sum, { protein: { length, windows } }) => sum + length / windows.length,
      0,
    );
    await visitStreams(
      this.#esm,
      jobs.map(({ tokens }) => tokens),
      places,
      ({ place, hidden, batch }) => this.#see(watch, jobs, batch, places.indexOf(place), hidden),
      {
        ...options,
        onProgress: (done) => options.onProgress?.(Math.round(done / tokens * residues)),
        watch: async (batch) => watch = await this.#watch(jobs, batch),
      },
    );
  }

  /** What is missing where a protein ran in windows. */
  finish(
    { length, windows, vectors, residues, maps, logits, received }: Growing,
    places: readonly StreamPlace[],
    pools: readonly Pool[],
  ): EmbeddedRow {
    const { dModel } = this.#esm.config;
    if (windows.length > 1) {
      places.forEach((_, p) =>
        pools.forEach((pool, q) => {
          // Each window has its <cls>: their mean has been added up.
          if (pool === "cls") return;
          const how = pool === "max" ? "largest" : "mean", state = residues[p];
          const weights = pool === "attention" ? received ?? this.#headWeights(state) : undefined;
          vectors[p * pools.length + q] = poolRows(state, dModel, [[0, length]], how, weights);
        })
      );
    }
    return {
      ...{ length, windows: windows.length, vectors },
      residues: this.#plan.residues ? residues : [],
      ...(maps.length > 0 && { contacts: joinWindows(length, windows, maps) }),
      ...(logits && { logits }),
    };
  }

  #headWeights(state: Float32Array): Float32Array {
    const scores = scoreRows(state, this.#scorer!.head), weights = new Float32Array(scores.length);
    softmaxRows(scores, 0, scores.length, weights);
    return weights;
  }

  async #watch(jobs: readonly Job[], batch: PlannedBatch): Promise<EmbeddingWatch> {
    await using stack = new AsyncDisposableStack();
    const esm = this.#esm, { contacts, logits } = this.#plan, heads = this.#heads;
    const pooler = stack.use(await BatchPooler.create(esm.backend, batch));
    const maps = contacts && stack.use(contacts.contacts.begin(batch));
    const layers = [...new Set(heads?.map(({ layer }) => layer))].sort((a, b) => a - b);
    const sums = heads && stack.use(
      await sumAttention(esm, batch, { threshold: 0, specials: false, layers }),
    );
    /** Streams that wait for their weights. */
    const kept: { p: number; hidden: Tensor }[] = [];
    const own = stack.move();
    return {
      ...{ pooler, logits },
      visitor: joined(maps?.visitor, sums?.visitor),
      depth: Math.max(maps?.depth ?? 0, sums?.depth ?? 0),
      keep: (p, hidden) => void kept.push({ p, hidden: own.use(hidden.keep()) }),
      end: async ({ logits }) => {
        if (sums) {
          const received = await this.#received(sums, jobs, batch, layers);
          for (const { p, hidden } of kept) {
            await this.#pool(pooler, jobs, batch, p, "attention", hidden, received);
          }
        }
        await pooler.finish();
        const found = await maps?.finish();
        found?.forEach((map, b) => {
          const { protein, window } = jobs[batch.members[b]];
          protein.maps[window] = map;
        });
        if (!this.#plan.logits) return;
        const values = logits!.peek() ?? await logits!.read();
        this.#spread(jobs, batch, values, TOKENS.length, ({ logits }) => logits);
      },
      [Symbol.asyncDispose]: () => own.disposeAsync(),
    };
  }

  /** The stream of a batch at place `p`. */
  async #see(
    watch: EmbeddingWatch,
    jobs: readonly Job[],
    batch: PlannedBatch,
    p: number,
    hidden: Tensor,
  ): Promise<void> {
    for (const pool of this.#pools) {
      if (pool !== "attention") await this.#pool(watch.pooler, jobs, batch, p, pool, hidden);
      else if (this.#heads) watch.keep(p, hidden);
      else {
        const scores = await this.#scorer!.scores(hidden);
        const weights = new Float32Array(batch.size * batch.width);
        for (const [begin, end] of residueRanges(batch)) softmaxRows(scores, begin, end, weights);
        await this.#pool(watch.pooler, jobs, batch, p, pool, hidden, weights);
      }
    }
    if (!batch.members.some((job) => jobs[job].protein.residues.length > 0)) return;
    const values = hidden.peek() ?? await hidden.read();
    this.#spread(jobs, batch, values, this.#esm.config.dModel, ({ residues }) => residues[p]);
  }

  async #pool(
    pooler: BatchPooler,
    jobs: readonly Job[],
    batch: PlannedBatch,
    p: number,
    pool: Pool,
    hidden: Tensor,
    weights?: Float32Array,
  ): Promise<void> {
    const at = p * this.#pools.length + this.#pools.indexOf(pool), { dModel } = this.#esm.config;
    const how: TokenPool = pool === "attention" ? "mean" : pool;
    await pooler.add(hidden, how, (all) =>
      batch.members.forEach((job, b) => {
        const { protein: { vectors, windows } } = jobs[job];
        const own = all.subarray(b * dModel, (b + 1) * dModel);
        if (windows.length === 1) vectors[at] = own.slice();
        else if (pool === "cls") addShare(vectors[at] ??= new Float32Array(dModel), own, windows);
      }), weights);
  }

  /** Attention that each token receives, f32[B·T]; of windows it is kept too. */
  async #received(
    sums: AttentionSums,
    jobs: readonly Job[],
    batch: PlannedBatch,
    layers: readonly number[],
  ): Promise<Float32Array> {
    const { heads } = this.#esm.config, all = new Float32Array(batch.size * batch.width);
    (await sums.finish()).forEach(({ mass }, b) => {
      const length = batch.lengths[b] - 2, own = new Float64Array(length);
      for (const { layer, head } of this.#heads!) {
        const from = (layers.indexOf(layer) * heads + head) * length;
        for (let i = 0; i < length; i++) own[i] += mass[from + i];
      }
      // By residue and head, so that windows of any length are alike.
      const scale = 1 / (this.#heads!.length * length);
      for (let i = 0; i < length; i++) all[b * batch.width + 1 + i] = own[i] * scale;
    });
    this.#spread(jobs, batch, all, 1, ({ received }) => received);
    return all;
  }

  /** Puts the residues' rows of f32[B·T, n] into arrays f32[L, n] of the proteins that have one. */
  #spread(
    jobs: readonly Job[],
    { members, width }: PlannedBatch,
    values: Float32Array,
    n: number,
    targetOf: (protein: Growing) => Float32Array | undefined,
  ): void {
    members.forEach((job, b) => {
      const { protein, window } = jobs[job], target = targetOf(protein);
      if (!target) return;
      const { covers, parts: { [window]: { begin, end } } } = protein;
      const from = (b * width + 1 + begin - protein.windows[window].begin) * n;
      if (!covers) return target.set(values.subarray(from, from + (end - begin) * n), begin * n);
      for (let i = begin; i < end; i++) {
        for (let d = 0, at = from + (i - begin) * n; d < n; d++) {
          target[i * n + d] += values[at + d] / covers[i];
        }
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scorer?.[Symbol.asyncDispose]();
  }
}

/** What goes along with a batch, and what the visitor of its streams uses. */
interface EmbeddingWatch extends BatchWatch {
  pooler: BatchPooler;
  keep(p: number, hidden: Tensor): void;
}

function addShare(into: Float32Array, values: Float32Array, { length }: readonly unknown[]): void {
  for (let d = 0; d < into.length; d++) into[d] += values[d] / length;
}

function allHeads({ config: { layers, heads } }: Esm2): HeadName[] {
  return Array.from(
    { length: layers * heads },
    (_, i) => ({ layer: Math.floor(i / heads), head: i % heads }),
  );
}

type AttentionVisitor = BatchWatch["visitor"];

/** Two visitors of attention as one. */
function joined(a: AttentionVisitor, b: AttentionVisitor): AttentionVisitor {
  if (!a || !b) return a ?? b;
  if (a.reduction && b.reduction) return { reduction: joinReductions(a.reduction, b.reduction) };
  const wants = (one: NonNullable<AttentionVisitor>, layer: number) =>
    one.wantsAttention?.(layer) ?? true;
  return {
    wantsAttention: (layer) => wants(a, layer) || wants(b, layer),
    async attention(piece) {
      for (const one of [a, b]) if (wants(one, piece.layer)) await one.attention!(piece);
    },
  };
}
