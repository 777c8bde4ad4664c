/** How often each amino acid is predicted, before and after steering. */
import { scaled } from "../../report/chart.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { short } from "../../report/scale.ts";
import type { SteeredView } from "./steering_types.ts";
import { tip } from "../../report/tip.ts";

const LETTERS = "ACDEFGHIKLMNPQRSTVWY";
const WIDTH = 460, HEIGHT = 260, LEFT = 40, TOP = 24, BOTTOM = 40, STEP = (WIDTH - LEFT - 6) / 20;

export interface LetterCount {
  letter: string;
  /** In the sequence itself. */
  own: number;
  before: number;
  after: number;
}

/** All 20, in the order of the alphabet. */
export function countLetters(residues: readonly SteeredView[]): LetterCount[] {
  const count = (key: "letter" | "before" | "after", letter: string) =>
    residues.filter((one) => one[key] === letter).length;
  return [...LETTERS].map((letter) => ({
    letter,
    own: count("letter", letter),
    before: count("before", letter),
    after: count("after", letter),
  }));
}

/** Two bars for each letter. */
export function letterChart(residues: readonly SteeredView[]): Markup {
  const counts = countLetters(residues), floor = HEIGHT - BOTTOM;
  const y = scaled(
    { name: "residues", from: 0 },
    counts.flatMap(({ before, after }) => [before, after]),
    floor,
    TOP,
  );
  const width = STEP / 2 - 2;
  const bar = (i: number, side: number, value: number, colour: number) =>
    markup`<rect class="letter-bar c${colour}" x="${
      (LEFT + i * STEP + 2 + side * width).toFixed(1)
    }" y="${y.at(value)}" width="${width.toFixed(1)}" height="${
      (floor - y.at(value)).toFixed(1)
    }"/>`;
  return markup`<figure class="chart"><figcaption>Letters predicted</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" class="marks" tabindex="0" role="img" aria-label="Residues at which each amino acid is predicted, before and after">
${
    y.ticks.filter(Number.isInteger).map((value) =>
      markup`<path class="grid" d="M${LEFT} ${y.at(value)}H${WIDTH - 6}"/><text class="y" x="${
        LEFT - 7
      }" y="${y.at(value)}">${short(value)}</text>`
    )
  }<text class="start" x="0" y="10">residues</text><text class="x" x="${
    (LEFT + WIDTH - 6) / 2
  }" y="${HEIGHT - 5}">most probable amino acid</text>
${
    counts.map(({ letter, own, before, after }, i) =>
      markup`${bar(i, 0, before, 0)}${bar(i, 1, after, 2)}<text class="x" x="${
        (LEFT + (i + 0.5) * STEP).toFixed(1)
      }" y="${floor + 16}">${letter}</text><rect class="reach" x="${
        (LEFT + i * STEP).toFixed(1)
      }" y="${TOP}" width="${STEP.toFixed(1)}" height="${floor - TOP}" ${
        tip(letter, [
          ["in the sequence", String(own)],
          ["predicted", String(before)],
          ["after steering", String(after)],
        ])
      }/>
`
    )
  }</svg>
<p class="chart-keys"><span class="key"><i class="dot-key c0"></i>predicted</span> <span class="key"><i class="dot-key c2"></i>after steering</span></p></figure>
`;
}
