import { isSensitive, ranked, type Thresholds } from "./finding.ts";
import { headColumns } from "../columns.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { short } from "../../report/scale.ts";
import type { HeadRow, ProteinResult } from "../types.ts";

const SHOWN: (keyof HeadRow)[] = [
  ...["layer", "head", "impact", "snr", "z", "pPermutation", "qBh"] as const,
  ...["enrichment", "observed", "exactMean"] as const,
];
const AT_LEAST = 10;
const AT_MOST = 25;

/** The heads that look at the sites most, rounded for reading. */
export function headTable(protein: ProteinResult, thresholds: Thresholds): Markup {
  const sensitive = protein.rows.filter((row) => isSensitive(row, thresholds)).length;
  const rows = ranked(protein.rows, thresholds)
    .slice(0, Math.min(AT_MOST, Math.max(AT_LEAST, sensitive)));
  const columns = SHOWN.map((shown) => headColumns.find(({ key }) => key === shown)!);
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Highest-ranked heads"><table class="numbers">
<thead><tr>${
    columns.map(({ label, meaning }) => markup`<th scope="col" title="${meaning}">${label}</th>`)
  }</tr></thead>
<tbody>${
    rows.map((row) =>
      markup`
<tr${isSensitive(row, thresholds) && markup` class="sensitive"`}>${
        columns.map(({ key }) =>
          markup`<td>${short(row[key], key !== "layer" && key !== "head")}</td>`
        )
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
