import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { donorEdit, zeroEdit } from "./edits.ts";
import { attributeFirstOrder, type Attribution, integrate } from "./integrate.ts";
import type { Path } from "./path.ts";
import { hostOptions, noise, toyCapture, toySpace, toyTail } from "./testing/toys.ts";

const space = toySpace(6, 5);
const base = toyCapture(space, [[[0, 1.5], [3, 0.5]], [[1, 2]], [[2, 1], [4, 3]]]);
const donor = toyCapture(space, [[[0, 0.25]], [[1, 2], [4, 0.75]], [[3, 1.25]]], 9);
const metric = [{ token: 1, plus: 5, minus: 6 }];
const tokens = [0, 1, 2];
const direct = (withError: boolean): Path => ({
  capture: base,
  edit: donorEdit(space, base, donor, tokens, withError),
  from: 0,
  to: 1,
  metric,
});
const toZero: Path = { capture: base, edit: zeroEdit(base, tokens), from: 1, to: 0, metric };

/** f64[T, D], where the stream is with a share of the edit made. */
function streamAt({ capture, edit }: Path, share: number): Float64Array {
  const out = Float64Array.from(capture.hidden);
  for (const part of edit) {
    space.displacement(capture, part).forEach((moved, d) =>
      out[part.token * 6 + d] += share * moved
    );
  }
  return out;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};
const total = (nodes: readonly Attribution[]) =>
  nodes.reduce((sum, { attribution }) => sum + attribution, 0);

Deno.test("integrate of a linear tail is exact with one step of any rule", async () => {
  const slope = noise(18, 11);
  const tail = toyTail((hidden) => Float32Array.from(hidden, (_, i) => slope[i % 18]));
  for (const path of [direct(false), direct(true), toZero]) {
    const start = streamAt(path, path.from), end = streamAt(path, path.to);
    const expected = dot(slope, end) - dot(slope, start);
    for (const rule of ["gauss-legendre", "midpoint", "left"] as const) {
      for (const steps of [1, 7]) {
        const [{ nodes, sum }] = await integrate(tail, space, [path], { rule, steps }, hostOptions);
        allClose([sum, total(nodes)], [expected, expected], { rtol: 1e-6 });
      }
    }
    const [first] = await attributeFirstOrder(tail, space, [path], hostOptions);
    allClose([first.sum], [expected], { rtol: 1e-6 });
  }
});

Deno.test("integrate gives each latent its move times the slope along its direction", async () => {
  const slope = noise(18, 11);
  const tail = toyTail((hidden) => Float32Array.from(hidden, (_, i) => slope[i % 18]));
  const [{ nodes }] = await integrate(
    tail,
    space,
    [direct(false)],
    { rule: "midpoint", steps: 3 },
    hostOptions,
  );
  deepEqual(nodes.map(({ token, latent, delta }) => [token, latent, delta]), [
    [0, 0, -1.25],
    [0, 3, -0.5],
    [1, 1, 0],
    [1, 4, 0.75],
    [2, 2, -1],
    [2, 3, 1.25],
    [2, 4, -3],
  ]);
  for (const { token, latent, delta, attribution } of nodes) {
    const along = dot(
      space.sae.wDec.subarray(latent * 6, latent * 6 + 6),
      slope.subarray(token * 6, token * 6 + 6),
    );
    allClose([attribution], [delta * base.scale.std[token] * along], { atol: 1e-6 });
  }
});

Deno.test("integrate of a quadratic tail: midpoint and Gauss-Legendre exact, left by a known gap", async () => {
  // m = |h|² / 2, so that the slope is h itself.
  const tail = toyTail((hidden) => hidden.slice());
  for (const path of [direct(true), toZero]) {
    const start = streamAt(path, path.from), end = streamAt(path, path.to);
    const expected = (dot(end, end) - dot(start, start)) / 2;
    const run = async (rule: "gauss-legendre" | "midpoint" | "left", steps: number) =>
      (await integrate(tail, space, [path], { rule, steps }, hostOptions))[0].sum;
    allClose([await run("gauss-legendre", 1), await run("midpoint", 4)], [expected, expected], {
      rtol: 1e-6,
    });
    const move = end.map((value, i) => value - start[i]);
    // The left rule misses |move|² / 2 divided by the number of steps.
    allClose([await run("left", 8)], [expected - dot(move, move) / 16], { rtol: 1e-6 });
  }
});

Deno.test("integrate: paths that run together get what they get alone", async () => {
  const tail = toyTail((hidden) => hidden.map((value) => value ** 3));
  const paths = [direct(false), toZero, direct(true)];
  const settings = { rule: "gauss-legendre", steps: 5 } as const;
  const together = await integrate(tail, space, paths, settings, hostOptions);
  for (const [i, path] of paths.entries()) {
    const [alone] = await integrate(tail, space, [path], settings, hostOptions);
    deepEqual(together[i], alone);
  }
  ok(together.every(({ nodes }) => nodes.length > 0));
});

Deno.test("attributeFirstOrder takes the slope at the run itself, whichever end that is", async () => {
  const seen: number[][] = [];
  const tail = toyTail((hidden) => {
    seen.push([...hidden]);
    return hidden;
  });
  for (const path of [direct(true), toZero]) {
    await attributeFirstOrder(tail, space, [path], hostOptions);
    deepEqual(seen.pop(), [...base.hidden]);
  }
  equal(seen.length, 0);
});

Deno.test("integrate of the error term alone adds what the latents leave", async () => {
  const slope = noise(18, 12);
  const tail = toyTail((hidden) => Float32Array.from(hidden, (_, i) => slope[i % 18]));
  const settings = { rule: "midpoint", steps: 1 } as const;
  const [{ sum, nodes }] = await integrate(tail, space, [direct(true)], settings, hostOptions);
  const [latents] = await integrate(tail, space, [direct(false)], settings, hostOptions);
  const errors = nodes.filter(({ latent }) => latent === -1);
  equal(errors.length, 3);
  allClose([total(errors)], [sum - latents.sum], { atol: 1e-5 });
  // With the error the stream becomes the donor's.
  allClose([sum], [dot(slope, donor.hidden) - dot(slope, base.hidden)], { atol: 1e-5 });
});
