import { allClose, equal, ok } from "../../tests/assert.ts";
import { fixtureIndex, readFixture, tinyPath } from "../../tests/fixtures.ts";
import { runsGpuTests } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import { jacobianReference, subtractMean } from "../../kernels/jacobian_norm/reference.ts";
import { jacobianNorms } from "../../kernels/jacobian_norm/mod.ts";
import { openBackend } from "../backend/mod.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { Esm2, tokenize } from "../esm2/mod.ts";
import { centredMaskNorms, jacobianContacts, substitutionNorms } from "./jacobian.ts";
import { JacobianStore } from "./jacobian_store.ts";
import { apc, zeroDiagonal } from "./apc.ts";
import { random } from "../../tests/report_sample.ts";

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** [L, 20, L, 20] whose entries are not centred on anything. */
function sample(length: number, seed: number, letters = 20): Float32Array {
  const next = random(seed);
  return Float32Array.from(
    { length: length * letters * length * 20 },
    (_, i) => 3 * next() - 1 + (i % 20) / 7,
  );
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  Deno.test({
    name: `jacobianContacts() gives the golden categorical Jacobians on ${name}`,
    ignore: name === "webgpu" && !runsGpuTests,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await using backend = (await openBackend(name)).backend;
      using checkpoint = await openCheckpoint(tinyPath);
      await using model = await Esm2.open(checkpoint, backend);
      const resident = backend.liveBytes;
      const fixtures = ["chignolin", "trpcage", "gb1"].map((each) => `tiny_catjac_${each}`);
      for (const fixture of name === "webgpu" ? fixtures.slice(0, 2) : fixtures) {
        const { sequences } = fixtureIndex[fixture];
        const { frobenius, apc: corrected } = readFixture(fixture);
        const row = tokenize({ id: fixture, residues: sequences![0] });
        const norms = await substitutionNorms(model, row);
        // Logits of float32 runs differ by 1e-5 of the largest (21); a norm adds 400 of them.
        const atol = 2e-3;
        allClose(norms, frobenius.data, { atol }, `${fixture} frobenius`);
        const contacts = zeroDiagonal(apc(norms.slice()));
        allClose(contacts, corrected.data, { atol }, `${fixture} apc`);
        ok(largest(corrected.data) > 100 * atol, "the tolerance must be small");
      }
      equal(backend.liveBytes, resident, "bytes of tensors left over");
    },
  });
}

Deno.test("jacobianContacts() has the same map in small and large batches", async () => {
  await using backend = (await openBackend("cpu")).backend;
  using checkpoint = await openCheckpoint(tinyPath);
  await using model = await Esm2.open(checkpoint, backend);
  const row = tokenize({ id: "x", residues: "GYDXETGT" });
  for (const fast of [false, true]) {
    let told = [0, 0];
    const one = await jacobianContacts(model, row, { fast, tokenBudget: 1 });
    const many = await jacobianContacts(model, row, {
      fast,
      tokenBudget: 300,
      onProgress: (...counts) => told = counts,
    });
    allClose(many, one, { atol: 1e-4 }, `fast ${fast}`);
    // 7 standard residues take 19 runs, X all 20, and the wild type one.
    equal(told.join(), fast ? "8,8" : "154,154");
    ok(largest(one) > 0.05);
  }
});

Deno.test("JacobianStore and jacobianNorms() equal the definition, in any order of residues", () => {
  const length = 7, jacobian = sample(length, 3);
  const expected = jacobianReference(jacobian, [length, 20, length, 20]).norms;
  for (const order of [[0, 1, 2, 3, 4, 5, 6], [6, 2, 0, 5, 1, 4, 3]]) {
    const store = new JacobianStore(length), per = 20 * length * 20;
    for (const n of order) store.add(n, jacobian.slice(n * per, (n + 1) * per));
    allClose(jacobianNorms(store.finish()), expected, { rtol: 1e-5 });
  }
});

Deno.test("Centring: the wild type's logits change nothing, and every axis mean is zero", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), fc.nat(1000), (length, seed) => {
      const jacobian = sample(length, seed), shape = [length, 20, length, 20] as const;
      const next = random(seed + 1), wildType = Float64Array.from({ length: length * 20 }, next);
      const { centred, norms } = jacobianReference(jacobian, shape);
      const shifted = Array.from(jacobian, (x, i) => x - wildType[i % (length * 20)]);
      const other = jacobianReference(shifted, shape);
      allClose(other.norms, norms, { atol: 1e-9 });
      for (let axis = 0; axis < 4; axis++) {
        const again = centred.slice();
        subtractMean(again, shape, axis);
        allClose(again, centred, { atol: 1e-12 }, `axis ${axis}`);
      }
      // The streamed sum does not see the wild type either.
      const per = 20 * length * 20;
      const [plain, moved] = [Float32Array.from(jacobian), Float32Array.from(shifted)].map((j) => {
        const store = new JacobianStore(length);
        for (let n = 0; n < length; n++) store.add(n, j.slice(n * per, (n + 1) * per));
        return jacobianNorms(store.finish());
      });
      allClose(plain, norms, { atol: 1e-4 });
      allClose(moved, plain, { atol: 1e-4 });
    }),
    { numRuns: 12 },
  );
});

Deno.test("jacobianNorms() is symmetric with a zero diagonal", () => {
  const length = 5, jacobian = sample(length, 9), per = 20 * length * 20;
  const store = new JacobianStore(length);
  for (let n = 0; n < length; n++) store.add(n, jacobian.slice(n * per, (n + 1) * per));
  const norms = jacobianNorms(store.finish());
  for (let i = 0; i < length; i++) {
    equal(norms[i * length + i], 0);
    for (let j = 0; j < length; j++) equal(norms[i * length + j], norms[j * length + i]);
  }
});

Deno.test("centredMaskNorms() centres on its three axes and averages both directions", () => {
  const length = 6, values = sample(length, 4, 1);
  const centred = Float64Array.from(values), shape = [length, length, 20];
  [0, 1, 2].forEach((axis) => subtractMean(centred, shape, axis));
  const norm = (n: number, m: number) =>
    Math.hypot(...centred.subarray((n * length + m) * 20, (n * length + m + 1) * 20));
  const expected = Float64Array.from(
    { length: length * length },
    (_, i) => {
      const n = Math.floor(i / length), m = i % length;
      return n === m ? 0 : (norm(n, m) + norm(m, n)) / 2;
    },
  );
  allClose(centredMaskNorms(values, length), expected, { atol: 1e-5 });
});
