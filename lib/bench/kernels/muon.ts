/** Both ends of a step of Muon for the matrices of a shape; the products between them are onnxruntime's. */
import { muonMomentum, MuonStep, muonTurn } from "../../../kernels/muon/mod.ts";
import {
  BENCH_CASES,
  bytes,
  flops,
  type MuonCase,
  NUMBERS,
  randomMatrices,
} from "../../../kernels/muon/muon_cases.ts";
import { momentumReference, turnReference } from "../../../kernels/muon/reference.ts";
import type { GpuTensor } from "../../gpu/mod.ts";
import { benchOf, isWithin, type KernelBench } from "./bench.ts";

/** What is moved in place, and what it was before. */
interface Matrices extends ReturnType<typeof randomMatrices> {
  before: Record<"momentum" | "weights", Float32Array>;
}

type Moved = Record<"gradients" | "momentum" | "weights", GpuTensor<"f32">>;

/** Weights and what lies ahead after a step. */
function twin({ gradients, turned, momentum, weights }: Matrices): Float32Array[] {
  const ahead = new Float32Array(gradients.length);
  muonMomentum(gradients, momentum, ahead, NUMBERS);
  muonTurn(weights, turned, NUMBERS);
  return [weights, ahead];
}

function muonBench(shape: MuonCase): KernelBench {
  const { matrices, rows, columns } = shape, extents = [matrices, rows, columns];
  return benchOf<Matrices, Moved>({
    ...{ kernel: "muon", shape: shape.name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: bytes(shape) * 3 / 7,
    input() {
      const made = randomMatrices(shape, 1);
      const { momentum, weights } = made;
      return {
        ...made,
        flags: made.flags.fill(1),
        before: structuredClone({ momentum, weights }),
      };
    },
    twin,
    reference: ({ gradients, turned, before: { momentum, weights } }) => [
      turnReference(weights, turned, NUMBERS),
      momentumReference(gradients, momentum, 1, NUMBERS).ahead,
    ],
    // Values lie in −1..1, what lies ahead in −3..3.
    isRight: (found, expected) =>
      expected().every((own, i) => isWithin(found[i], own, 8 * 2 ** -24)),
    async device(ctx, own, made) {
      const kernel = await MuonStep.create(ctx), size = made.weights.length;
      const flags = own(ctx.upload("flags", [matrices], made.flags));
      const clip = own(ctx.upload("clip", [2], Float32Array.of(1, 1)));
      const turned = own(ctx.upload("turned", extents, made.turned));
      const ahead = own(ctx.alloc("ahead", extents, "f32"));
      const load = (): Moved => {
        const up = (name: keyof Moved) => own(ctx.upload(name, [size], made[name]));
        return { gradients: up("gradients"), momentum: up("momentum"), weights: up("weights") };
      };
      const first = load();
      return {
        ...{ load, first },
        encode(encoder, { gradients, momentum, weights }) {
          kernel.momentum(encoder, { gradients, flags, clip, momentum, ahead }, NUMBERS);
          kernel.turn(encoder, { turned, flags, weights }, NUMBERS);
        },
        outputs: [first.weights, ahead],
      };
    },
  });
}

export const muonBenches: readonly KernelBench[] = BENCH_CASES.map(muonBench);
