import { deepEqual, equal, ok } from "../../../tests/assert.ts";
import { pandasSample, RandomState } from "./numpy_random.ts";

Deno.test("RandomState gives the Mersenne Twister's numbers", () => {
  // First output of mt19937ar.c with its own seed, 5489.
  equal(new RandomState(5489).nextUint32(), 3499211612);
  // The 10000th is 4123659995 in the C++ standard (rand.predef), which seeds with 5489 too.
  const state = new RandomState(5489);
  for (let i = 1; i < 10_000; i++) state.nextUint32();
  equal(state.nextUint32(), 4123659995);
});

Deno.test("pandasSample equals numpy.random.RandomState(42).permutation(160)[:50] of NumPy 2.4.6", () => {
  deepEqual(pandasSample(160, 50, 42), [
    ...[105, 108, 141, 55, 94, 29, 101, 51, 100, 142, 19, 84, 15, 66, 24, 30, 128, 147, 98, 16],
    ...[75, 18, 12, 9, 31, 151, 97, 56, 131, 104, 136, 78, 60, 115, 2, 123, 45, 42, 69, 90],
    ...[26, 138, 82, 96, 146, 36, 81, 22, 143, 67],
  ]);
  deepEqual(pandasSample(70_000, 5, 7), [7653, 66274, 9119, 10760, 43166]);
});

Deno.test("RandomState permutes without losing a number", () => {
  for (const count of [0, 1, 2, 3, 255, 256, 257]) {
    const order = new RandomState(1).permutation(count);
    deepEqual(order.toSorted((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
  }
});

const script = `
import json, numpy
print(json.dumps([numpy.random.RandomState(seed).permutation(n).tolist()
                  for seed in (0, 42, 2**32 - 1) for n in (1, 2, 110, 160, 3000)]))
`;

async function numpyPermutations(): Promise<number[][] | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("python3", {
      args: ["-c", script],
      stderr: "null",
    }).output();
    return success ? JSON.parse(new TextDecoder().decode(stdout)) : undefined;
  } catch {
    return undefined;
  }
}

const known = await numpyPermutations();

Deno.test({
  name: `RandomState permutes as NumPy does${known ? "" : " (skipped: no python3 with numpy)"}`,
  ignore: known === undefined,
  fn() {
    const own = [0, 42, 2 ** 32 - 1].flatMap((seed) =>
      [1, 2, 110, 160, 3000].map((count) => new RandomState(seed).permutation(count))
    );
    deepEqual(own, known);
    ok(own.length === 15);
  },
});
