/** Norms of a categorical Jacobian: what the contacts by substitution end with. */
import {
  BENCH_CASES,
  bytes,
  flops,
  type JacobianCase,
  randomJacobian,
} from "../../../kernels/jacobian_norm/jacobian_norm_cases.ts";
import { JacobianNorm, jacobianNorms, pairCount } from "../../../kernels/jacobian_norm/mod.ts";
import { pairNormsReference } from "../../../kernels/jacobian_norm/reference.ts";
import type { GpuTensor } from "../../gpu/mod.ts";
import { agrees, benchOf, type KernelBench } from "./bench.ts";

function jacobianBench({ name, length }: JacobianCase): KernelBench {
  const count = pairCount(length);
  return benchOf({
    ...{ kernel: "jacobian_norm", shape: name, bytes: bytes(length), flops: flops(length) },
    setBytes: 1600 * count,
    input: () => randomJacobian(length, 1),
    twin: (jacobian) => [jacobianNorms(jacobian)],
    reference: (jacobian) => [pairNormsReference(jacobian)],
    isRight([found], expected, by) {
      const [map] = expected();
      if (by === "twin") return agrees(found, map, 2 ** -23);
      const pairs: number[] = [];
      for (let m = 1; m < length; m++) for (let n = 0; n < m; n++) pairs.push(map[m * length + n]);
      // 400 non-negative terms added in single precision, then a root.
      return agrees(found, pairs, 32 * 2 ** -24);
    },
    async device(ctx, own, jacobian) {
      const kernel = await JacobianNorm.create(ctx), means = own(kernel.upload(jacobian.means));
      const norms = own(ctx.alloc("norms", [count], "f32"));
      return {
        load: () => own(ctx.upload("pairs", [count, 20, 20], jacobian.pairs)),
        encode: (e, pairs: GpuTensor<"f32">) => kernel.encode(e, pairs, means, norms, 0),
        outputs: [norms],
      };
    },
  });
}

export const jacobianNormBenches: readonly KernelBench[] = BENCH_CASES.map(jacobianBench);
