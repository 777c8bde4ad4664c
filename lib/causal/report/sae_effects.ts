/** What patching each latent of a mutation did, beside how far the latent moves. */
import { type Axis, scaled } from "../../report/chart.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { signed, tokenName } from "./sae_names.ts";
import type { PatchPoint, PatchView } from "./sae_types.ts";
import { short } from "../../report/scale.ts";
import { tip } from "../../report/tip.ts";

const WIDTH = 1000, LEFT = 140, MIDDLE = 660, RIGHT = 990, ROW = 24, TOP = 26, BOTTOM = 40;
const FIRST = { from: LEFT + 8, to: MIDDLE - 28 }, SECOND = { from: MIDDLE + 8, to: RIGHT - 8 };

/** Latents drawn at most, those with the largest change. */
const MOST_EFFECTS = 24;

const change = ({ patched, baseline }: PatchPoint) => patched - baseline;

/** Signed changes as lollipops with their matched controls, and moves as bars, one row per latent. */
export function latentEffects({ rows, protein }: PatchView, metric: string): Markup {
  const real = rows.filter(({ kind }) => kind === "real")
    .sort((a, b) => Math.abs(change(b)) - Math.abs(change(a)));
  const shown = real.slice(0, MOST_EFFECTS);
  const controls = (row: PatchPoint) =>
    rows.filter(({ kind, matches }) =>
      matches === row.latent && (kind === "random" || kind === "displaced")
    );
  const beside = shown.flatMap(controls);
  const height = TOP + shown.length * ROW + BOTTOM, bottom = height - BOTTOM;
  const x = around0([...shown, ...beside].map(change), FIRST);
  const d = around0(shown.map(({ delta }) => delta), SECOND);
  const axis = (
    at: (value: number) => number,
    ticks: readonly number[],
    name: string,
    { from, to }: Span,
  ) =>
    markup`${
      ticks.map((value) =>
        markup`<path class="${value === 0 ? "zero" : "grid"}" d="M${
          at(value)
        } ${TOP}V${bottom}"/><text class="x" x="${at(value)}" y="${bottom + 16}">${
          short(value)
        }</text>`
      )
    }<text class="x" x="${(from + to) / 2}" y="${height - 5}">${name}</text>`;
  return markup`<figure class="chart wide"><figcaption>Latents patched one at a time</figcaption>
<div class="scroll" tabindex="0" role="region" aria-label="Latents patched one at a time">
<svg viewBox="0 0 ${WIDTH} ${height}" class="marks" tabindex="0" role="img" aria-label="Change by each of ${shown.length} latents">
<text class="label" x="${LEFT - 12}" y="12"><tspan class="where">latent, where</tspan></text>
${axis(x.at, x.ticks, `change of ${metric}`, FIRST)}${
    axis(d.at, d.ticks, "how far the latent moves, activation", SECOND)
  }
${
    shown.map((row, i) => {
      const y = TOP + (i + 0.5) * ROW, where = tokenName(row.token, protein);
      const value = change(row), way = value < 0 ? "down" : "up";
      const others = controls(row);
      const bar = [d.at(0), d.at(row.delta)].sort((a, b) => a - b);
      return markup`<text class="label" x="${
        LEFT - 12
      }" y="${y}">${row.latent} <tspan class="where">${where}</tspan></text>${
        others.map((other) =>
          markup`<circle class="hollow c0" cx="${x.at(change(other))}" cy="${y}" r="3"/>`
        )
      }<path class="stem-line ${way}" d="M${x.at(0)} ${y}H${
        x.at(value)
      }"/><circle class="head ${way}" cx="${x.at(value)}" cy="${y}" r="5"/><rect class="${
        row.delta < 0 ? "down" : "up"
      }" x="${bar[0]}" y="${y - 5}" width="${
        (bar[1] - bar[0]).toFixed(1)
      }" height="10"/><rect class="reach" x="0" y="${
        y - ROW / 2
      }" width="${WIDTH}" height="${ROW}" ${
        tip(`Latent ${row.latent} at ${where}`, [
          ["change", signed(value)],
          ["before", short(row.baseline, true)],
          ["patched", short(row.patched, true)],
          ["activation, wild type", short(row.wildActivation, true)],
          ["activation, mutant", short(row.mutantActivation, true)],
          ["moved by", signed(row.delta)],
          ...others.map((other) => [
            `control: ${other.kind}, latent ${other.latent}`,
            signed(change(other)),
          ]),
        ])
      }/>
`;
    })
  }</svg></div>
<p class="hint">${
    beside.length > 0 &&
    markup`<span class="hollow-key"></span> other latents moved alike (controls: random, displaced). `
  }${
    shown.length < real.length &&
    `The ${shown.length} with the largest change of ${real.length}; patches.csv has all.`
  }</p></figure>
`;
}

interface Span {
  from: number;
  to: number;
}

/** A scale that is the same on both sides of 0, with few numbers. */
function around0(values: readonly number[], { from, to }: Span) {
  const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  const axis: Axis = { name: "", from: -size, reach: size };
  const scale = scaled(axis, [-size, size], from, to);
  return {
    ...scale,
    ticks: scale.ticks.length > 5
      ? scale.ticks.filter((_, i) => i % 2 === scale.ticks.indexOf(0) % 2)
      : scale.ticks,
  };
}
