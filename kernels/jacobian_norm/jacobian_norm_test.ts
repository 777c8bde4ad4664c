import { allClose, equal, rejects, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { randomJacobian, TEST_LENGTHS } from "./jacobian_norm_cases.ts";
import { JacobianNorm, jacobianNorms, pairIndex } from "./mod.ts";
import { pairNormsReference } from "./reference.ts";

Deno.test("jacobianNorms() equals the definition", () => {
  for (const length of TEST_LENGTHS) {
    const jacobian = randomJacobian(length, length);
    // Double precision inside: the rounding of the result.
    allClose(
      jacobianNorms(jacobian),
      pairNormsReference(jacobian),
      { rtol: 2 ** -23 },
      `L ${length}`,
    );
  }
});

gpuTest("jacobian_norm.wgsl equals the definition, in one run and in many", async (ctx) => {
  for (const options of [{}, { lanes: 16 }, { lanes: 128, runBytes: 10 * 1600 }, { runBytes: 1 }]) {
    const kernel = await JacobianNorm.create(ctx, options);
    for (const length of options.runBytes === 1 ? [7] : TEST_LENGTHS) {
      const jacobian = randomJacobian(length, length);
      const norms = await kernel.norms(jacobian);
      // 400 non-negative terms added in single precision, then a root.
      allClose(norms, pairNormsReference(jacobian), { rtol: 32 * 2 ** -24 }, `L ${length}`);
    }
  }
});

gpuTest("jacobian_norm.wgsl finds the residues of pairs with large numbers", async (ctx) => {
  const kernel = await JacobianNorm.create(ctx);
  const length = 2000, means = new Float32Array(length * 400);
  for (let m = 0; m < length; m++) means[m * 400] = m;
  using device = kernel.upload(means);
  for (const [n, m] of [[0, 1999], [1998, 1999], [0, 1998], [1997, 1998], [700, 1500]]) {
    using pairs = ctx.upload("pairs", [1, 20, 20], new Float32Array(400));
    using norms = ctx.alloc("norms", [1], "f32");
    await ctx.submit(
      "one pair",
      (encoder) => kernel.encode(encoder, pairs, device, norms, pairIndex(n, m)),
    );
    equal((await ctx.read(norms))[0], (n + m) / 2, `${n}, ${m}`);
  }
});

Deno.test("pairIndex() numbers the pairs without a gap", () => {
  let number = 0;
  for (let m = 1; m < 9; m++) for (let n = 0; n < m; n++) equal(pairIndex(n, m), number++);
});

gpuTest("JacobianNorm refuses sizes that do not fit", async (ctx) => {
  const kernel = await JacobianNorm.create(ctx), jacobian = randomJacobian(4, 1);
  const short = { ...jacobian, pairs: jacobian.pairs.subarray(400) };
  throws(() => jacobianNorms(short), /pairs must have 2400 elements: current value is 2000/);
  await rejects(kernel.norms(short), /pairs must have 2400 elements/);
  await rejects(JacobianNorm.create(ctx, { lanes: 48 }), /must be a power of two/);
  using pairs = ctx.alloc("pairs", [2, 20, 20], "f32");
  using norms = ctx.alloc("norms", [3], "f32");
  using means = kernel.upload(jacobian.means);
  throws(
    () => kernel.encode(null as never, pairs, means, norms, 0),
    /"norms" must be \[2\]: current value is \[3\]/,
  );
});
