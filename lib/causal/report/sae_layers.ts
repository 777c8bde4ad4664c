/** Quantities from layer to layer. */
import { lineChart, type Point, type Series } from "../../report/chart.ts";
import type { Markup } from "../../report/markup.ts";
import { spreadOf } from "../../report/spread.ts";

export interface LayerLine {
  name: string;
  colour: number;
  dashed?: boolean;
  /** Of the results of a layer, one per mutation. */
  values(layer: number): readonly number[];
}

/** Medians with the middle half of the mutations, layer by layer. */
export function layerChart(
  title: string,
  quantity: string,
  layers: readonly number[],
  lines: readonly LayerLine[],
  reach?: number,
): Markup {
  const series = lines.map(({ values, ...line }): Series => {
    const spreads = layers.map((layer) => ({ layer, ...spreadOf(values(layer)) }))
      .filter(({ count }) => count > 0);
    return {
      ...line,
      dots: true,
      points: spreads.map(({ layer, median }): Point => [layer, median]),
      band: spreads.map(({ low, high }) => [low, high] as const),
    };
  }).filter(({ points }) => points.length > 0);
  const low = Math.min(0, ...series.flatMap(({ band }) => band!.map(([from]) => from)));
  const begin = layers[0], end = layers.at(-1)!;
  return lineChart(
    title,
    { name: "layer", from: begin, reach: end, ticks: layers.length <= 12 ? layers : undefined },
    { name: quantity, from: low, reach },
    series,
  );
}
