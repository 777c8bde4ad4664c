/** Contact maps of proteins by any of the three methods. */
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import { UserError } from "../errors.ts";
import { type Esm2, padBatch, planBatches, tokenize } from "../esm2/mod.ts";
import { AttentionContacts, type HeadWeights } from "./attention_contacts.ts";
import { ContactHead } from "./contact_head.ts";
import { jacobianContacts } from "./jacobian.ts";
import type { Method } from "./types.ts";
import { joinWindows, type Window, windowsOf, windowTokens } from "./windows.ts";

export interface HeadName {
  layer: number;
  head: number;
}

export interface PredictOptions {
  method: Method;
  /** Heads to average, for the method "attention". @default all */
  heads?: readonly HeadName[];
  /** The Jacobian's fast variant. @default false */
  fast?: boolean;
  /** Most residues run at once. @default 1022 */
  window?: number;
  /** Tokens of a batch. @default 1024 */
  tokenBudget?: number;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Checks a list of heads against a model. @throws {UserError} if the model has no such head */
export function checkHeads(heads: readonly HeadName[], config: Esm2Config): void {
  for (const { layer, head } of heads) {
    if (layer < config.layers && head < config.heads) continue;
    throw new UserError(
      `Cannot use --heads as layers must be in 0..${config.layers - 1} and heads in ` +
        `0..${config.heads - 1}, as the model's: current value is ${layer}:${head}`,
    );
  }
}

/** Weight 1/n for each of n heads, all of them by default. */
export function meanWeights(
  config: Esm2Config,
  heads: readonly HeadName[] | undefined,
): HeadWeights {
  const weights = new Float32Array(config.layers * config.heads);
  if (!heads) return weights.fill(1 / weights.length);
  checkHeads(heads, config);
  for (const { layer, head } of heads) weights[layer * config.heads + head] = 1 / heads.length;
  return weights;
}

/** Maps f32[L, L] of proteins, in their order: probabilities (head) or scores without a unit. */
export async function predictContacts(
  model: Esm2,
  checkpoint: Checkpoint,
  proteins: readonly { id: string; residues: string }[],
  options: PredictOptions,
): Promise<Float32Array[]> {
  const { method, window = 1022, signal } = options;
  const rows = proteins.map((protein) => tokenize(protein, { maxLength: Infinity }));
  const pieces: { protein: number; window: Window; row: Int32Array<ArrayBuffer> }[] = [];
  rows.forEach((row, protein) => {
    for (const each of windowsOf(row.length - 2, window)) {
      pieces.push({ protein, window: each, row: windowTokens(row, each) });
    }
  });
  const maps: Float32Array[] = [];
  if (method === "jacobian") {
    const each = pieces.map(({ row }) => (row.length - 2) * (options.fast ? 1 : 19) + 1);
    const total = each.reduce((a, b) => a + b, 0);
    let before = 0;
    for (const [i, { row }] of pieces.entries()) {
      maps[i] = await jacobianContacts(model, row, {
        ...options,
        onProgress: (done) => options.onProgress?.(before + Math.min(done, each[i]), total),
      });
      before += each[i];
      options.onProgress?.(before, total);
    }
  } else {
    await using source = method === "head"
      ? await ContactHead.create(model, checkpoint)
      : await AttentionContacts.create(model, meanWeights(model.config, options.heads));
    const batches = planBatches(
      pieces.map(({ row }) => row),
      model.config,
      model.backend.tensorLimit,
      options.tokenBudget ?? 1024,
    );
    const total = batches.length * model.config.layers;
    let done = 0;
    for (const batch of batches) {
      signal?.throwIfAborted();
      const found = await source.run(padBatch(batch.members.map((i) => pieces[i].row)), {
        signal,
        onLayer: () => options.onProgress?.(++done, total),
      });
      batch.members.forEach((i, b) => maps[i] = found[b]);
    }
    options.onProgress?.(total, total);
  }
  return proteins.map((_, protein) => {
    const own = pieces.flatMap((piece, i) => piece.protein === protein ? [i] : []);
    return joinWindows(
      rows[protein].length - 2,
      own.map((i) => pieces[i].window),
      own.map((i) => maps[i]),
    );
  });
}
