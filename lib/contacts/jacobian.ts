/** Contacts from the categorical Jacobian: how the logits of all residues answer to substitutions. */
import { JacobianNorm, jacobianNorms } from "../../kernels/jacobian_norm/mod.ts";
import { ahead } from "../backend/ahead.ts";
import {
  AMINO_ACIDS_BEGIN,
  AMINO_ACIDS_END,
  defaultTokenBudget,
  type Esm2,
  padBatch,
} from "../esm2/mod.ts";
import { MASK, TOKENS } from "../esm2/alphabet.ts";
import { apc, zeroDiagonal } from "./apc.ts";
import { JacobianStore } from "./jacobian_store.ts";

const A = AMINO_ACIDS_END - AMINO_ACIDS_BEGIN;

/** How the Jacobian is computed. */
export interface JacobianOptions {
  /** One run with `<mask>` per residue instead of 20 substitutions. @default false */
  fast?: boolean;
  /** Tokens of a batch. @default the backend's */
  tokenBudget?: number;
  /** Hears of each sequence run: done of total. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Contact scores f32[L, L] of a tokenised sequence: raw logits of every substitution, centred over all
 * four axes, symmetrised, Frobenius norm over letters, average product correction, zero diagonal
 * (Zhang et al. 2024, 10.1073/pnas.2406285121). Scores have no unit; larger means closer coupled.
 *
 * @param row token ids with `<cls>` and `<eos>`
 */
export async function jacobianContacts(
  model: Esm2,
  row: Int32Array,
  options: JacobianOptions = {},
): Promise<Float32Array> {
  const norms = options.fast
    ? await maskNorms(model, row, options)
    : await substitutionNorms(model, row, options);
  return zeroDiagonal(apc(norms));
}

/** Norms f32[L, L] before the correction. */
export async function substitutionNorms(
  model: Esm2,
  row: Int32Array,
  options: JacobianOptions = {},
): Promise<Float32Array> {
  const length = row.length - 2;
  const { gpu } = model.backend;
  const kernel = gpu && await JacobianNorm.create(gpu);
  const store = new JacobianStore(length);
  const slab = new Float32Array(A * length * A);
  // The wild type is one of the substitutions wherever the residue is one of the 20: run it once.
  const runs = function* () {
    yield { n: -1, a: -1, ids: row };
    for (let n = 0; n < length; n++) {
      for (let a = 0; a < A; a++) {
        if (row[n + 1] !== AMINO_ACIDS_BEGIN + a) yield { n, a, ids: replaced(row, n, a) };
      }
    }
  };
  const standard =
    row.subarray(1, length + 1).filter((t) => t >= AMINO_ACIDS_BEGIN && t < AMINO_ACIDS_END).length;
  const total = 1 + length * A - standard;
  let wildType: Float32Array | undefined, current = 0;
  const finish = (n: number) => {
    const own = row[n + 1] - AMINO_ACIDS_BEGIN;
    if (own >= 0 && own < A) slab.set(wildType!, own * length * A);
    store.add(n, slab);
  };
  await forEachLogits(model, row, runs(), total, options, ({ n, a }, logits) => {
    if (n < 0) {
      wildType = logits.slice();
      return;
    }
    if (n !== current) finish(current);
    current = n;
    slab.set(logits, a * length * A);
  });
  finish(current);
  const jacobian = store.finish();
  return kernel ? await kernel.norms(jacobian) : jacobianNorms(jacobian);
}

/**
 * The fast variant: `<mask>` at each residue in turn, one run each. J[n, m, b] is centred over n, m and
 * b; the norm over b is taken first and the map symmetrised after, as there is no letter put in.
 */
async function maskNorms(
  model: Esm2,
  row: Int32Array,
  options: JacobianOptions = {},
): Promise<Float32Array> {
  const length = row.length - 2;
  const all = new Float32Array(length * length * A);
  const runs = function* () {
    for (let n = 0; n < length; n++) {
      yield { n, ids: replaced(row, n, MASK - AMINO_ACIDS_BEGIN) };
    }
  };
  await forEachLogits(model, row, runs(), length, options, ({ n }, logits) => {
    all.set(logits, n * length * A);
  });
  return centredMaskNorms(all, length);
}

/** Norms over b of f32[L, L, 20] centred over n, m and b (in place), symmetrised as a map. */
export function centredMaskNorms(all: Float32Array, length: number): Float32Array {
  const overN = new Float64Array(length * A);
  for (let n = 0; n < length; n++) {
    const overM = new Float64Array(A);
    const slab = all.subarray(n * length * A, (n + 1) * length * A);
    for (let m = 0; m < length; m++) {
      let mean = 0;
      for (let b = 0; b < A; b++) mean += slab[m * A + b] / A;
      for (let b = 0; b < A; b++) overM[b] += (slab[m * A + b] -= mean) / length;
    }
    for (let i = 0; i < slab.length; i++) overN[i] += (slab[i] -= overM[i % A]) / length;
  }
  const norms = new Float32Array(length * length);
  for (let n = 0; n < length; n++) {
    for (let m = 0; m < length; m++) {
      let sum = 0;
      for (let b = 0; b < A; b++) {
        sum += (all[(n * length + m) * A + b] - overN[m * A + b]) ** 2;
      }
      const half = Math.sqrt(sum) / 2;
      norms[n * length + m] += half;
      norms[m * length + n] += half;
    }
  }
  return zeroDiagonal(norms);
}

function replaced(row: Int32Array, n: number, a: number): Int32Array {
  const ids = row.slice();
  ids[n + 1] = AMINO_ACIDS_BEGIN + a;
  return ids;
}

/** Runs equally long sequences in batches; gives each one's logits f32[L, 20] of residues and letters. */
async function forEachLogits<R extends { ids: Int32Array }>(
  model: Esm2,
  row: Int32Array,
  runs: Iterable<R>,
  total: number,
  { tokenBudget = defaultTokenBudget(model.backend, model), onProgress, signal }: JacobianOptions,
  see: (run: R, logits: Float32Array) => void,
): Promise<void> {
  const width = row.length, length = width - 2, vocabulary = TOKENS.length;
  // As many as the planner would put together: equal batches share one compiled graph.
  const sample = Array.from({ length: Math.max(1, Math.ceil(tokenBudget / width)) }, () => row);
  const [{ size }] = model.planBatches(sample, tokenBudget);
  const logits = new Float32Array(length * A);
  let done = 0;
  const read = ahead(groupsOf(runs, size), model.backend, async (group) => {
    signal?.throwIfAborted();
    const batch = padBatch(group.map(({ ids }) => ids));
    using result = await model.run(batch, { head: true, signal });
    return await result.logits!.read();
  });
  for await (const [group, data] of read) {
    group.forEach((run, g) => {
      for (let m = 0; m < length; m++) {
        const from = ((g * width) + m + 1) * vocabulary + AMINO_ACIDS_BEGIN;
        for (let b = 0; b < A; b++) logits[m * A + b] = data[from + b];
      }
      see(run, logits);
    });
    onProgress?.(done += group.length, total);
  }
}

/** So many at a time. */
function* groupsOf<R>(runs: Iterable<R>, size: number): Generator<R[]> {
  let group: R[] = [];
  for (const run of runs) {
    group.push(run);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
