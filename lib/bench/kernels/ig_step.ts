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
import { benchOf, isWithin, type KernelBench } from "./bench.ts";

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
  const largest = Array.from(expected).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return isWithin(found, expected, 1e-5 * largest);
}

function igBench(shape: IgCase): KernelBench {
  const { name, steps, tokens, latents, dModel } = shape;
  return benchOf({
    ...{ kernel: "ig_step", shape: name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: 4 * dModel * (steps * tokens + latents),
    input: () => randomPath(shape, 1),
    twin(path) {
      const found = runTwin(shape, path);
      return [found.latents, found.errors, found.hidden];
    },
    reference({ gradients, weights, pairs, decoder, scale, errors }) {
      const found = attributionReference(gradients, weights, pairs, decoder, scale, errors);
      return [found.latents, found.errors];
    },
    isRight: (found, expected) => expected().every((values, i) => isNear(found[i], values)),
    async device(ctx, own, path) {
      const kernel = await IgStep.create(ctx), { entries } = path.pairs, stream = [tokens, dModel];
      const up = (label: string, extents: number[], data: Float32Array) =>
        own(ctx.upload(label, extents, data));
      const alphas = up("alphas", [steps], path.alphas);
      const weights = up("weights", [steps], path.weights);
      const base = up("base", stream, path.errors.base);
      const input = up("input", stream, path.errors.input);
      const pairs = {
        indices: own(ctx.upload("indices", [tokens, entries], path.pairs.indices)),
        base: up("base", [tokens, entries], path.pairs.base),
        input: up("input", [tokens, entries], path.pairs.input),
      };
      const std = up("std", [tokens], path.scale.std);
      const hidden = own(ctx.alloc("hidden", [steps, ...stream], "f32"));
      const sum = own(ctx.alloc("sum", stream, "f32"));
      const ofLatents = own(ctx.alloc("of latents", [tokens, entries], "f32"));
      const ofErrors = own(ctx.alloc("of errors", [tokens], "f32"));
      return {
        load: () => ({
          gradients: up("gradients", [steps, ...stream], path.gradients),
          wDec: up("w_dec", [latents, dModel], path.decoder.wDec),
        }),
        encode(e, { gradients, wDec }) {
          e.clearBuffer(sum.buffer);
          kernel.interpolate(e, alphas, base, input, hidden);
          kernel.accumulate(e, weights, gradients, sum);
          kernel.attribute(e, sum, pairs, wDec, std, ofLatents);
          kernel.attributeErrors(e, sum, base, input, ofErrors);
        },
        outputs: [ofLatents, ofErrors, hidden],
      };
    },
  });
}

export const igStepBenches: readonly KernelBench[] = BENCH_CASES.map(igBench);
