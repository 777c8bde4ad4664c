/**
 * Vector–Jacobian products of a block, generated from its own definition, with respect to its input and
 * any of its weights.
 *
 * Each computes its forward pass again inside, but for what was kept of it. As on the way up, attention too large for one tensor of
 * the device goes some heads at a time, in the same three parts.
 */
import type { Tensor } from "../backend/types.ts";
import { cotangentOf } from "../onnx/gradient.ts";
import type { AdapterWeight, BlockLinear } from "./adapters.ts";
import type { BlockWeight } from "./block.ts";
import { attendGraph, blockGraph, finishGraph, keptValues, projectGraph } from "./block_graphs.ts";
import { type BlockRunner, type BlockStep, groupInputs, type Inputs } from "./block_runner.ts";

const QKV = ["q", "k", "v"];

/** What a block can be differentiated with respect to: its input, a weight, or one of an adapter. */
export type BlockInput = "x" | BlockWeight | AdapterWeight<BlockLinear>;

/** Which weights the first third of a block reads; the others are read after the attention. */
const isProjection = (name: string) => /^self_attn(_layer_norm|\.[qkv]_proj)\./.test(name);

/**
 * Differentiates blocks: gives dS/dw for each w of `wrt`, by name. `x` is a block's input and
 * `cotangent` dS/d(its output), both f32[B·T, D].
 */
export class BackwardRunner {
  constructor(readonly blocks: BlockRunner) {}

  /** By one graph. @param kept what the forward pass has kept of the block, if anything */
  async whole<W extends BlockInput>(
    { variant }: BlockStep,
    groups: readonly number[],
    inputs: Inputs,
    cotangent: Tensor,
    wrt: readonly W[],
    kept?: Inputs,
  ): Promise<Record<W, Tensor>> {
    const program = await this.blocks.programs.vjp(
      blockGraph,
      [variant, groups, { attention: false }],
      ["hidden"],
      wrt,
      kept ? Object.keys(keptValues(variant, groups, 0)) : [],
    );
    const values = { ...inputs, ...kept, [cotangentOf("hidden")]: cotangent };
    return await program.gradients(values, wrt);
  }

  /** The same with a run for some heads at a time. */
  async inPieces<W extends BlockInput>(
    step: BlockStep,
    groups: readonly number[],
    inputs: Inputs,
    cotangent: Tensor,
    wrt: readonly W[],
  ): Promise<Record<W, Tensor>> {
    const { blocks } = this;
    const before = wrt.filter((name) => name === "x" || isProjection(name));
    const after = wrt.filter((name) => !before.includes(name));
    using owned = new DisposableStack();
    const projected = await blocks.project(step, groups, inputs.x, inputs, owned);
    const found = await this.#finish(step, groups, inputs, projected, cotangent, [
      ...(wrt.includes("x" as W) ? ["x"] : []),
      ...(before.length > 0 ? groups.map((_, i) => `mixed_${i}`) : []),
      ...after,
    ]);
    for (const [name, tensor] of Object.entries(found)) {
      if (!after.includes(name as W)) owned.use(tensor);
    }
    if (before.length === 0) return found as Record<W, Tensor>;
    try {
      const early = await this.#project(step, groups, inputs, projected, found, before);
      return Object.fromEntries(wrt.map((name) => [name, early[name] ?? found[name]])) as Record<
        W,
        Tensor
      >;
    } catch (error) {
      after.forEach((name) => found[name][Symbol.dispose]());
      throw error;
    }
  }

  /** From dS/d(block's output) to dS/d(mixed values) of each group, to dS/dx past the attention, and weights. */
  async #finish(
    step: BlockStep,
    groups: readonly number[],
    inputs: Inputs,
    projected: Inputs,
    cotangent: Tensor,
    wrt: readonly string[],
  ): Promise<Inputs> {
    const program = await this.blocks.programs.vjp(
      finishGraph,
      [step.variant, groups],
      ["hidden"],
      wrt,
    );
    using forward = new DisposableStack();
    const mixed = await this.blocks.attend(step, groups, projected, inputs, forward);
    return await program.gradients(
      { ...inputs, ...mixed, [cotangentOf("hidden")]: cotangent },
      wrt,
    );
  }

  /** From dS/d(mixed values), and dS/dx past the attention, to what comes before the attention. */
  async #project(
    step: BlockStep,
    groups: readonly number[],
    inputs: Inputs,
    projected: Inputs,
    found: Inputs,
    wrt: readonly string[],
  ): Promise<Inputs> {
    using owned = new DisposableStack();
    const cotangents: Inputs = {};
    for (const [i, heads] of groups.entries()) {
      const program = await this.blocks.programs.vjp(
        attendGraph,
        [step.variant, heads, { attention: false }],
        ["mixed"],
        QKV,
      );
      const slopes = await program.gradients({
        ...inputs,
        ...groupInputs(projected, i),
        [cotangentOf("mixed")]: found[`mixed_${i}`],
      }, QKV);
      for (const name of QKV) cotangents[`${name}_${i}`] = owned.use(slopes[name]);
    }
    // The residual connections reach x past the projections: their share comes in as a seed.
    if ("x" in found) cotangents.x = found.x;
    const seeds = Object.keys(cotangents);
    const program = await this.blocks.programs.vjp(
      projectGraph,
      [step.variant, groups],
      seeds,
      wrt,
    );
    const seeded = seeds.map((name) => [cotangentOf(name), cotangents[name]]);
    return await program.gradients({ ...inputs, ...Object.fromEntries(seeded) }, wrt);
  }
}
