/** The motif experiment: the headline curves, and those of each stretch or pair. */
import { lineChart, type Point, type Series } from "../../report/chart.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { short } from "../../report/scale.ts";
import { MOTIF_MODES, type MotifMode, type MotifResult, type MotifShare } from "../motif_types.ts";
import { unitName } from "../tables.ts";

const MODE_NAMES: Record<MotifMode, string> = {
  flanks: "flanking residues",
  random: "random",
  random_far: "random, far away",
};

const AXIS = { name: "residues unmasked", from: 0 };

/** One line per mode. */
const lines = (of: (mode: MotifMode) => Pick<Series, "points" | "band">): Series[] =>
  MOTIF_MODES.map((mode, m) => ({ name: MODE_NAMES[mode], colour: m + 1, ...of(mode) }));

/** What a set is of, in words. */
function setName(set: string): string {
  if (set === "segment") return "Stretches of 22 residues";
  const [, from, to] = set.split("_");
  return `Pairs more than ${from}${to ? ` and at most ${to}` : ""} residues apart`;
}

/** Share of contacts recovered against residues unmasked, over all proteins. */
export function motifHeadline(shares: readonly MotifShare[]): Markup {
  const sets = [...new Set(shares.map(({ set }) => set))];
  return markup`<section><h2>Context that contacts need</h2>
<p class="hint">All was masked but 22 residues: one stretch, or 11 about the centre of each of two helices or strands. Then residues were unmasked outward of them, or as many at random, anywhere or more than 30 away. Contacts are recovered where more than half of their patch is as with the whole sequence. Each point is of those with so much room; bands are 95 % intervals over resampled proteins. motif_summary.csv has every digit.</p>
<div class="charts">${
    sets.map((set) => {
      const own = shares.filter((share) => share.set === set);
      const { units, proteins } = own[0];
      return lineChart(
        `${setName(set)}: ${units} of ${proteins} protein${proteins === 1 ? "" : "s"}`,
        AXIS,
        { name: "share recovered", from: 0, reach: 1 },
        lines((mode) => {
          const points = own.filter((share) => share.mode === mode);
          const hasBand = points.every(({ interval }) => !Number.isNaN(interval.low));
          return {
            points: points.map(({ unmasked, share }): Point => [unmasked, share]),
            ...(hasBand && {
              band: points.map(({ interval: { low, high } }) => [low, high] as const),
            }),
          };
        }),
      );
    })
  }</div></section>
`;
}

/** The recovery curves of one protein. */
export function motifSection(motif: readonly MotifResult[]): Markup {
  return markup`<h3>Context that a contact needs</h3>
${motif.length === 0 && markup`<p class="hint">No stretch and no pair qualifies.</p>`}
<div class="charts">${
    motif.map(({ unit, curves, jump, minimalLength }) =>
      markup`<div>${
        lineChart(
          unitName(unit),
          AXIS,
          { name: "recovery", from: 0, reach: 1 },
          lines((mode) => ({
            points: curves[mode].filter(({ recovery }) => !Number.isNaN(recovery))
              .map(({ unmasked, recovery }): Point => [unmasked, recovery]),
          })),
        )
      }<p class="facts">Patch ${short(unit.weight)} in the whole map; ${
        Number.isNaN(minimalLength) ? "not recovered" : `recovered with ${minimalLength} residues`
      }; ${
        jump ? `a jump at flank ${jump.flank}${jump.keeps ? "" : ", lost again"}` : "no jump"
      }.</p></div>`
    )
  }</div>
`;
}
