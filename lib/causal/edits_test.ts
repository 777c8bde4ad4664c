import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import {
  candidatesOf,
  donorEdit,
  dropError,
  editOf,
  meanActivations,
  meanEdit,
  resampleEdit,
  zeroEdit,
} from "./edits.ts";
import { activation, rowDeltas } from "./sparse.ts";
import { toyCapture, toySpace } from "./testing/toys.ts";

const space = toySpace(6, 5);
const base = toyCapture(space, [[[0, 1.5], [3, 0.5]], [[1, 2]], [[2, 1], [4, 3]]]);
const donor = toyCapture(space, [[[0, 0.25]], [[1, 2], [4, 0.75]], []], 9);

Deno.test("rowDeltas lists latents of either row, ascending, those without change too", () => {
  deepEqual(rowDeltas(base.latents, 0, donor.latents, 0), {
    indices: Uint32Array.of(0, 3),
    deltas: Float64Array.of(-1.25, -0.5),
  });
  deepEqual(rowDeltas(base.latents, 1, donor.latents, 1), {
    indices: Uint32Array.of(1, 4),
    deltas: Float64Array.of(0, 0.75),
  });
  equal(rowDeltas(donor.latents, 2, donor.latents, 2).indices.length, 0);
});

Deno.test("activation is the value of an active latent and 0 of others", () => {
  deepEqual([0, 1, 2, 3, 4].map((j) => activation(base.latents, 2, j)), [0, 0, 1, 0, 3]);
  equal(activation(donor.latents, 2, 4), 0);
});

Deno.test("donorEdit with the error makes a token the donor's", () => {
  for (const part of donorEdit(space, base, donor, [0, 2], true)) {
    const at = part.token * 6;
    const moved = space.displacement(base, part).map((by, d) => base.hidden[at + d] + by);
    allClose(moved, donor.hidden.subarray(at, at + 6), { atol: 1e-12 });
  }
});

Deno.test("zeroEdit leaves the decoder's bias and the error", () => {
  for (const part of zeroEdit(base, [0, 1, 2])) {
    const { token } = part, at = token * 6;
    const error = space.errorOf(base, token);
    const moved = space.displacement(base, part);
    allClose(
      moved.map((by, d) => base.hidden[at + d] + by),
      error.map((e, d) => space.sae.bPre[d] * base.scale.std[token] + base.scale.mean[token] + e),
      { atol: 1e-5 },
    );
  }
});

Deno.test("dropError leaves the reconstruction at its tokens and touches no other", () => {
  const dropped = dropError(space, base, [1]);
  allClose(dropped.hidden.subarray(6, 12), space.decodeToken(base, 1), { atol: 1e-5 });
  deepEqual(dropped.hidden.slice(0, 6), base.hidden.slice(0, 6));
  deepEqual(dropped.hidden.slice(12), base.hidden.slice(12));
});

Deno.test("meanActivations averages over residues and meanEdit gives every latent its mean", () => {
  const means = meanActivations([base, donor]);
  // Token 1 of each is the only residue.
  allClose(means, [0, 2, 0, 0, 0.375], { atol: 1e-7 });
  const [{ indices, deltas }] = meanEdit(base, [2], means);
  deepEqual([...indices!], [1, 2, 4]);
  allClose(deltas!, [2, -1, 0.375 - 3], { atol: 1e-7 });
});

Deno.test("resampleEdit takes the latents of another residue, the same for the same seed", () => {
  const long = toyCapture(
    space,
    Array.from({ length: 8 }, (_, t) => [[0, t + 1]] as [number, number][]),
  );
  const drawn = new Set<number>();
  for (let trial = 0; trial < 60; trial++) {
    const [{ deltas }] = resampleEdit(long, [3], 7, trial);
    const from = 3 + deltas![0];
    ok(from >= 1 && from <= 6 && from !== 3, String(from));
    drawn.add(from);
    deepEqual(resampleEdit(long, [3], 7, trial)[0].deltas, deltas);
  }
  equal(drawn.size, 5);
});

Deno.test("candidatesOf orders latents by how far they move, and editOf puts them together again", () => {
  const edit = donorEdit(space, base, donor, [0, 1, 2]);
  const all = candidatesOf(edit);
  deepEqual(all.map(({ token, latent, delta }) => [token, latent, delta]), [
    [2, 4, -3],
    [0, 0, -1.25],
    [2, 2, -1],
    [1, 4, 0.75],
    [0, 3, -0.5],
    [1, 1, 0],
  ]);
  for (const part of editOf(all)) {
    const whole = edit.find(({ token }) => token === part.token)!;
    allClose(space.displacement(base, part), space.displacement(base, whole), { atol: 1e-12 });
  }
});
