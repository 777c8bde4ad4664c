import { deepEqual, equal, throws } from "../../tests/assert.ts";
import {
  checkSteerings,
  maximumOf,
  parseScale,
  parseSet,
  steeredLatents,
  steeringEdit,
} from "./steer.ts";
import { toyCapture, toySpace } from "./testing/toys.ts";

const space = toySpace(6, 5);
// Tokens 0 and 3 are <cls> and <eos>.
const capture = toyCapture(space, [[[1, 9]], [[1, 2], [4, 3]], [[1, 4]], [[4, 8]]]);

Deno.test("parseSet and parseScale read values, multiples of the maximum and factors", () => {
  deepEqual(parseSet("220=5max, 17=2,3=-0.5"), [
    { latent: 220, kind: "max", amount: 5 },
    { latent: 17, kind: "value", amount: 2 },
    { latent: 3, kind: "value", amount: -0.5 },
  ]);
  deepEqual(parseScale("4=0"), [{ latent: 4, kind: "scale", amount: 0 }]);
  for (const bad of ["", "4", "4=", "=4", "x=1", "4=1,", "4=1min", "1.5=2", "4=1e999", "4=1e39"]) {
    throws(() => parseSet(bad), /latents and numbers such as 220=5max/, bad);
  }
  throws(() => parseScale("4=2max"), /such as 220=0,17=2/);
});

Deno.test("steeringEdit moves latents from what they are to what is asked", () => {
  const edit = steeringEdit(capture, [1, 2], [...parseScale("4=2"), ...parseSet("1=1.5max")], [
    capture,
  ]);
  deepEqual(edit.map(({ token, indices, deltas }) => [token, [...indices!], [...deltas!]]), [
    [1, [1, 4], [6 - 2, 3]],
    [2, [1, 4], [6 - 4, 0]],
  ]);
});

Deno.test("steeredLatents says what an edit makes of each latent, in the order they were named", () => {
  const steerings = [...parseScale("4=2"), ...parseSet("1=1.5max,2=7")];
  const edit = steeringEdit(capture, [1, 2], steerings, [capture]);
  deepEqual(steeredLatents(capture, edit, steerings), [
    { ...steerings[0], active: 1, meanBefore: 1.5, meanAfter: 3, maxBefore: 3 },
    { ...steerings[1], active: 2, meanBefore: 3, meanAfter: 6, maxBefore: 4 },
    { ...steerings[2], active: 0, meanBefore: 0, meanAfter: 7, maxBefore: 0 },
  ]);
});

Deno.test("maximumOf looks at residues only, and steering to a maximum of 0 is refused", () => {
  deepEqual([1, 4, 2].map((latent) => maximumOf(latent, [capture])), [4, 3, 0]);
  throws(() => steeringEdit(capture, [1], parseSet("2=5max"), [capture]), /latent 2.*maximum is 0/);
});

Deno.test("checkSteerings refuses latents that do not exist or come twice", () => {
  checkSteerings(parseSet("0=1,4=1"), 5);
  throws(() => checkSteerings(parseSet("5=1"), 5), /0\.\.4: current value is 5/);
  throws(() => checkSteerings([...parseSet("1=1"), ...parseScale("1=2")], 5), /1 twice/);
  equal(checkSteerings([], 5), undefined);
});
