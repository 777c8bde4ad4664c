import { colourVariable, LEVELS } from "./colour.ts";
import { type Content, type Markup, markup } from "./markup.ts";
import type { Scale } from "./scale.ts";

export interface LegendTick {
  /** Place along the bar, 0..1. */
  at: number;
  label: string;
}

/** A colour bar with ticks; ends in an arrow where values lie beyond the scale. */
export function legend(title: Content, scale: Scale, ticks: LegendTick[]): Markup {
  const stops = Array.from({ length: 17 }, (_, i) => {
    const level = Math.round(i * (LEVELS - 1) / 16);
    return `${colourVariable(scale.kind, level)} ${100 * i / 16}%`;
  });
  const ends = `${scale.cappedBelow ? " below" : ""}${scale.cappedAbove ? " above" : ""}`;
  const [first, last] = [0, LEVELS - 1].map((level) => colourVariable(scale.kind, level));
  return markup`<div class="legend${
    scale.cappedBelow && " two-arrows"
  }"><div class="legend-title">${title}</div>
<div class="bar${ends}" style="--first:${first};--last:${last}"><i style="background:linear-gradient(to right,${
    stops.join(",")
  })"></i></div>
<div class="bar-ticks">${
    ticks.map(({ at, label }) => markup`<span style="left:${100 * at}%">${label}</span>`)
  }</div></div>
`;
}

/** One entry of a key: a swatch and what it means. */
export function key(className: string, meaning: Content): Markup {
  return markup`<span class="key"><i class="${className}"></i>${meaning}</span>`;
}
