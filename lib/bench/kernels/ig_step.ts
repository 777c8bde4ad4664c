/** One batch of steps of integrated gradients: the path, the sum of the gradients, the nodes. */
import {
  BENCH_CASES,
  bytes,
  flops,
  type IgCase,
  randomPath,
} from "../../../kernels/ig_step/ig_step_cases.ts";
import {
  accumulateGradients,
  attributeErrors,
  attributeLatents,
  IgStep,
  interpolateStreams,
} from "../../../kernels/ig_step/mod.ts";
import { attributionReference } from "../../../kernels/ig_step/reference.ts";
import { type KernelBench, mustBe } from "./bench.ts";

const KERNEL = "ig_step";

/** The ends of the path are any streams here: decoding them is a kernel of its own. */
function runTwin(
  { tokens }: IgCase,
  { pairs, decoder, scale, errors, gradients, weights, alphas }: ReturnType<typeof randomPath>,
) {
  const sum = new Float64Array(errors.base.length);
  const hidden = interpolateStreams(errors.base, errors.input, alphas);
  accumulateGradients(sum, gradients, weights);
  const latents = attributeLatents(sum, pairs, decoder.wDec, scale.std);
  return { hidden, latents, errors: attributeErrors(sum, errors.base, errors.input, tokens) };
}

/** Whether values agree within 1e-5 of the largest. */
function isNear(found: ArrayLike<number>, expected: ArrayLike<number>): boolean {
  const values = Array.from(expected);
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return found.length === values.length &&
    values.every((x, i) => Math.abs(found[i] - x) <= 1e-5 * largest);
}

function igBench(shape: IgCase): KernelBench {
  const { name, steps, tokens, latents, dModel } = shape;
  return {
    kernel: KERNEL,
    shape: name,
    dtype: "f32",
    bytes: bytes(shape),
    flops: flops(shape),
    setBytes: 4 * dModel * (steps * tokens + latents),
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack(), kernel = await IgStep.create(ctx);
      const path = randomPath(shape, 1), { entries } = path.pairs, stream = [tokens, dModel];
      const up = (label: string, extents: number[], data: Float32Array) =>
        owned.use(ctx.upload(label, extents, data));
      const inputs = Array.from({ length: sets }, () => ({
        gradients: up("gradients", [steps, ...stream], path.gradients),
        wDec: up("w_dec", [latents, dModel], path.decoder.wDec),
      }));
      const alphas = up("alphas", [steps], path.alphas),
        weights = up("weights", [steps], path.weights);
      const base = up("base", stream, path.errors.base),
        input = up("input", stream, path.errors.input);
      const pairs = {
        indices: owned.use(ctx.upload("indices", [tokens, entries], path.pairs.indices)),
        base: up("base", [tokens, entries], path.pairs.base),
        input: up("input", [tokens, entries], path.pairs.input),
      };
      const std = up("std", [tokens], path.scale.std);
      const hidden = owned.use(ctx.alloc("hidden", [steps, ...stream], "f32"));
      const sum = owned.use(ctx.alloc("sum", stream, "f32"));
      const ofLatents = owned.use(ctx.alloc("of latents", [tokens, entries], "f32"));
      const ofErrors = owned.use(ctx.alloc("of errors", [tokens], "f32"));
      return {
        encode(e, set) {
          const { gradients, wDec } = inputs[set % sets];
          e.clearBuffer(sum.buffer);
          kernel.interpolate(e, alphas, base, input, hidden);
          kernel.accumulate(e, weights, gradients, sum);
          kernel.attribute(e, sum, pairs, wDec, std, ofLatents);
          kernel.attributeErrors(e, sum, base, input, ofErrors);
        },
        async verify() {
          const found = await ctx.readAll([hidden, ofLatents, ofErrors]),
            twin = runTwin(shape, path);
          const expected = [twin.hidden, twin.latents, twin.errors];
          mustBe(expected.every((values, i) => isNear(found[i], values)), KERNEL, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const path = randomPath(shape, 1),
        { gradients, weights, pairs, decoder, scale, errors } = path;
      const paths = Array.from({ length: sets }, () => ({
        ...path,
        gradients: gradients.slice(),
        decoder: { ...decoder, wDec: decoder.wDec.slice() },
      }));
      const found = runTwin(shape, path);
      const expected = attributionReference(gradients, weights, pairs, decoder, scale, errors);
      const isRight = isNear(found.latents, expected.latents) &&
        isNear(found.errors, expected.errors);
      mustBe(isRight, KERNEL, name);
      return { run: (set) => void runTwin(shape, paths[set % sets]) };
    },
  };
}

export const igStepBenches: readonly KernelBench[] = BENCH_CASES.map(igBench);
