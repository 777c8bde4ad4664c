import { isSensitive, ranked, type Thresholds } from "./finding.ts";
import { HEAD_COLUMNS, rowsOf } from "../tables.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { short } from "../../report/scale.ts";
import type { ProteinResult } from "../types.ts";

const SHOWN = [
  ...["layer", "head", "impact", "snr", "z", "p_permutation", "q_bh"],
  ...["enrichment", "observed", "exact_mean"],
];
const AT_LEAST = 10;
const AT_MOST = 25;

/** The heads that look at the sites most, rounded for reading. */
export function headTable(protein: ProteinResult, thresholds: Thresholds): Markup {
  const sensitive = protein.rows.filter((row) => isSensitive(row, thresholds)).length;
  const rows = ranked(protein.rows, thresholds)
    .slice(0, Math.min(AT_MOST, Math.max(AT_LEAST, sensitive)));
  const columns = SHOWN.map((shown) => HEAD_COLUMNS.find(({ name }) => name === shown)!);
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Highest-ranked heads"><table class="numbers">
<thead><tr>${
    columns.map(({ label, meaning }) => markup`<th scope="col" title="${meaning}">${label}</th>`)
  }</tr></thead>
<tbody>${
    rowsOf(protein.id, rows).map((row) =>
      markup`
<tr${isSensitive(row, thresholds) && markup` class="sensitive"`}>${
        columns.map((one) => markup`<td>${short(Number(one.of(row)), one.type === "number")}</td>`)
      }</tr>`
    )
  }
</tbody></table></div>
<dl class="glossary">${
    columns.slice(2).map(({ label, meaning }) =>
      markup`<div><dt>${label}</dt><dd>${meaning}</dd></div>`
    )
  }</dl>
`;
}
