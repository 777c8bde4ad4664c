/** Runs one block on a backend, whole or in pieces, and shows the visitor what it asked for. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import {
  attendGraph,
  blockGraph,
  type BlockOutputs,
  type BlockVariant,
  type BlockWeight,
  finishGraph,
  projectGraph,
} from "./block.ts";
import type { ProgramCache } from "./programs.ts";
import type { TokenBatch } from "./tokenize.ts";
import type { AttentionReduction } from "./reduction.ts";
import type { AttentionPiece } from "./visitor.ts";

/** Tensors by the name of the graph input they feed. */
export type Inputs = Record<string, Tensor>;

/** One block of a run and what the visitor wants of it. */
export interface BlockStep {
  variant: BlockVariant;
  layer: number;
  batch: TokenBatch;
  attention?: (piece: AttentionPiece) => void | Promise<void>;
  reduction?: AttentionReduction;
}

/** Runs blocks; the compiled graphs are kept in `programs`. */
export class BlockRunner {
  constructor(
    readonly config: Esm2Config,
    readonly backend: Backend,
    readonly programs: ProgramCache,
  ) {}

  /** The block as one graph. */
  async whole(
    step: BlockStep,
    groups: readonly number[],
    x: Tensor,
    inputs: Inputs,
  ): Promise<Tensor> {
    const { variant, batch: { size, width } } = step;
    const outputs = wanted(step);
    const program = await this.programs.get(
      `block ${keyOf(step)} ${groups}`,
      () => blockGraph(variant, groups, outputs),
    );
    using owned = new DisposableStack();
    const { hidden, ...seen } = await program.run(
      { ...inputs, ...this.#reductionInputs(step, 0, this.config.heads, owned), x },
      { hidden: [...x.shape], ...seenShapes(outputs, size, this.config.heads, width) },
    );
    try {
      await show(step, 0, this.config.heads, seen);
    } catch (error) {
      hidden[Symbol.dispose]();
      throw error;
    }
    return hidden;
  }

  /** The same block with a run for some heads at a time, for attention too large to be held whole. */
  async inPieces(
    step: BlockStep,
    groups: readonly number[],
    x: Tensor,
    inputs: Inputs,
  ): Promise<Tensor> {
    const { variant, batch: { size, width } } = step;
    const { headDim } = this.config;
    const key = keyOf(step), outputs = wanted(step);
    const project = await this.programs.get(
      `project ${key} ${groups}`,
      () => projectGraph(variant, groups),
    );
    const finish = await this.programs.get(
      `finish ${key} ${groups}`,
      () => finishGraph(variant, groups),
    );
    using owned = new DisposableStack();
    const perHead = (count: number) => [size, count, width, headDim];
    const projected = await project.run(
      { ...pick(inputs, PROJECT_INPUTS), x },
      Object.fromEntries(
        groups.flatMap((count, i) =>
          ["q", "k", "v"].map((name) => [`${name}_${i}`, perHead(count)])
        ),
      ),
    );
    Object.values(projected).forEach((t) => owned.use(t));
    const parts: Inputs = {};
    let begin = 0;
    for (const [i, count] of groups.entries()) {
      const attend = await this.programs.get(
        `attend ${key} ${count}`,
        () => attendGraph(variant, count, outputs),
      );
      const [q, k, v] = ["q", "k", "v"].map((name) => projected[`${name}_${i}`]);
      const { mixed, ...seen } = await attend.run(
        {
          ...{ q, k, v },
          ...pick(inputs, ["bias"]),
          ...this.#reductionInputs(step, begin, begin + count, owned),
        },
        { mixed: perHead(count), ...seenShapes(outputs, size, count, width) },
      );
      parts[`mixed_${i}`] = owned.use(mixed);
      await show(step, begin, begin + count, seen);
      begin += count;
    }
    const out = await finish.run(
      { ...pick(inputs, FINISH_INPUTS), ...parts, x },
      { hidden: [...x.shape] },
    );
    return out.hidden;
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

const wanted = ({ attention, reduction }: BlockStep): BlockOutputs => ({
  attention: attention !== undefined,
  reduction,
});

/** What distinguishes compiled graphs of one kind. */
function keyOf(step: BlockStep): string {
  const { attention, reduction } = wanted(step);
  return [step.variant.batch, step.variant.padded, attention, reduction?.key].join(" ");
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

const PROJECT_INPUTS: readonly (BlockWeight | string)[] = [
  "self_attn_layer_norm.weight",
  "self_attn_layer_norm.bias",
  ...["q", "k", "v"].flatMap((p) => [`self_attn.${p}_proj.weight`, `self_attn.${p}_proj.bias`]),
  "query_cos",
  "query_sin",
  "key_cos",
  "key_sin",
];

const FINISH_INPUTS: readonly BlockWeight[] = [
  "self_attn.out_proj.weight",
  "self_attn.out_proj.bias",
  "final_layer_norm.weight",
  "final_layer_norm.bias",
  "fc1.weight",
  "fc1.bias",
  "fc2.weight",
  "fc2.bias",
];

function pick(inputs: Inputs, names: readonly string[]): Inputs {
  return Object.fromEntries(names.filter((n) => n in inputs).map((n) => [n, inputs[n]]));
}
