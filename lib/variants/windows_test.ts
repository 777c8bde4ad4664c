import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { CLS, EOS, MASK } from "../esm2/alphabet.ts";
import { planPasses } from "./queries.ts";
import { cutWindow, localToken, WINDOW_TOKENS, windowsOf } from "./windows.ts";

/** `get_optimal_window` of ProteinGym's scoring_utils.py, for a model window of 1024. */
function optimalWindow(position: number, length: number): [number, number] {
  if (length <= 1024) return [0, length];
  if (position < 512) return [0, 1024];
  if (position >= length - 512) return [length - 1024, length];
  return [Math.max(0, position - 512), Math.min(length, position + 512)];
}

/** Windows and weights of a token as compute_fitness.py sums them, inclusive ends and all. */
function overlappingWindows(length: number): { start: number; weights: Map<number, number> }[] {
  const weight = (i: number) =>
    i >= 1 && i <= 256
      ? 1 / (1 + Math.exp(-(i - 128) / 16))
      : i >= 766 && i <= 1022
      ? 1 / (1 + Math.exp((i - 1022 + 128) / 16))
      : 1;
  const windows: { start: number; weights: Map<number, number> }[] = [];
  const add = (start: number) =>
    windows.push({
      start,
      weights: new Map(Array.from({ length: 1024 }, (_, i) => [start + i, weight(i)])),
    });
  let left = 0, leftEnd = 1023, right = length - 1024, rightEnd = length - 1;
  for (;;) {
    add(left);
    add(right);
    if (leftEnd > right) break;
    left += 511;
    leftEnd += 511;
    right -= 511;
    rightEnd -= 511;
  }
  if (leftEnd - right + 1 < 511) add(Math.floor(length / 2) - 512);
  return windows;
}

const lengths = [1025, 1026, 1500, 1537, 2000, 2048, 3423];

Deno.test("windowsOf optimal, cropped, is ProteinGym's window at every token", () => {
  for (const length of [3, 1024, ...lengths]) {
    for (let token = 1; token <= length - 2; token++) {
      const [one] = windowsOf(token, length, { kind: "optimal", cropped: true });
      deepEqual([one.window.begin, one.window.end], optimalWindow(token, length));
      equal(one.window.framed, false);
    }
  }
});

Deno.test("windowsOf overlapping, cropped, sums ProteinGym's windows and weights at every token", () => {
  for (const length of lengths) {
    const expected = overlappingWindows(length);
    for (let token = 1; token <= length - 2; token += 7) {
      const found = windowsOf(token, length, { kind: "overlapping", cropped: true })
        .map(({ window, weight }) => `${window.begin} ${weight}`);
      const all = expected.filter(({ weights }) => weights.has(token))
        .map(({ start, weights }) => `${start} ${weights.get(token)}`);
      // A window that comes from both ends at once is one opinion, not two.
      deepEqual(found.sort(), [...new Set(all)].sort(), `token ${token} of ${length}`);
    }
  }
});

Deno.test("windowsOf by itself frames 1022 residues that hold the token, near the middle", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1025, max: 6000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (tokens, share) => {
        const token = 1 + Math.floor(share * (tokens - 3));
        for (const kind of ["optimal", "overlapping"] as const) {
          const found = windowsOf(token, tokens, { kind });
          ok(found.length >= 1 && (kind === "overlapping" || found.length === 1));
          for (const { window: { begin, end, framed }, weight } of found) {
            ok(framed && begin >= 1 && end <= tokens - 1 && end - begin === WINDOW_TOKENS - 2);
            ok(begin <= token && token < end && weight > 0 && weight <= 1);
          }
        }
        const [{ window }] = windowsOf(token, tokens, { kind: "optimal" });
        const inner = window.begin > 1 && window.end < tokens - 1;
        if (inner) equal(token - window.begin, 511);
      },
    ),
  );
});

Deno.test("windowsOf gives a short protein, or a full run, whole", () => {
  const whole = [{ window: { begin: 0, end: 1024, framed: false }, weight: 1 }];
  for (const kind of ["optimal", "overlapping", "full"] as const) {
    deepEqual(windowsOf(9, 1024, { kind }), whole);
  }
  deepEqual(windowsOf(9, 3000, { kind: "full" })[0].window.end, 3000);
});

Deno.test("cutWindow frames residues, and localToken finds them there", () => {
  const ids = Int32Array.from({ length: 30 }, (_, i) => 100 + i);
  const framed = { begin: 5, end: 9, framed: true }, cropped = { ...framed, framed: false };
  deepEqual([...cutWindow(ids, framed)], [CLS, 105, 106, 107, 108, EOS]);
  deepEqual([...cutWindow(ids, cropped)], [105, 106, 107, 108]);
  equal(cutWindow(ids, framed)[localToken(framed, 7)], 107);
  equal(cutWindow(ids, cropped)[localToken(cropped, 7)], 107);
});

Deno.test("planPasses masks within windows and shares a window between reads", () => {
  const tokens = 1300, ids = new Int32Array(tokens).fill(5);
  const read = (token: number) => ({ token, reference: 5 });
  const query = { ids, masked: [10, 1200], reads: [read(10), read(20), read(1200)] };
  const passes = planPasses([query], { kind: "optimal" });
  // Tokens 10 and 20 share the first window; each window masks only what it holds.
  deepEqual(passes.map(({ choices }) => choices.map(({ read }) => read)), [[0, 1], [2]]);
  deepEqual(passes.map(({ ids }) => [...ids.keys()].filter((t) => ids[t] === MASK)), [
    [10],
    [1200 - 277 + 1],
  ]);
  deepEqual(passes[1].choices[0].at, 1200 - 277 + 1);
});
