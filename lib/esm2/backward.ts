/**
 * Vector–Jacobian products of a block and of the head, generated from their own definitions.
 *
 * Each computes its forward pass again inside. As on the way up, attention too large for one tensor of
 * the device goes some heads at a time, in the same three parts.
 */
import type { Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { cotangentOf, gradientOf, vjpGraph } from "../onnx/gradient.ts";
import { attendGraph, blockGraph, finishGraph, projectGraph } from "./block_graphs.ts";
import {
  type BlockRunner,
  type BlockStep,
  groupInputs,
  type Inputs,
  plainKey,
} from "./block_runner.ts";
import { headGraph } from "./head.ts";
import type { ProgramCache } from "./programs.ts";

const QKV = ["q", "k", "v"];

/** Differentiates blocks; `x` is a block's input and `cotangent` dS/d(its output), both f32[B·T, D]. */
export class BackwardRunner {
  constructor(readonly blocks: BlockRunner) {}

  /** dS/dx f32[B·T, D] by one graph. */
  async whole(
    { variant }: BlockStep,
    groups: readonly number[],
    x: Tensor,
    cotangent: Tensor,
    inputs: Inputs,
  ): Promise<Tensor> {
    const program = await this.blocks.programs.get(
      `block backward ${plainKey(variant)} ${groups}`,
      () => vjpGraph(blockGraph(variant, groups, { attention: false }), ["hidden"], ["x"]),
    );
    const found = await program.run(
      { ...inputs, x, [cotangentOf("hidden")]: cotangent },
      { [gradientOf("x")]: x.shape },
    );
    return found[gradientOf("x")];
  }

  /** The same with a run for some heads at a time. */
  async inPieces(
    step: BlockStep,
    groups: readonly number[],
    x: Tensor,
    cotangent: Tensor,
    inputs: Inputs,
  ): Promise<Tensor> {
    const { blocks } = this;
    using owned = new DisposableStack();
    const projected = await blocks.project(step, groups, x, inputs, owned);
    const direct = await this.#finish(step, groups, { ...inputs, x }, projected, cotangent, owned);
    const cotangents: Inputs = { [cotangentOf("x")]: direct[gradientOf("x")] };
    for (const [i, heads] of groups.entries()) {
      const found = await this.#attend(
        step,
        heads,
        { ...inputs, ...groupInputs(projected, i) },
        direct[gradientOf(`mixed_${i}`)],
      );
      for (const name of QKV) {
        cotangents[cotangentOf(`${name}_${i}`)] = owned.use(found[gradientOf(name)]);
      }
    }
    const parts = groups.flatMap((_, i) => QKV.map((name) => `${name}_${i}`));
    const program = await blocks.programs.get(
      `project backward ${plainKey(step.variant)} ${groups}`,
      // The residual connections reach x past the projections: their share comes in as a seed.
      () => vjpGraph(projectGraph(step.variant, groups), [...parts, "x"], ["x"]),
    );
    const found = await program.run({ ...inputs, x, ...cotangents }, {
      [gradientOf("x")]: x.shape,
    });
    return found[gradientOf("x")];
  }

  /** From dS/d(block's output) to dS/d(mixed values) of each group, and to dS/dx past the attention. */
  async #finish(
    step: BlockStep,
    groups: readonly number[],
    inputs: Inputs,
    projected: Inputs,
    cotangent: Tensor,
    owned: DisposableStack,
  ): Promise<Inputs> {
    const names = groups.map((_, i) => `mixed_${i}`);
    const program = await this.blocks.programs.get(
      `finish backward ${plainKey(step.variant)} ${groups}`,
      () => vjpGraph(finishGraph(step.variant, groups), ["hidden"], ["x", ...names]),
    );
    using forward = new DisposableStack();
    const mixed = await this.blocks.attend(step, groups, projected, inputs, forward);
    const found = await program.run(
      { ...inputs, ...mixed, [cotangentOf("hidden")]: cotangent },
      {
        [gradientOf("x")]: inputs.x.shape,
        ...Object.fromEntries(names.map((name) => [gradientOf(name), mixed[name].shape])),
      },
    );
    Object.values(found).forEach((t) => owned.use(t));
    return found;
  }

  /** From dS/d(mixed values) to dS/dq, dS/dk and dS/dv of one group. */
  async #attend(
    { variant }: BlockStep,
    heads: number,
    inputs: Inputs,
    cotangent: Tensor,
  ): Promise<Inputs> {
    const program = await this.blocks.programs.get(
      `attend backward ${plainKey(variant)} ${heads}`,
      () => vjpGraph(attendGraph(variant, heads, { attention: false }), ["mixed"], QKV),
    );
    return await program.run(
      { ...inputs, [cotangentOf("mixed")]: cotangent },
      Object.fromEntries(QKV.map((name) => [gradientOf(name), inputs[name].shape])),
    );
  }
}

/**
 * From dS/d(logits) f32[R, 33] to dS/dx f32[B·T, D].
 *
 * @param inputs x, the head's weights and, where the logits are of some rows only, their numbers
 */
export async function headBackward(
  programs: ProgramCache,
  config: Esm2Config,
  inputs: Inputs,
  cotangent: Tensor,
): Promise<Tensor> {
  const someRows = "rows" in inputs;
  const program = await programs.get(
    someRows ? "head of rows backward" : "head backward",
    () => vjpGraph(headGraph(config, someRows), ["logits"], ["x"]),
  );
  const found = await program.run(
    { ...inputs, [cotangentOf("logits")]: cotangent },
    { [gradientOf("x")]: inputs.x.shape },
  );
  return found[gradientOf("x")];
}
