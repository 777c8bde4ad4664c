/** Runs one block on a backend, whole or in pieces, and shows the visitor what it asked for. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { keptOf } from "../onnx/gradient.ts";
import type { BlockVariant } from "./block.ts";
import {
  addAttentionGraph,
  addFeedForwardGraph,
  attendGraph,
  blockGraph,
  type BlockOutputs,
  feedForwardGraph,
  finishGraph,
  keptValues,
  projectGraph,
} from "./block_graphs.ts";
import type { GraphProgram, ProgramCache } from "./programs.ts";
import type { TokenBatch } from "./tokenize.ts";
import type { AttentionReduction } from "./reduction.ts";
import type { AttentionPiece, BlockPart, BlockPartName } from "./visitor.ts";

/** Tensors by the name of the graph input they feed. */
export type Inputs = Record<string, Tensor>;

/** One block of a run and what the visitor wants of it. */
export interface BlockStep {
  variant: BlockVariant;
  layer: number;
  batch: TokenBatch;
  /** f32[R] of the rows of the stream that are wanted of the block. @default all */
  rows?: Tensor | "none";
  attention?: (piece: AttentionPiece) => void | Promise<void>;
  reduction?: AttentionReduction;
  /** Shows a part of the block, where the visitor wants it; gives what the block goes on with. */
  part?: PartHook;
}

export interface PartHook {
  wants(name: BlockPartName): boolean;
  visit(part: BlockPart): void | Promise<void>;
}

/** Runs blocks; the compiled graphs are kept in `programs`. */
export class BlockRunner {
  #last?: {
    variant: BlockVariant;
    groups: readonly number[];
    outputs: BlockOutputs;
    program: Promise<GraphProgram>;
  };

  constructor(
    readonly config: Esm2Config,
    readonly backend: Backend,
    readonly programs: ProgramCache,
  ) {}

  /** The block as one graph, with what its gradient needs again; whoever asked disposes of all. */
  async keeping(
    { variant, batch: { width } }: BlockStep,
    groups: readonly number[],
    x: Tensor,
    inputs: Inputs,
  ): Promise<{ hidden: Tensor; kept: Inputs }> {
    const outputs: BlockOutputs = { attention: false, kept: true };
    const program = await this.programs.get(blockGraph, variant, groups, outputs);
    const shapes = Object.entries(keptValues(variant, groups, width))
      .map(([name, shape]) => [keptOf(name), shape]);
    const { hidden, ...kept } = await program.run(
      { ...inputs, x },
      { hidden: [...x.shape], ...Object.fromEntries(shapes) },
    );
    return { hidden, kept };
  }

  /** The block as one graph; gives the stream where it is wanted. */
  async whole(
    step: BlockStep,
    groups: readonly number[],
    x: Tensor,
    inputs: Inputs,
  ): Promise<Tensor | undefined> {
    const { variant, batch: { size, width } } = step;
    const outputs = wanted(step);
    const program = await this.#programOf(variant, groups, outputs);
    using owned = new DisposableStack();
    const { hidden, ...seen } = await program.run(
      {
        ...inputs,
        ...this.#reductionInputs(step, 0, this.config.heads, owned),
        ...rowsInput(step),
        x,
      },
      { ...hiddenShape(step, x), ...seenShapes(outputs, size, this.config.heads, width) },
    );
    try {
      await show(step, 0, this.config.heads, seen);
    } catch (error) {
      hidden?.[Symbol.dispose]();
      throw error;
    }
    return hidden;
  }

  /** The program of a whole block: mostly that of the block before, which is found without its key's text. */
  #programOf(
    variant: BlockVariant,
    groups: readonly number[],
    outputs: BlockOutputs,
  ): Promise<GraphProgram> {
    const last = this.#last;
    const isSame = last?.variant === variant && last.groups.join() === groups.join() &&
      last.outputs.rows === outputs.rows && last.outputs.attention === outputs.attention &&
      last.outputs.reduction === outputs.reduction;
    if (isSame) return last.program;
    const program = this.programs.get(blockGraph, variant, groups, outputs);
    this.#last = { variant, groups, outputs, program };
    return program;
  }

  /** The same block with a run for some heads at a time, for attention too large to be held whole. */
  async inPieces(
    step: BlockStep,
    groups: readonly number[],
    x: Tensor,
    inputs: Inputs,
  ): Promise<Tensor | undefined> {
    const { variant } = step;
    using owned = new DisposableStack();
    const projected = await this.project(step, groups, x, inputs, owned);
    for (const [letter, name] of PROJECTED) {
      await this.#showGroups(step, groups, letter, name, projected, owned);
    }
    const mixed = await this.attend(step, groups, projected, inputs, owned);
    await this.#showGroups(step, groups, "mixed", "heads", mixed, owned);
    if (step.part?.wants("mlp")) return await this.#finishInParts(step, groups, x, mixed, inputs);
    if (step.rows === "none") return undefined;
    const finish = await this.programs.get(finishGraph, variant, groups, wanted(step).rows);
    const values = { ...inputs, ...mixed, ...rowsInput(step), x };
    return (await finish.run(values, hiddenShape(step, x))).hidden;
  }

  /** The last third with the feed-forward part's addition shown. */
  async #finishInParts(
    step: BlockStep,
    groups: readonly number[],
    x: Tensor,
    mixed: Inputs,
    inputs: Inputs,
  ): Promise<Tensor> {
    const { variant } = step, shape = [...x.shape];
    using owned = new DisposableStack();
    const first = await this.programs.get(addAttentionGraph, variant, groups);
    const { attended } = await first.run({ ...inputs, ...mixed, x }, { attended: shape });
    owned.use(attended);
    const second = await this.programs.get(feedForwardGraph, variant);
    const { mlp } = await second.run({ ...inputs, attended }, { mlp: shape });
    const added = await this.#show(step, "mlp", 0, this.config.heads, owned.use(mlp), owned);
    const last = await this.programs.get(addFeedForwardGraph, variant);
    return (await last.run({ attended, mlp: added }, { hidden: shape })).hidden;
  }

  /** Shows a part of each group of heads; what replaces it stands in `values` from then on. */
  async #showGroups(
    step: BlockStep,
    groups: readonly number[],
    letter: string,
    name: BlockPartName,
    values: Inputs,
    owned: DisposableStack,
  ): Promise<void> {
    if (!step.part?.wants(name)) return;
    let begin = 0;
    for (const [i, heads] of groups.entries()) {
      const key = `${letter}_${i}`;
      values[key] = await this.#show(step, name, begin, begin + heads, values[key], owned);
      begin += heads;
    }
  }

  /** Shows a part; gives the tensor that the block goes on with. */
  async #show(
    { part, layer, batch }: BlockStep,
    name: BlockPartName,
    begin: number,
    end: number,
    tensor: Tensor,
    owned: DisposableStack,
  ): Promise<Tensor> {
    let current = tensor;
    await part!.visit({
      ...{ name, layer, begin, end, tensor, batch },
      replace(other) {
        owned.use(other);
        if (other.shape.join() !== tensor.shape.join()) {
          throw new RangeError(
            `Cannot replace ${name} of layer ${layer} as the shape must be ` +
              `[${tensor.shape.join(", ")}]: current value is [${other.shape.join(", ")}]`,
          );
        }
        current = other;
      },
    });
    return current;
  }

  /** Queries, keys and values f32[B, h, T, d] of each group of heads: `q_0`, `k_0`, `v_0`, `q_1` … */
  async project(
    { variant, batch: { size, width } }: BlockStep,
    groups: readonly number[],
    x: Tensor,
    inputs: Inputs,
    owned: DisposableStack,
  ): Promise<Inputs> {
    const program = await this.programs.get(projectGraph, variant, groups);
    const shapes = groups.flatMap((heads, i) => {
      const shape = [size, heads, width, this.config.headDim];
      return ["q", "k", "v"].map((name) => [`${name}_${i}`, shape]);
    });
    const projected = await program.run({ ...inputs, x }, Object.fromEntries(shapes));
    Object.values(projected).forEach((t) => owned.use(t));
    return projected;
  }

  /** The mixed values f32[B, h, T, d] of each group of heads: `mixed_0` … */
  async attend(
    step: BlockStep,
    groups: readonly number[],
    projected: Inputs,
    inputs: Inputs,
    owned: DisposableStack,
  ): Promise<Inputs> {
    const { variant, batch: { size, width } } = step;
    const outputs = wanted(step);
    const parts: Inputs = {};
    let begin = 0;
    for (const [i, heads] of groups.entries()) {
      const program = await this.programs.get(attendGraph, variant, heads, outputs);
      const end = begin + heads;
      const { mixed, ...seen } = await program.run(
        {
          ...inputs,
          ...groupInputs(projected, i),
          ...this.#reductionInputs(step, begin, end, owned),
        },
        {
          mixed: [size, heads, width, this.config.headDim],
          ...seenShapes(outputs, size, heads, width),
        },
      );
      parts[`mixed_${i}`] = owned.use(mixed);
      await show(step, begin, end, seen);
      begin = end;
    }
    return parts;
  }

  #reductionInputs(
    { reduction, layer, batch: { width } }: BlockStep,
    begin: number,
    end: number,
    owned: DisposableStack,
  ): Inputs {
    return Object.fromEntries(
      Object.entries(reduction?.inputs ?? {}).map(([name, input]) => {
        const shape = input.shape(end - begin).map((d) => d === "T" ? width : d as number);
        const values = input.values(layer, begin, end);
        return [name, owned.use(this.backend.upload(name, shape, values))];
      }),
    );
  }
}

/** Projections by the letter that graphs have for them. */
const PROJECTED = [["q", "queries"], ["k", "keys"], ["v", "values"]] as const;

const wanted = ({ rows, attention, reduction }: BlockStep): BlockOutputs => ({
  rows: rows && (rows === "none" ? rows : "chosen"),
  attention: attention !== undefined,
  reduction,
});

/** The queries, keys and values of group `i` under the names that the attention's graph has for them. */
export function groupInputs(projected: Inputs, i: number): Inputs {
  return Object.fromEntries(["q", "k", "v"].map((name) => [name, projected[`${name}_${i}`]]));
}

const rowsInput = ({ rows }: BlockStep): Inputs => rows && rows !== "none" ? { rows } : {};

function hiddenShape({ rows }: BlockStep, x: Tensor): Record<string, number[]> {
  if (rows === "none") return {};
  return { hidden: rows ? [rows.shape[0], x.shape[1]] : [...x.shape] };
}

function seenShapes(
  { attention, reduction }: BlockOutputs,
  size: number,
  heads: number,
  width: number,
): Record<string, number[]> {
  const reduced = Object.entries(reduction?.outputs ?? {});
  return {
    ...(attention && { attention: [size, heads, width, width] }),
    ...Object.fromEntries(reduced.map(([name, { shape }]) => [name, shape(heads, width)])),
  };
}

/** Shows heads `begin` to `end` to the visitor, then frees what it saw. */
async function show(
  { layer, batch, attention, reduction }: BlockStep,
  begin: number,
  end: number,
  seen: Record<string, Tensor>,
): Promise<void> {
  try {
    await attention?.({ layer, begin, end, pattern: seen.attention, batch });
    await reduction?.visit({ layer, begin, end, values: seen, batch });
  } finally {
    Object.values(seen).forEach((t) => t[Symbol.dispose]());
  }
}
