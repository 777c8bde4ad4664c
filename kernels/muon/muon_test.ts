import { allClose, deepEqual, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { muonMomentum, muonNumbers, MuonStep, muonTurn } from "./mod.ts";
import { elementsOf, NUMBERS, randomMatrices, TEST_CASES } from "./muon_cases.ts";
import { momentumReference, turnReference } from "./reference.ts";

const EPS = 2 ** -24, FACTOR = 0.75;

Deno.test("muonMomentum() and muonTurn() equal the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    const made = randomMatrices(shape, 1), { gradients, momentum, turned, weights } = made;
    const expected = momentumReference(gradients, momentum, FACTOR, NUMBERS);
    const ahead = new Float32Array(gradients.length),
      turn = turnReference(weights, turned, NUMBERS);
    muonMomentum(gradients, momentum, ahead, NUMBERS, FACTOR);
    muonTurn(weights, turned, NUMBERS);
    // Rounded once, what lies ahead twice.
    allClose(momentum, expected.momentum, { atol: 2 * EPS }, shape.name);
    allClose(ahead, expected.ahead, { atol: 4 * EPS }, shape.name);
    allClose(weights, turn, { atol: EPS }, shape.name);
  }
});

gpuTest("muon_*.wgsl equal the reference, and leave what is not moved", async (ctx) => {
  const kernel = await MuonStep.create(ctx);
  for (const shape of TEST_CASES) {
    const { matrices, rows, columns } = shape, each = rows * columns;
    const made = randomMatrices(shape, 2), count = elementsOf(shape);
    using owned = new DisposableStack();
    // Rooms for matrices are padded.
    const room = count + 3;
    const padded = (name: "gradients" | "momentum" | "weights") => {
      const values = new Float32Array(room);
      values.set(made[name]);
      return owned.use(ctx.upload(name, [room], values));
    };
    const gradients = padded("gradients"), momentum = padded("momentum");
    const weights = padded("weights");
    const turned = owned.use(ctx.upload("turned", [matrices, rows, columns], made.turned));
    const ahead = owned.use(ctx.alloc("ahead", [matrices, rows, columns], "f32"));
    const flags = owned.use(ctx.upload("flags", [matrices], made.flags));
    const clip = owned.use(ctx.upload("clip", [2], Float32Array.of(9, FACTOR)));
    await ctx.submit("muon", (encoder) => {
      kernel.momentum(encoder, { gradients, flags, clip, momentum, ahead }, NUMBERS);
      kernel.turn(encoder, { turned, flags, weights }, NUMBERS);
    });
    const [m, a, w] = await ctx.readAll([momentum, ahead, weights]);
    const expected = momentumReference(made.gradients, made.momentum, FACTOR, NUMBERS);
    const turn = turnReference(made.weights, made.turned, NUMBERS);
    for (let i = 0; i < matrices; i++) {
      const part = <T extends Float32Array | Float64Array>(array: T) =>
        array.subarray(i * each, (i + 1) * each);
      const label = `${shape.name}, matrix ${i}`;
      if (made.flags[i] === 0) {
        deepEqual(part(m), part(made.momentum), label);
        deepEqual(part(w), part(made.weights), label);
        deepEqual(part(a), new Float32Array(each), label);
        continue;
      }
      allClose(part(m), part(expected.momentum), { atol: 3 * EPS }, label);
      allClose(part(a), part(expected.ahead), { atol: 6 * EPS }, label);
      allClose(part(w), part(turn), { atol: 3 * EPS }, label);
    }
    deepEqual([...w.subarray(count)], [0, 0, 0], "padding");
  }
});

Deno.test("muonNumbers() gives tall matrices larger steps", () => {
  const settings = { momentum: 0.9, decay: 0.5 };
  deepEqual(muonNumbers(settings, 0.1, [4, 16]), { momentum: 0.9, kept: 0.95, size: 0.1 });
  deepEqual(muonNumbers(settings, 0.1, [16, 4]).size, 0.2);
});

gpuTest("MuonStep refuses tensors that do not fit", async (ctx) => {
  const kernel = await MuonStep.create(ctx);
  using turned = ctx.alloc("turned", [2, 3, 4], "f32");
  using flags = ctx.alloc("flags", [3], "u32");
  using small = ctx.alloc("small", [23], "f32");
  using room = ctx.alloc("room", [24], "f32");
  throws(
    () => kernel.turn(null as never, { turned, flags, weights: small }, NUMBERS),
    /"small" must have at least 24 elements: current value is 23/,
  );
  throws(
    () => kernel.turn(null as never, { turned, flags, weights: room }, NUMBERS),
    /"flags" must be \[2\]: current value is \[3\]/,
  );
});
