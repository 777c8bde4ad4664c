/** What the page of attention to sites shows of an adapter. */
import { percent } from "../../report/client/numbers.js";
import type { Piece } from "../../report/bundle.ts";
import { headGrid, track } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { frame, packed, panel, ramp } from "../../report/page.ts";
import { roundUp, short } from "../../report/scale.ts";
import { rankAdapted } from "../adapter.ts";
import { ADAPTER_COLUMNS, adapterFindings } from "../adapter_tables.ts";
import type { AdapterResult, ProteinResult } from "../types.ts";
import { nameOf, residueColumns } from "./names.ts";
import script from "./adapter.js" with { type: "text" };

export const ADAPTER_PIECE: Piece = { name: "adapter.js", script, uses: [headGrid, track] };

/** Heads that the table has. */
const LISTED = 10;

/** Where the colours end. */
const endOf = ({ rows }: AdapterResult) =>
  roundUp(rows.reduce((most, { change }) => Math.max(most, change), 0) || 1);

/** What the page's module draws; undefined without an adapter. */
export function adapterData({ adapter }: ProteinResult) {
  if (!adapter) return undefined;
  const { name, rows, profiles } = adapter;
  return {
    ...{ name, end: endOf(adapter) },
    columns: ADAPTER_COLUMNS.map(({ name, label }) => ({ name, label })),
    rows: rows.map((row) => ADAPTER_COLUMNS.map((column) => column.of({ ...row, protein: "" }))),
    profiles: profiles.map(({ layer, head }) =>
      rows.findIndex((row) => row.layer === layer && row.head === head)
    ),
  };
}

/** The profiles, f32[L] each. */
export function adapterScripts({ residues: { length }, adapter }: ProteinResult): Markup[] {
  if (!adapter) return [];
  const values = new Float32Array(adapter.profiles.length * length);
  adapter.profiles.forEach(({ received }, p) =>
    values.set(residueColumns(received, length), p * length)
  );
  return [packed("adapter", values)];
}

/** The panels, where there is an adapter. */
export function adapterPanels({ adapter }: ProteinResult): Markup[] {
  if (!adapter) return [];
  const { name, rows } = adapter, order = rankAdapted(rows);
  const value = (x: number) => markup`<td>${short(x, true)}</td>`;
  return [
    panel({
      span: 5,
      title: markup`What <b>${name}</b> changes, head by head`,
      body: markup`<div data-figure="adapter-heads"></div>
<div class="beneath">${
        ramp(
          "s",
          "share of attention that goes elsewhere, layers down, heads across",
          "0",
          short(endOf(adapter)),
        )
      }</div>`,
      caption: "With the adapter against without, on the same sequence; adapter.csv has all heads.",
    }),
    panel({
      span: 7,
      title:
        markup`<b>${name}</b> in <b data-text="adapter-head"></b> <span data-text="adapter-measures"></span>`,
      controls:
        markup`<span class="key"><span><i style="--c:var(--site)"></i>site</span><span><i style="--c:var(--blue)"></i>other residue</span></span>`,
      body: frame("adapter-received", "grow"),
      caption:
        markup`Attention that each residue receives, summed over the rows, minus the same without the adapter. adapter_residues.csv has these numbers<span data-text="adapter-unprofiled"></span>.`,
    }),
    panel({
      span: 12,
      title: markup`Heads that <b>${name}</b> changes most <span>— ${
        Math.min(LISTED, rows.length)
      } of ${rows.length}</span>`,
      body: markup`<div class="scroll"><table data-table="adapter"><thead><tr>${
        ["Head", "Change", "Sites’ change", "Impact before", "after", "z before", "after"].map((
          text,
        ) => markup`<th scope="col">${text}</th>`)
      }</tr></thead><tbody>${
        order.slice(0, LISTED).map((row) =>
          markup`
<tr data-item="${rows.indexOf(row)}"><td><button type="button">${nameOf(row)}</button></td>${
            [
              ...[row.change, row.sitesChange, row.before.impact, row.after.impact],
              ...[row.before.z, row.after.z],
            ].map(value)
          }</tr>`
        )
      }</tbody></table></div>`,
    }),
  ];
}

/** The result of an adapter in a sentence. */
export function adapterFinding(adapter: AdapterResult): string {
  const { layer, head, change, median } = adapterFindings(adapter);
  return `The adapter ${adapter.name} changes ${nameOf({ layer, head })} most: ${
    percent(change)
  } of its attention goes elsewhere, against ${percent(median)} in the median head.`;
}

/** What its numbers rest on. */
export const ADAPTER_METHOD =
  "With the adapter against without: the share of a row’s attention that goes elsewhere (total variation), " +
  "mean over residues; there is no null, only the other heads.";
