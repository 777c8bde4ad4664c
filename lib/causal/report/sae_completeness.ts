/** Whether attributions add up to the effect that they explain. */
import { type Markup, markup } from "../../report/markup.ts";
import { effectOf, relativeGap } from "../explain.ts";
import { layersOf } from "../tables.ts";
import { percent } from "./sae_names.ts";
import { scatterChart } from "../../report/scatter_chart.ts";
import type { ExplanationView, MutationView } from "./sae_types.ts";
import { short } from "../../report/scale.ts";
import { spreadOf } from "../../report/spread.ts";
import { scrollingTable } from "../../report/table.ts";

type Result = MutationView & ExplanationView;

/** Sums against effects, and how far they are apart. */
export function completeness(results: readonly Result[], metric: string): Markup {
  return markup`<h3>Do they add up?</h3>
<p class="hint">Attributions of a path that is finely enough divided add up to the change of ${metric} along it. Steps are doubled until the gap is below 5 %, unless their number was given.</p>
<div class="charts">${
    scatterChart(
      "Sum of attributions and effect",
      { name: "effect" },
      { name: "sum of attributions" },
      results.map((result) => ({
        x: effectOf(result),
        y: result.sum,
        colour: result.addsUp ? 1 : 2,
        title: `${result.protein.id} ${result.mutation}, layer ${result.layer}`,
        entries: [
          ["effect", short(effectOf(result), true)],
          ["sum", short(result.sum, true)],
          ["gap", percent(relativeGap(result))],
          ["steps", String(result.steps)],
        ],
      })),
      [{ name: "adds up", colour: 1 }, { name: "differs by 5 % or more", colour: 2 }],
    )
  }</div>
${table(results)}`;
}

function table(results: readonly Result[]): Markup {
  const rows = layersOf(results).map((layer) => {
    const own = results.filter((result) => result.layer === layer);
    const median = (value: (result: Result) => number) => spreadOf(own.map(value)).median;
    return [
      layer,
      own.length,
      percent(median(relativeGap)),
      own.filter(({ addsUp }) => !addsUp).length,
      short(median(({ steps }) => steps)),
      short(median(({ moving }) => moving)),
      short(median((one) => Math.abs(one.errorSum)), true),
    ];
  });
  return scrollingTable(
    "Completeness by layer",
    [
      "Layer",
      "Mutations",
      "Median gap",
      "Gap of 5 % or more",
      "Steps",
      "Nodes moving",
      "Error terms",
    ],
    rows,
    false,
  );
}
