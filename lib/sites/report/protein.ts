import { attentionMap } from "./attention_map.ts";
import { finding, isSensitive, ranked, type Thresholds } from "./finding.ts";
import { headTable } from "./head_table.ts";
import { headFacts, proteinHeads } from "./heads.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { sequenceStrip } from "./sequence.ts";
import type { ProteinResult } from "../types.ts";

/** Everything about one protein; the page's header has the finding when there is only one. */
export function proteinSection(
  protein: ProteinResult,
  i: number,
  thresholds: Thresholds,
  withFinding: boolean,
): Markup {
  const { id, residues, sites, layers, heads, rows, maps } = protein;
  const sitesText = `${sites.length} site${sites.length === 1 ? "" : "s"}`;
  return markup`<section class="protein" id="protein-${i + 1}">
<h2>${id}</h2>
<p class="facts">${residues.length} residues · ${sitesText} · ${layers.length} layer${
    layers.length === 1 ? "" : "s"
  } × ${heads} heads, both numbered from 0</p>
${
    withFinding && markup`<p class="finding">${finding(protein, thresholds)}</p>
`
  }<h3>Sequence and sites</h3>
${sequenceStrip(residues, sites)}<h3>Every head</h3>
${proteinHeads(protein, thresholds)}<h3>Highest-ranked heads</h3>
<p class="hint">Heads above both thresholds first, then by z. Rounded; heads.csv has every digit.</p>
${headTable(protein, thresholds)}${
    maps.length > 0 && markup`<h3>Attention maps of the highest-ranked heads</h3>
${
      maps.map((map) => {
        const row = rows.find(({ layer, head }) => layer === map.layer && head === map.head);
        return attentionMap(map, protein, headFacts(row));
      })
    }`
  }</section>
`;
}

/** One line per protein, linking to its section. */
export function overview(
  proteins: readonly ProteinResult[],
  drawn: number,
  thresholds: Thresholds,
): Markup {
  const rows = proteins.map((protein, i) => {
    const sensitive = protein.rows.filter((row) => isSensitive(row, thresholds)).length;
    const best = ranked(protein.rows, thresholds)[0];
    return markup`
<tr><td>${
      i < drawn ? markup`<a href="#protein-${i + 1}">${protein.id}</a>` : protein.id
    }</td><td>${protein.residues.length}</td><td>${protein.sites.length}</td><td>${sensitive} of ${protein.rows.length}</td><td>${
      best && markup`layer ${best.layer}, head ${best.head}: ${headFacts(best)}`
    }</td></tr>`;
  });
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Proteins"><table class="overview"><thead><tr><th scope="col">Protein</th><th scope="col">Residues</th><th scope="col">Sites</th><th scope="col">Heads above both thresholds</th><th scope="col">Highest head</th></tr></thead>
<tbody>${rows}
</tbody></table></div>
`;
}
