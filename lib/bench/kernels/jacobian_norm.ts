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
import { agrees, type KernelBench, mustBe } from "./bench.ts";

const KERNEL = "jacobian_norm";

function jacobianBench({ name, length }: JacobianCase): KernelBench {
  const count = pairCount(length);
  return {
    kernel: KERNEL,
    shape: name,
    dtype: "f32",
    bytes: bytes(length),
    flops: flops(length),
    setBytes: 1600 * count,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack(), kernel = await JacobianNorm.create(ctx);
      const jacobian = randomJacobian(length, 1);
      const inputs = Array.from(
        { length: sets },
        () => owned.use(ctx.upload("pairs", [count, 20, 20], jacobian.pairs)),
      );
      const means = owned.use(kernel.upload(jacobian.means));
      const norms = owned.use(ctx.alloc("norms", [count], "f32"));
      return {
        encode: (encoder, set) => kernel.encode(encoder, inputs[set % sets], means, norms, 0),
        async verify() {
          const twin = jacobianNorms(jacobian), found = await ctx.read(norms);
          const pairs: number[] = [];
          for (let m = 1; m < length; m++) pairs.push(...twin.subarray(m * length, m * length + m));
          // 400 non-negative terms added in single precision, then a root.
          mustBe(agrees(found, pairs, 32 * 2 ** -24), KERNEL, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const jacobian = randomJacobian(length, 1);
      const jacobians = Array.from(
        { length: sets },
        () => ({ ...jacobian, pairs: jacobian.pairs.slice() }),
      );
      const isRight = agrees(jacobianNorms(jacobian), pairNormsReference(jacobian), 2 ** -23);
      mustBe(isRight, KERNEL, name);
      return { run: (set) => void jacobianNorms(jacobians[set % sets]) };
    },
  };
}

export const jacobianNormBenches: readonly KernelBench[] = BENCH_CASES.map(jacobianBench);
