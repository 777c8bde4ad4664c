import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { displacedControls, randomControls, stableControls } from "./controls.ts";
import type { Candidate } from "./edits.ts";
import { toySpace } from "./testing/toys.ts";

const candidates: Candidate[] = Array.from({ length: 40 }, (_, i) => ({
  token: 3,
  latent: i,
  delta: (i % 2 ? -1 : 1) * 10 * 0.95 ** i,
}));
const chosen = candidates.slice(0, 5);
const space = toySpace(8, 64);
const draw = (trial: number) => ({ seed: 1, trial });

Deno.test("randomControls change by at most a factor of 2 from their match where such are left", () => {
  const drawn = new Set<number>();
  for (let trial = 0; trial < 200; trial++) {
    const found = randomControls(candidates, chosen, draw(trial));
    equal(found.length, 5);
    equal(new Set(found.map(({ latent }) => latent)).size, 5);
    for (const { latent, delta, of } of found) {
      ok(latent >= 5, "one of the chosen was drawn");
      const ratio = Math.abs(delta / of.delta);
      ok(ratio <= 2 && ratio >= 0.5, `ratio ${ratio}`);
      drawn.add(latent);
    }
    deepEqual(found, randomControls(candidates, chosen, draw(trial)));
  }
  // Not always the same ones: latents 5 to 17 are similar to one of the chosen.
  ok(drawn.size >= 5, `${drawn.size}`);
});

Deno.test("randomControls take one of the nearest where none is similar, none where none is left", () => {
  const far: Candidate[] = [
    { token: 1, latent: 0, delta: 100 },
    ...Array.from({ length: 9 }, (_, i) => ({ token: 1, latent: i + 1, delta: 10 / (i + 1) })),
  ];
  for (let trial = 0; trial < 50; trial++) {
    const [{ latent }] = randomControls(far, far.slice(0, 1), draw(trial));
    ok(latent >= 1 && latent <= 5, String(latent));
  }
  equal(randomControls(far, far, draw(0)).length, 0);
  equal(
    randomControls(
      [...far.slice(0, 1), { token: 1, latent: 5, delta: 0 }],
      far.slice(0, 1),
      draw(0),
    ).length,
    0,
  );
});

Deno.test("displacedControls move another latent as far in the residual stream", () => {
  const drawn = new Set<number>();
  for (let trial = 0; trial < 100; trial++) {
    for (const { latent, delta, token, of } of displacedControls(space, chosen, draw(trial))) {
      ok(latent >= 5);
      equal(token, 3);
      drawn.add(latent);
      allClose([delta * space.norms[latent]], [of.delta * space.norms[of.latent]], { rtol: 1e-12 });
    }
  }
  ok(drawn.size > 50, `${drawn.size} of 59`);
});

Deno.test("stableControls are the latents that change least", () => {
  deepEqual(stableControls(candidates, chosen).map(({ latent }) => latent), [39, 38, 37, 36, 35]);
  equal(stableControls(chosen, chosen).length, 0);
});
