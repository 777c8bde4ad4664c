/**
 * Vector–Jacobian products of a block, generated from its own definition.
 *
 * Each computes its forward pass again inside. As on the way up, attention too large for one tensor of
 * the device goes some heads at a time, in the same three parts.
 */
import type { Tensor } from "../backend/types.ts";
import { cotangentOf, gradientOf } from "../onnx/gradient.ts";
import { attendGraph, blockGraph, finishGraph, projectGraph } from "./block_graphs.ts";
import { type BlockRunner, type BlockStep, groupInputs, type Inputs } from "./block_runner.ts";

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
    const program = await this.blocks.programs.vjp(
      blockGraph,
      [variant, groups, { attention: false }],
      ["hidden"],
      ["x"],
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
    // The residual connections reach x past the projections: their share comes in as a seed.
    const program = await blocks.programs.vjp(
      projectGraph,
      [step.variant, groups],
      [...parts, "x"],
      ["x"],
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
    const program = await this.blocks.programs.vjp(
      finishGraph,
      [step.variant, groups],
      ["hidden"],
      ["x", ...names],
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
    const program = await this.blocks.programs.vjp(
      attendGraph,
      [variant, heads, { attention: false }],
      ["mixed"],
      QKV,
    );
    return await program.run(
      { ...inputs, [cotangentOf("mixed")]: cotangent },
      Object.fromEntries(QKV.map((name) => [gradientOf(name), inputs[name].shape])),
    );
  }
}
