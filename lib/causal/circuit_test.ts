import { deepEqual, ok } from "../../tests/assert.ts";
import { circuitEdit, growCircuit, setOf } from "./circuit.ts";
import { donorEdit, zeroEdit } from "./edits.ts";
import type { Path } from "./path.ts";
import type { Tail } from "./tail.ts";
import { toyCapture, toySpace } from "./testing/toys.ts";

const space = toySpace(6, 5);
const base = toyCapture(space, [[[0, 1.5], [3, 0.5]], [[1, 2]], [[2, 1], [4, 3]]]);
const donor = toyCapture(space, [[[0, 0.25]], [[1, 2], [4, 0.75]], [[3, 1.25]]], 9);
const tokens = [0, 1, 2];
const metric = [{ token: 1, plus: 5, minus: 6 }];
const direct: Path = {
  capture: base,
  edit: donorEdit(space, base, donor, tokens, true),
  from: 0,
  to: 1,
  metric,
};

/** A tail whose metric is a function of which latents an edit moves. */
const tailOf = (value: (latents: Set<string>) => number) => ({
  measure: (_: unknown, jobs: { edit: { token: number; indices?: Uint32Array }[] }[]) =>
    Promise.resolve({
      edited: Float64Array.from(jobs, ({ edit }) =>
        value(
          new Set(edit.flatMap(({ token, indices }) =>
            Array.from(indices ?? [], (latent) => `${token}:${latent}`)
          )),
        )),
    }),
} as unknown as Tail);

Deno.test("circuitEdit moves the circuit's nodes, or takes all others away where the path does", () => {
  const set = setOf([{ token: 0, latent: 3 }, { token: 2, latent: -1 }]);
  const moved = circuitEdit(direct, set);
  deepEqual(moved.map(({ indices }) => [...indices!]), [[3], [], []]);
  deepEqual(moved.map(({ residual }) => residual !== undefined), [false, false, true]);
  const away: Path = { capture: base, edit: zeroEdit(base, tokens), from: 1, to: 0, metric };
  deepEqual(circuitEdit(away, set).map(({ indices }) => [...indices!]), [[0], [1], [2, 4]]);
});

const ranking = direct.edit.flatMap(({ token, indices }) =>
  Array.from(indices!, (latent) => ({ token, latent }))
);

Deno.test("growCircuit finds the first size that restores the share", async () => {
  for (const share of [0.1, 0.5, 0.7, 1]) {
    // Every node adds as much as any other.
    const tail = tailOf((latents) => 2 + latents.size);
    const ends = { baseline: 2, input: 2 + ranking.length };
    const found = await growCircuit(tail, direct, ranking, ends, share);
    const size = Math.ceil(share * ranking.length);
    deepEqual([found.size, found.reached], [size, size < ranking.length]);
    deepEqual(found.faithfulness, size / ranking.length);
    const rest = (ranking.length - size) / ranking.length;
    deepEqual(found.completeness, rest);
  }
});

Deno.test("growCircuit finds a small circuit where one more node makes it worse", async () => {
  // Faithfulness by size: 3 nodes do, 4 do not, 5 do.
  const bySize = [0, 0.2, 0.5, 0.8, 0.6, 1, 1, 1];
  const tail = tailOf((latents) => bySize[latents.size]);
  const found = await growCircuit(tail, direct, ranking, { baseline: 0, input: 1 }, 0.7);
  deepEqual([found.size, found.faithfulness], [3, 0.8]);
});

Deno.test("growCircuit along an order in which only the last node counts takes all", async () => {
  const last = ranking.at(-1)!;
  const tail = tailOf((latents) => latents.has(`${last.token}:${last.latent}`) ? 1 : 0);
  const found = await growCircuit(tail, direct, ranking, { baseline: 0, input: 1 }, 0.7);
  deepEqual([found.size, found.faithfulness, found.reached], [ranking.length, 1, false]);
});

Deno.test("growCircuit of no effect measures nothing and takes all", async () => {
  const tail = tailOf(() => {
    throw new Error("measured");
  });
  const found = await growCircuit(tail, direct, ranking, { baseline: 3, input: 3 }, 0.7);
  ok(!found.reached && found.size === ranking.length);
});
