/** Contact maps of proteins by any of the three methods. */
import { ahead } from "../backend/ahead.ts";
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import { UserError } from "../errors.ts";
import { defaultTokenBudget, type Esm2, windowsOf, windowTokens } from "../esm2/mod.ts";
import { AttentionContacts, type HeadWeights } from "./attention_contacts.ts";
import { ContactHead } from "./contact_head.ts";
import { jacobianContacts } from "./jacobian.ts";
import type { Method } from "./types.ts";
import { joinWindows } from "./windows.ts";

/** An attention head. */
export interface HeadName {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
}

/** How maps are predicted. */
export interface PredictorOptions {
  /** Which of the three. */
  method: Method;
  /** Heads to average, for the method "attention". @default all */
  heads?: readonly HeadName[];
  /** The Jacobian's fast variant. @default false */
  fast?: boolean;
  /** Tokens of a batch. @default the backend's */
  tokenBudget?: number;
}

/** What a prediction hears and obeys. */
export interface RunOptions {
  /** Hears of work done, in the unit of `Predictor.work`. */
  onProgress?: (done: number) => void;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Checks a list of heads against a model. @throws {UserError} if the model has no such head */
export function checkHeads(
  heads: readonly HeadName[],
  config: Pick<Esm2Config, "layers" | "heads">,
  flag = "--heads",
): void {
  for (const { layer, head } of heads) {
    if (layer < config.layers && head < config.heads) continue;
    throw new UserError(
      `Cannot use ${flag} as layers must be in 0..${config.layers - 1} and heads in ` +
        `0..${config.heads - 1}, as the model's: current value is ${layer}:${head}`,
    );
  }
}

/** Weight 1/n for each of n heads, all of them by default. */
function meanWeights(
  config: Esm2Config,
  heads: readonly HeadName[] | undefined,
): HeadWeights {
  const weights = new Float32Array(config.layers * config.heads);
  if (!heads) return weights.fill(1 / weights.length);
  checkHeads(heads, config);
  for (const { layer, head } of heads) weights[layer * config.heads + head] = 1 / heads.length;
  return weights;
}

/** Contact maps of tokenised sequences by one of the three methods. */
export class Predictor implements AsyncDisposable {
  private constructor(
    readonly model: Esm2,
    readonly options: PredictorOptions,
    readonly source: ContactHead | AttentionContacts | undefined,
  ) {}

  /** Opens what the method needs. @throws {UserError} if the model lacks what the method needs */
  static async create(
    model: Esm2,
    checkpoint: Checkpoint,
    options: PredictorOptions,
  ): Promise<Predictor> {
    const { method, heads } = options;
    const source = method === "head"
      ? await ContactHead.create(model, checkpoint)
      : method === "attention"
      ? await AttentionContacts.create(model, meanWeights(model.config, heads))
      : undefined;
    return new Predictor(model, options, source);
  }

  /** How much there is to do for a sequence of `length` residues: runs of a sequence. */
  work(length: number): number {
    if (this.source) return 1;
    return this.options.fast ? length : 1 + 19 * length;
  }

  /** Maps f32[L, L] in the order of `rows`: probabilities (head) or scores without a unit. */
  async maps(
    rows: readonly Int32Array<ArrayBuffer>[],
    { onProgress, signal }: RunOptions = {},
  ): Promise<Float32Array[]> {
    const { source, model, options } = this;
    const maps: Float32Array[] = [];
    let done = 0;
    if (!source) {
      for (const [i, row] of rows.entries()) {
        const work = this.work(row.length - 2);
        maps[i] = await jacobianContacts(model, row, {
          ...options,
          signal,
          onProgress: (runs) => onProgress?.(done + Math.min(runs, work)),
        });
        onProgress?.(done += work);
      }
      return maps;
    }
    const { tokenBudget = defaultTokenBudget(model.backend) } = options;
    const batches = model.planBatches(rows, tokenBudget);
    const read = ahead(batches, model.backend, (batch) => source.run(batch, { signal }));
    for await (const [batch, found] of read) {
      signal?.throwIfAborted();
      batch.members.forEach((i, b) => maps[i] = found[b]);
      onProgress?.(done += batch.size);
    }
    return maps;
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.source?.[Symbol.asyncDispose]();
  }
}

/** Map f32[L, L] of one protein; one longer than `window` residues runs in windows. */
export async function predictProtein(
  predictor: Predictor,
  row: Int32Array,
  window: number,
  options: RunOptions = {},
): Promise<Float32Array> {
  const length = row.length - 2, windows = windowsOf(length, window);
  const maps = await predictor.maps(windows.map((each) => windowTokens(row, each)), options);
  return joinWindows(length, windows, maps);
}

/** Work of `predictProtein`. */
export function workOf(predictor: Predictor, length: number, window: number): number {
  return windowsOf(length, window).reduce(
    (sum, { begin, end }) => sum + predictor.work(end - begin),
    0,
  );
}
