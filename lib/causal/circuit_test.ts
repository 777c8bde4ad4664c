import { allClose, deepEqual, ok } from "../../tests/assert.ts";
import { circuitEdit, growCircuit, isSteady, setOf, shapeOf } from "./circuit.ts";
import { drawSets } from "./circuit_record.ts";
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

/** A ranking of that many latents of one token, and the path that moves them. */
function long(nodes: number): { path: Path; ranking: { token: number; latent: number }[] } {
  const indices = Uint32Array.from({ length: nodes }, (_, i) => i);
  const edit = [{ token: 0, indices, deltas: new Float64Array(nodes).fill(1) }];
  return {
    path: { ...direct, edit },
    ranking: Array.from(indices, (latent) => ({ token: 0, latent })),
  };
}

Deno.test("growCircuit takes a size only where the next sizes restore the share as well", async () => {
  const cases: { bySize: (size: number) => number; size: number; why: string }[] = [
    {
      bySize: (n) => [0, 0.2, 0.5, 0.8, 0.6][n] ?? 1,
      size: 5,
      why: "3 do, 4 do not, from 5 on all do",
    },
    { bySize: (n) => n === 0 ? 0 : n < 9 ? 1.35 : 1, size: 9, why: "more than the effect" },
    {
      bySize: (n) => n < 4 ? 0 : n === 8 ? 0.3 : 0.9,
      size: 9,
      why: "4 do, but twice as many do not",
    },
    { bySize: (n) => n < 20 ? n / 40 : 0.75, size: 20, why: "a step" },
    { bySize: (n) => n % 2 === 0 ? 0.9 : 0.1, size: 100, why: "nothing holds" },
    { bySize: () => 1.35, size: 100, why: "all but the whole overshoot" },
  ];
  for (const { bySize, size, why } of cases) {
    const { path, ranking } = long(100);
    const values = (latents: Set<string>) => latents.size === 100 ? 1 : bySize(latents.size);
    const ends = { baseline: 0, input: 1 };
    const found = await growCircuit(tailOf(values), path, ranking, ends, 0.7);
    deepEqual([found.size, found.reached], [size, size < 100], why);
    deepEqual(found.faithfulness, size === 100 ? 1 : bySize(size), why);
  }
});

Deno.test("shapeOf tells the highest point of a curve and how far it falls", () => {
  const shape = (...values: number[]) =>
    shapeOf(values.map((faithfulness, nodes) => ({ nodes, faithfulness })));
  const steady = shape(0, 0.4, 0.75, 0.7, 1);
  allClose([steady.highest, steady.drop], [1, 0.05], { atol: 1e-12 });
  deepEqual(isSteady(steady), true);
  const over = shape(0, 1.35, 1.3, 1);
  allClose([over.highest, over.drop], [1.35, 0.35], { atol: 1e-12 });
  deepEqual([isSteady(over), isSteady(shape(0, 0.9, 0.5, 1))], [false, false]);
});

Deno.test("drawSets has as many nodes at each token as the circuit, others every time", () => {
  const all = [3, 1, 2].flatMap((count, token) =>
    Array.from({ length: 4 * count }, (_, latent) => ({ token, latent }))
  );
  const chosen = all.filter(({ token, latent }) => token !== 1 && latent < 3);
  const sets = drawSets(all, chosen, 2000, { seed: 1, trial: 5 });
  const counts = new Map<string, number>();
  for (const set of sets) {
    deepEqual([0, 1, 2].map((at) => set.filter(({ token }) => token === at).length), [3, 0, 3]);
    deepEqual(setOf(set).size, 6, "no node twice");
    for (const key of setOf(set)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  // Each of 12 (8) nodes is in 3/12 (3/8) of the sets: 500 (750), within five standard deviations.
  for (const { token, latent } of all.filter(({ token }) => token !== 1)) {
    const expected = 2000 * 3 / (token === 0 ? 12 : 8);
    const found = counts.get(`${token}:${latent}`) ?? 0;
    ok(Math.abs(found - expected) < 5 * Math.sqrt(expected), `${token}:${latent} ${found}`);
  }
  deepEqual(drawSets(all, chosen, 3, { seed: 1, trial: 5 }), sets.slice(0, 3), "a seed's own");
  ok(
    JSON.stringify(drawSets(all, chosen, 3, { seed: 1, trial: 6 })) !==
      JSON.stringify(sets.slice(0, 3)),
  );
  const wholes = all.filter(({ token }) => token === 1);
  deepEqual(drawSets(all, wholes, 5, { seed: 1, trial: 5 }), [], "no other choice");
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
