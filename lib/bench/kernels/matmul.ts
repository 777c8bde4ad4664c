/** Products of matrices: nine tenths of a forward pass. */
import {
  BENCH_CASES,
  bytes,
  flops,
  type MatmulCase,
  randomFactors,
  tolerance,
} from "../../../kernels/matmul/matmul_cases.ts";
import { matmul, MatmulKernel } from "../../../kernels/matmul/mod.ts";
import { matmulReference } from "../../../kernels/matmul/reference.ts";
import { benchOf, type KernelBench } from "./bench.ts";

/** Beyond it the twin and software adapters take seconds. */
const SMALL_FLOPS = 4e8;

/** Results compared: every so many, as the definition takes minutes for all. */
const COMPARED = 500;

function matmulBench(one: MatmulCase): KernelBench {
  const { name, batch, m, n, k } = one;
  const isRight = (c: ArrayLike<number>, { a, b, bias }: ReturnType<typeof randomFactors>) => {
    const stride = Math.max(1, Math.floor(c.length / COMPARED));
    for (let at = 0; at < c.length; at += stride) {
      const e = Math.floor(at / (m * n)), i = Math.floor(at / n) % m, j = at % n;
      const row = a.subarray((e * m + i) * k, (e * m + i + 1) * k);
      const column = Float32Array.from(
        { length: k },
        (_, q) => b[one.transposed ? (e * n + j) * k + q : (e * k + q) * n + j],
      );
      const single = { batch: 1, m: 1, n: 1, k };
      const [sum] = matmulReference(row, column, bias?.subarray(j), single, one);
      if (!(Math.abs(c[at] - sum) <= tolerance(one))) return false;
    }
    return true;
  };
  return benchOf({
    ...{ kernel: "matmul", shape: name, bytes: bytes(one), flops: flops(one) },
    setBytes: batch * (4 * m * k + (one.half ? 2 : 4) * n * k),
    needsGpu: flops(one) > SMALL_FLOPS,
    input: () => randomFactors(one, 1),
    twin: ({ a, b, bias }) => [matmul(a, b, bias, one, one)],
    // Some results are computed by the definition instead, whoever made them.
    reference: () => [],
    isRight: ([c], _expected, _by, factors) => isRight(c, factors),
    async device(ctx, own, factors) {
      const kernel = await MatmulKernel.create(ctx, one, one);
      const bias = factors.bias && own(ctx.upload("bias", [n], factors.bias));
      const c = own(ctx.alloc("c", [batch, m, n], "f32"));
      return {
        load: () => ({
          a: own(ctx.upload("a", [batch, m, k], factors.a)),
          b: own(
            ctx.upload(
              "b",
              [batch, n, k],
              (one.half ? new Float16Array(factors.b) : factors.b) as Float32Array,
            ),
          ),
        }),
        encode: (encoder, { a, b }) => kernel.encode(encoder, { a, b, bias, c }),
        outputs: [c],
      };
    },
  });
}

export const matmulBenches: readonly KernelBench[] = BENCH_CASES.map(matmulBench);
