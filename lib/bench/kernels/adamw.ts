/** A step of AdamW for all tensors of a model: length of the gradient, clipping, and the step. */
import {
  adamNumbers,
  AdamW,
  adamwStep,
  BLOCK,
  clipFactor,
  DECAYS,
  MOVES,
  squareSum,
} from "../../../kernels/adamw/mod.ts";
import {
  type AdamArrays,
  type AdamCase,
  BENCH_CASES,
  bytes,
  flops,
  randomArrays,
  SETTINGS,
  STEP,
} from "../../../kernels/adamw/adamw_cases.ts";
import { adamwReference, clipReference } from "../../../kernels/adamw/reference.ts";
import type { GpuTensor } from "../../gpu/mod.ts";
import { benchOf, isWithin, type KernelBench } from "./bench.ts";

const LIMIT = 1;

/** What is moved in place, and what it was before. */
interface Moved extends AdamArrays {
  before: Pick<AdamArrays, "weights" | "first" | "second">;
}

/** Tensors that all have a gradient, as in a training. */
function arraysOf(shape: AdamCase): Moved {
  const { flags, ...arrays } = randomArrays(shape, 1), { weights, first, second } = arrays;
  const before = structuredClone({ weights, first, second });
  return { ...arrays, flags: flags.map((flag) => flag | MOVES), before };
}

function twin({ ranges, flags, gradients, weights, first, second }: Moved): Float32Array[] {
  const factor = clipFactor(Math.sqrt(squareSum(gradients)), LIMIT);
  const numbers = adamNumbers(SETTINGS, STEP);
  for (const [begin, end] of ranges) {
    const part = (array: Float32Array) => array.subarray(begin, end);
    const decays = (flags[begin / BLOCK] & DECAYS) !== 0;
    adamwStep(
      ...[part(weights), part(gradients), part(first), part(second)] as const,
      ...[numbers, factor, decays] as const,
    );
  }
  return [weights];
}

function reference({ ranges, flags, gradients, before }: Moved): Float64Array[] {
  const weights = Float64Array.from(before.weights), { factor } = clipReference(gradients, LIMIT);
  for (const [begin, end] of ranges) {
    const part = (array: Float32Array) => array.subarray(begin, end);
    const decays = (flags[begin / BLOCK] & DECAYS) !== 0;
    const slopes = Float64Array.from(part(gradients), (g) => factor * g);
    const found = adamwReference(
      ...[part(before.weights), slopes, part(before.first), part(before.second)] as const,
      ...[decays ? SETTINGS : { ...SETTINGS, decay: 0 }, STEP] as const,
    );
    weights.set(found.weights, begin);
  }
  return [weights];
}

function adamwBench(shape: AdamCase): KernelBench {
  return benchOf<
    AdamArrays,
    Record<"gradients" | "weights" | "first" | "second", GpuTensor<"f32">>
  >({
    ...{ kernel: "adamw", shape: shape.name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: bytes(shape) * 4 / 7,
    input: () => arraysOf(shape),
    twin,
    reference,
    // Values lie in −1..1, the step is a hundredth.
    isRight: ([found], expected) => isWithin(found, expected()[0], 16 * 2 ** -24),
    async device(ctx, own, arrays) {
      const kernel = await AdamW.create(ctx), size = arrays.weights.length;
      const flags = own(ctx.upload("flags", [arrays.flags.length], arrays.flags));
      const partials = own(ctx.alloc("partials", [kernel.partialsOf(size)], "f32"));
      const clip = own(ctx.alloc("clip", [2], "f32"));
      const numbers = adamNumbers(SETTINGS, STEP);
      const load = () => {
        const up = (name: "gradients" | "weights" | "first" | "second") =>
          own(ctx.upload(name, [size], arrays[name]));
        return {
          ...{ gradients: up("gradients"), weights: up("weights") },
          ...{ first: up("first"), second: up("second") },
        };
      };
      const first = load();
      return {
        ...{ load, first },
        encode(encoder, tensors) {
          kernel.norm(encoder, tensors.gradients, partials, 0);
          kernel.clip(encoder, partials, clip, LIMIT);
          kernel.step(encoder, { ...tensors, flags, clip }, numbers);
        },
        outputs: [first.weights],
      };
    },
  });
}

export const adamwBenches: readonly KernelBench[] = BENCH_CASES.map(adamwBench);
