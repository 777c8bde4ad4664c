/** Whether proteins can be folded at their length, told before anything runs. */
import type { Backend, BackendChoice } from "../backend/mod.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { quote, UserError } from "../errors.ts";
import { GpuContext } from "../gpu/mod.ts";
import { availableMemory } from "../io/memory.ts";
import { numbersPerRow, planChunks } from "./chunks.ts";
import type { FoldConfig } from "./config.ts";
import type { FoldChains } from "./input.ts";
import { blockTensors, foldTensors, PAIR_BINS } from "./tensors.ts";

/** What decides how much memory folds take. */
export interface FoldNeeds {
  readonly config: FoldConfig;
  /** Of the language model. */
  readonly esm: Esm2Config;
  readonly lowMemory?: boolean;
  /** Rows of pairs that run at a time, where somebody says. */
  readonly rows?: number;
}

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** What a step makes is kept by the graphs of several steps for their next run: two of each direction. */
const KEPT = 4;

/** What the program takes without a model, and arrays that are kept for later ones of their size. */
const BASE_BYTES = 400 * 2 ** 20;

const sizeOf = (shapes: Iterable<readonly number[]>): number => {
  let sum = 0;
  for (const shape of shapes) sum += shape.reduce((product, extent) => product * extent, 1);
  return sum;
};

/** Bytes that folding a protein of so many residues takes on a host at most, weights included. */
export function foldBytes(
  { config, esm, lowMemory = false, rows }: FoldNeeds,
  length: number,
): number {
  const { dModel, layers, ffn } = esm, block = sizeOf(blockTensors(config).values());
  const layer = 4 * dModel ** 2 + 2 * dModel * ffn, all = sizeOf(foldTensors(config, esm).values());
  const weights = lowMemory
    ? Math.max(layer, block) + all - config.blocks * block
    : layers * layer + all;
  const chunks = planChunks(config, length, { rows });
  const [begin, end] = chunks.channels[0], { pair, structure } = config, pairs = length ** 2;
  // The states twice, whose second half is the next step's, or the products of triangles; and what a step makes.
  const made = Math.max(
    6 * (end - begin) * pairs,
    chunks.rows[0] * numbersPerRow(config, length),
  );
  const trunk = 2 * pair * pairs + KEPT * made;
  // The structure module's pairs, and biases and attention of its heads in double precision.
  const module = (pair + structure.pair + 4 * structure.heads) * pairs;
  const heads = (pair + 3 * PAIR_BINS) * pairs;
  const language = 2 * length ** 2 + 8 * length * ffn;
  return BASE_BYTES + FLOAT * (weights + Math.max(trunk, module, heads, language));
}

/**
 * Refuses what does not fit in memory, the longest protein first.
 *
 * @param available bytes; nothing is refused where nobody can tell
 * @throws {UserError} naming the protein, what it needs and what there is
 */
export function checkFoldsFit(
  needs: FoldNeeds,
  proteins: readonly FoldChains[],
  available: number = availableMemory() ?? Infinity,
): void {
  const longest = longestOf(proteins), length = longest.types.length;
  const needed = foldBytes(needs, length);
  if (needed <= available) return;
  const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MiB`;
  const advice = needs.lowMemory || foldBytes({ ...needs, lowMemory: true }, length) > available
    ? ""
    : "; --low-memory needs less";
  throw new UserError(
    `Cannot fold ${quote(longest.id)} of ${length} residues as it must fit the ${
      mib(available)
    } of memory ` +
      `that there are: it needs ${mib(needed)}${advice}`,
  );
}

/**
 * Refuses what a device's tensors cannot hold.
 *
 * @throws {UserError} naming the protein
 */
export function checkTensorsFit(
  { config, rows }: FoldNeeds,
  proteins: readonly FoldChains[],
  { tensorLimit }: Pick<Backend, "tensorLimit">,
): void {
  if (!tensorLimit.hard) return;
  const longest = longestOf(proteins), length = longest.types.length;
  const chunks = planChunks(config, length, { rows, limit: tensorLimit });
  const scores = config.pair / config.pairHeadWidth * length ** 2;
  const hidden = 4 * config.pair * length;
  const most = FLOAT * Math.max(length ** 2, chunks.rows[0] * Math.max(scores, hidden));
  if (most <= tensorLimit.bytes) return;
  throw new UserError(
    `Cannot fold ${
      quote(longest.id)
    } of ${length} residues as a tensor must be at most ${tensorLimit.bytes} ` +
      `bytes on this device: one would have ${most}; use --backend cpu`,
  );
}

/** Whether the states will lie in the memory that programs share, not on a device of its own. */
export async function runsOnHost(choice: BackendChoice): Promise<boolean> {
  if (choice !== "auto") return choice !== "webgpu";
  const adapter = await GpuContext.probe();
  return !adapter || adapter.isFallback;
}

const longestOf = (proteins: readonly FoldChains[]): FoldChains =>
  proteins.reduce((a, b) => b.types.length > a.types.length ? b : a);
