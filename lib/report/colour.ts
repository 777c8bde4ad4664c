/**
 * The report's colour scales: even steps in Oklab, lightness monotone, readable without red–green
 * vision; each in a version for light and for dark pages, where "nothing" fades into the page.
 */
import { hexOf, linearOfHex, oklabOfLinear, type Oklch } from "./oklab.ts";

/** Colours per scale; odd, so that the diverging scale has a neutral middle. */
export const LEVELS = 65;

export type Scheme = "light" | "dark";
export type ScaleKind = "sequential" | "diverging";

const path = (from: Oklch, to: Oklch, bulge: number) => (t: number): Oklch => ({
  lightness: from.lightness + t * (to.lightness - from.lightness),
  chroma: from.chroma + t * (to.chroma - from.chroma) + bulge * Math.sin(Math.PI * t),
  hue: from.hue + t * (to.hue - from.hue),
});

const sequentialPath = {
  light: path(
    { lightness: 0.972, chroma: 0.015, hue: 150 },
    { lightness: 0.29, chroma: 0.11, hue: 278 },
    0.035,
  ),
  dark: path(
    { lightness: 0.25, chroma: 0.03, hue: 268 },
    { lightness: 0.95, chroma: 0.08, hue: 112 },
    0.035,
  ),
};

const middle = {
  light: { lightness: 0.965, chroma: 0.004 },
  dark: { lightness: 0.27, chroma: 0.008 },
};
const low = {
  light: { lightness: 0.4, chroma: 0.15, hue: 262 },
  dark: { lightness: 0.8, chroma: 0.12, hue: 240 },
};
const high = {
  light: { lightness: 0.4, chroma: 0.13, hue: 42 },
  dark: { lightness: 0.8, chroma: 0.13, hue: 66 },
};

/** The {@linkcode LEVELS} colours of a scale, #rrggbb, from the smallest value to the largest. */
export function colours(kind: ScaleKind, scheme: Scheme): string[] {
  if (kind === "sequential") return evenSteps(sequentialPath[scheme], LEVELS);
  const arm = (end: Oklch) =>
    evenSteps(path({ ...middle[scheme], hue: end.hue }, end, 0), (LEVELS + 1) / 2);
  return [...arm(low[scheme]).reverse(), ...arm(high[scheme]).slice(1)];
}

/** Points at equal Oklab arc length: gamut limits would otherwise bunch the colours up. */
function evenSteps(at: (t: number) => Oklch, count: number): string[] {
  // Between samples the way is straight enough; every one more is time that each page takes.
  const samples = 80;
  const labs = Array.from(
    { length: samples + 1 },
    (_, i) => oklabOfLinear(linearOfHex(hexOf(at(i / samples)))),
  );
  const travelled = [0];
  for (let i = 1; i <= samples; i++) {
    const step = Math.hypot(...labs[i].map((x, axis) => x - labs[i - 1][axis]));
    travelled.push(travelled[i - 1] + step);
  }
  let i = 0;
  return Array.from({ length: count }, (_, step) => {
    const goal = travelled[samples] * step / (count - 1);
    while (i < samples - 1 && travelled[i + 1] < goal) i++;
    const share = (goal - travelled[i]) / (travelled[i + 1] - travelled[i]);
    return hexOf(at(Math.min(1, (i + share) / samples)));
  });
}
