/** The result in a sentence. */
import type { Finding } from "../../report/page.ts";
import { short } from "../../report/scale.ts";
import { isSensitive, rankHeads, SENSITIVE } from "../score.ts";
import type { HeadRow, HeadSummary, ProteinResult } from "../types.ts";
import { ADAPTER_METHOD, adapterFinding } from "./adapter_panels.ts";
import { isDiscovery, type ProteinLine } from "./line.ts";
import { mutantFinding, mutantMethod } from "./mutant_panels.ts";
import { count, nameOf } from "./names.ts";

/** The rule that calls a head sensitive. */
export const RULE = `impact > ${SENSITIVE.impact}, snr > ${SENSITIVE.snr}`;

/** What the analysis found for a protein, with what chance gives; no claim beyond q. */
export function finding(protein: ProteinResult): Finding {
  const { rows, sites, calledByChance } = protein;
  const sensitive = rows.filter(isSensitive), found = rows.filter(isDiscovery);
  const whom = sites.length === 1 ? "the site" : `the ${sites.length} sites`;
  const than = sites.length === 1 ? "a random residue" : "random residues";
  const who = sensitive.length === 0
    ? `No head looks at ${whom} clearly more than at ${than}`
    : `${sensitive.length} of ${count(rows.length, "head")} ` +
      `look${sensitive.length === 1 ? "s" : ""} at ${whom} more than at ${than}`;
  const after = `after correction for ${count(rows.length, "test")}`;
  const [first] = rankHeads(found);
  const stays = found.length === 0
    ? sensitive.length === 0 ? "" : `; ${after} none remains`
    : found.length === 1
    ? `; ${after} one ${sensitive.length === 0 ? "does" : "remains"}, ${nameOf(first)}`
    : `; ${after} ${found.length} ${sensitive.length === 0 ? "do" : "remain"}`;
  const [mutant] = protein.mutants ?? [], { adapter } = protein;
  const answer = [
    ...(adapter ? [adapterFinding(adapter)] : []),
    `${who}${stays}.`,
    ...(mutant ? [mutantFinding(mutant)] : []),
  ].join(" ");
  const told = [
    ...(adapter ? [ADAPTER_METHOD] : []),
    method(protein, first, calledByChance),
    ...(mutant ? [mutantMethod(mutant)] : []),
  ];
  return { answer, method: told.join(" ") };
}

function method({ rows, sites }: ProteinResult, first: HeadRow | undefined, chance: number) {
  const [best] = rankHeads(rows);
  const told = first ?? best;
  const silent = rows.filter(({ impact }) => Number.isNaN(impact)).length;
  return [
    told && Number.isFinite(told.impact) &&
    `The sites get ${told.impact.toFixed(1)} times the attention of random residues in ${
      nameOf(told)
    } (q ${short(told.qBh)}).`,
    `Sensitive: ${RULE}; the rule calls ${chance.toFixed(1)} heads for ` +
    `${sites.length === 1 ? "a random residue" : `${sites.length} random residues`} on average.`,
    silent > 0 &&
    `For ${count(silent, "head")} the impact is undefined: no attention above the threshold goes ` +
      "to the sites or to other residues.",
  ].filter(Boolean).join(" ");
}

/** What was found over several proteins. */
export function findingOverall(
  proteins: readonly ProteinLine[],
  summary: readonly HeadSummary[],
): Finding {
  const withHeads = proteins.filter(({ hasDiscovery }) => hasDiscovery).length;
  const chance = proteins.reduce((sum, { calledByChance }) => sum + calledByChance, 0);
  const called = proteins.reduce((sum, { sensitive }) => sum + sensitive, 0);
  const high = summary.filter(({ impactMean }) => impactMean > SENSITIVE.impact);
  const who = withHeads === 0 ? "In none" : `In ${withHeads}`;
  return {
    answer:
      `${who} of ${count(proteins.length, "protein")} a head looks at the sites more than at ` +
      "random residues, after correction for all heads.",
    method: `Sensitive (${RULE}): ${called} heads of all proteins, where chance gives ` +
      `${chance.toFixed(1)}. ${
        high.length === 0
          ? "No head has"
          : high.length === 1
          ? "1 head has"
          : `${high.length} heads have`
      } a mean impact above ${SENSITIVE.impact}.`,
  };
}
