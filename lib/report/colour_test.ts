import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { colours, LEVELS, type ScaleKind, type Scheme } from "./colour.ts";
import { linearOfHex, linearRgb, oklabOfLinear, type Triple } from "./oklab.ts";

const scales = (["sequential", "diverging"] as ScaleKind[]).flatMap((kind) =>
  (["light", "dark"] as Scheme[]).map((scheme) => ({ kind, scheme, list: colours(kind, scheme) }))
);
const labs = (list: string[]) => list.map((hex) => oklabOfLinear(linearOfHex(hex)));
const distance = (a: Triple, b: Triple) => Math.hypot(...a.map((x, axis) => x - b[axis]));

// Severity-1 matrices of Machado, Oliveira & Fernandes 2009 (doi:10.1109/TVCG.2009.113), on linear RGB.
const dichromacies: Record<string, number[][]> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};
const seenBy = (matrix: number[][], hex: string) => {
  const rgb = linearOfHex(hex);
  return oklabOfLinear(matrix.map((row) => {
    const x = row.reduce((sum, weight, i) => sum + weight * rgb[i], 0);
    return Math.min(1, Math.max(0, x));
  }) as Triple);
};

Deno.test("oklabOfLinear inverts linearRgb and gives white, black and the published red", () => {
  const back = linearRgb(oklabOfLinear([0.2, 0.5, 0.9]));
  [0.2, 0.5, 0.9].forEach((x, i) => ok(Math.abs(back[i] - x) < 1e-6));
  const red = oklabOfLinear([1, 0, 0]);
  // Ottosson's reference values for sRGB red, rounded to three digits.
  deepEqual(red.map((x) => Number(x.toFixed(3))), [0.628, 0.225, 0.126]);
  ok(Math.abs(oklabOfLinear([1, 1, 1])[0] - 1) < 1e-4);
});

Deno.test("colours are even steps: no neighbouring pair differs twice as much as the mean", () => {
  for (const { kind, scheme, list } of scales) {
    equal(list.length, LEVELS);
    const lab = labs(list);
    const steps = lab.slice(1).map((colour, i) => distance(colour, lab[i]));
    const mean = steps.reduce((sum, step) => sum + step) / steps.length;
    steps.forEach((step, i) => {
      ok(step > 0.4 * mean && step < 1.8 * mean, `${kind} ${scheme} step ${i}: ${step} of ${mean}`);
    });
  }
});

Deno.test("colours run in lightness one way, away from the page, also for dichromats", () => {
  for (const { kind, scheme, list } of scales) {
    const sign = scheme === "light" ? -1 : 1;
    const half = (LEVELS - 1) / 2;
    const arms = kind === "sequential"
      ? [list]
      : [list.slice(half), list.slice(0, half + 1).reverse()];
    for (const arm of arms) {
      const views = [
        labs(arm),
        ...Object.values(dichromacies).map((m) => arm.map((c) => seenBy(m, c))),
      ];
      for (const view of views) {
        // Eight bits per channel leave about 0.003 of rounding in a single step.
        for (let i = 4; i < view.length; i++) {
          ok(sign * (view[i][0] - view[i - 4][0]) > 0, `${kind} ${scheme} at ${i}`);
        }
      }
    }
  }
});

Deno.test("colours keep below and above apart for dichromats", () => {
  for (const { scheme, list } of scales.filter(({ kind }) => kind === "diverging")) {
    for (const [name, matrix] of Object.entries(dichromacies)) {
      for (const level of [0, 8, 16]) {
        const [below, above] = [list[level], list[LEVELS - 1 - level]].map((c) =>
          seenBy(matrix, c)
        );
        ok(distance(below, above) > 0.08, `${scheme} ${name} ${level}: ${distance(below, above)}`);
      }
    }
  }
});
