/** Sequence, predictions and divergence, one under the other, in rows of so many residues. */
import { type Markup, markup } from "../../report/markup.ts";
import { tokenName } from "./sae_names.ts";
import { roundUp, short } from "../../report/scale.ts";
import type { SteeredView, SteeringReport } from "./steering_types.ts";
import { tip } from "../../report/tip.ts";

const PER_ROW = 70, CELL = 13, LEFT = 84, WIDTH = LEFT + PER_ROW * CELL + 6;
const TOP = 18, BARS = 62, NUMBERS = 15, LINE = 16;
const FLOOR = TOP + BARS, FIRST_LINE = FLOOR + NUMBERS + 10, MARKS = FIRST_LINE + 2 * LINE + 11;
const HEIGHT = MARKS + 9;

type Drawn = Pick<SteeringReport, "protein" | "residues" | "tokens">;

/** Bars of divergence over the letters of the sequence and of both predictions. */
export function steeringTracks(report: Drawn): Markup {
  const { residues } = report;
  const top = roundUp(residues.reduce((most, one) => Math.max(most, one.divergence), 1e-6));
  const rows = Array.from(
    { length: Math.ceil(residues.length / PER_ROW) },
    (_, i) => residues.slice(i * PER_ROW, (i + 1) * PER_ROW),
  );
  const some = !isEverywhere(report);
  return markup`<figure class="chart wide tracks"><figcaption>How far the prediction moves, and the letters it names</figcaption>
<div class="scroll" tabindex="0" role="region" aria-label="Residues before and after steering">
${rows.map((row) => trackRow(row, top, report))}</div>
<p class="chart-keys"><span class="key"><i class="bar-key"></i>divergence of the steered prediction, nats</span> <span class="key"><i class="changed-key"></i>predicted letter changes</span> ${
    some && markup`<span class="key"><i class="steered-key"></i>steered here</span>`
  }</p></figure>
`;
}

/** Whether every residue was steered. */
export function isEverywhere({ residues, tokens }: Pick<Drawn, "residues" | "tokens">): boolean {
  const steered = new Set(tokens);
  return residues.every(({ position }) => steered.has(position));
}

function trackRow(
  row: readonly SteeredView[],
  top: number,
  report: Drawn,
): Markup {
  const { protein, tokens } = report;
  const x = (i: number) => LEFT + i * CELL;
  const y = (value: number) => Number((FLOOR - BARS * value / top).toFixed(1));
  const name = ({ position }: SteeredView) => tokenName(position, protein);
  const number = ({ position }: SteeredView) => position + protein.offset - 1;
  const bars = row.map(({ divergence }, i) =>
    y(divergence) < FLOOR ? `M${x(i) + 1.5} ${FLOOR}V${y(divergence)}h${CELL - 3}V${FLOOR}Z` : ""
  );
  const numbered = row.map((one, i) => ({ i, at: number(one) })).filter(({ i, at }) =>
    at % 10 === 0 || (i === 0 && at % 10 < 7)
  );
  const steered = new Set(tokens);
  const marks = isEverywhere(report)
    ? ""
    : row.map(({ position }, i) => steered.has(position) ? `M${x(i)} ${MARKS}h${CELL}` : "").join(
      "",
    );
  const label = (text: string, line: number) =>
    markup`<text class="label" x="${LEFT - 10}" y="${FIRST_LINE + line * LINE}">${text}</text>`;
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" class="marks" tabindex="0" role="img" aria-label="Residues ${
    name(row[0])
  } to ${name(row.at(-1)!)}">
<path class="grid" d="M${LEFT} ${TOP}H${x(row.length)}M${LEFT} ${FLOOR}H${x(row.length)}"/>
<text class="y" x="${LEFT - 10}" y="${TOP}">${short(top)}</text><text class="y" x="${
    LEFT - 10
  }" y="${FLOOR}">0</text><path class="bars" d="${bars.join("")}"/>
${
    numbered.map(({ i, at }) =>
      markup`<text class="x" x="${x(i) + CELL / 2}" y="${FLOOR + NUMBERS - 2}">${at}</text>`
    )
  }
${label("sequence", 0)}${label("predicted", 1)}${label("steered", 2)}
${letters(row.map(({ letter }) => letter), 0, "own")}
${letters(row.map(({ before, after }) => before === after ? before : ""), 1, "same")}${
    letters(row.map(({ before, after }) => before === after ? "" : before), 1, "own")
  }
${changedPaper(row)}${
    letters(row.map(({ before, after }) => before === after ? after : ""), 2, "same")
  }${letters(row.map(({ before, after }) => before === after ? "" : after), 2, "changed")}
${marks !== "" && markup`<path class="steered" d="${marks}"/>`}
${
    row.map((one, i) =>
      markup`<rect class="reach" x="${x(i)}" y="${TOP}" width="${CELL}" height="${MARKS - TOP}" ${
        tip(name(one), [
          ["predicted", `${one.before} → ${one.after}`],
          ["divergence", short(one.divergence, true)],
          [`log p(${one.letter}) before`, short(one.logProbBefore, true)],
          [`log p(${one.letter}) after`, short(one.logProbAfter, true)],
          ...(one.after === one.letter ? [] : [
            [`log p(${one.after}) before`, short(one.steeredLogProbBefore, true)],
            [`log p(${one.after}) after`, short(one.steeredLogProbAfter, true)],
          ]),
        ])
      }/>`
    )
  }
</svg>
`;
}

/** Letters at their residues; an empty one leaves its place free. */
function letters(list: readonly string[], line: number, kind: string): Markup | false {
  const there = list.map((letter, i) => ({ letter, i })).filter(({ letter }) => letter !== "");
  if (there.length === 0) return false;
  return markup`<text class="letters ${kind}" x="${
    there.map(({ i }) => LEFT + (i + 0.5) * CELL).join(" ")
  }" y="${FIRST_LINE + line * LINE}">${there.map(({ letter }) => letter).join("")}</text>`;
}

/** What changed letters stand on. */
function changedPaper(row: readonly SteeredView[]): Markup {
  const path = row.map(({ before, after }, i) =>
    before === after
      ? ""
      : `M${LEFT + i * CELL} ${FIRST_LINE + 1.5 * LINE - 1}h${CELL}v${LINE - 1}h${-CELL}Z`
  );
  return markup`<path class="changed-paper" d="${path.join("")}"/>`;
}
