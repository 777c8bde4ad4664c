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
import { type KernelBench, mustBe } from "./bench.ts";

const KERNEL = "matmul";

/** Beyond it the twin and software adapters take seconds. */
const SMALL_FLOPS = 4e8;

/** Results compared: every so many, as the definition takes minutes for all. */
const COMPARED = 500;

function matmulBench(one: MatmulCase): KernelBench {
  const { name, batch, m, n, k } = one;
  const isRight = (c: Float32Array, { a, b, bias }: ReturnType<typeof randomFactors>) => {
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
  return {
    kernel: KERNEL,
    shape: name,
    dtype: "f32",
    bytes: bytes(one),
    flops: flops(one),
    setBytes: 4 * batch * (m * k + n * k),
    needsGpu: flops(one) > SMALL_FLOPS,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack(), kernel = await MatmulKernel.create(ctx, one, one);
      const factors = randomFactors(one, 1);
      const inputs = Array.from({ length: sets }, () => ({
        a: owned.use(ctx.upload("a", [batch, m, k], factors.a)),
        b: owned.use(ctx.upload("b", [batch, n, k], factors.b)),
      }));
      const bias = factors.bias && owned.use(ctx.upload("bias", [n], factors.bias));
      const c = owned.use(ctx.alloc("c", [batch, m, n], "f32"));
      return {
        encode: (encoder, set) => kernel.encode(encoder, { ...inputs[set % sets], bias, c }),
        verify: async () => mustBe(isRight(await ctx.read(c), factors), KERNEL, name),
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const factors = randomFactors(one, 1), { a, b, bias } = factors;
      const lefts = Array.from({ length: sets }, () => a.slice());
      mustBe(isRight(matmul(a, b, bias, one, one), factors), KERNEL, name);
      return { run: (set) => void matmul(lefts[set % sets], b, bias, one, one) };
    },
  };
}

export const matmulBenches: readonly KernelBench[] = BENCH_CASES.map(matmulBench);
