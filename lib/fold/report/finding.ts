/** Folds in a sentence. */
import { fixed, percent } from "../../report/client/numbers.js";
import type { Finding } from "../../report/page.ts";
import { classOf, type FoldResult } from "../result.ts";
import type { ScanRow, SummaryRow } from "../tables.ts";

/** pLDDT from which residues count as placed with confidence. */
const CONFIDENT = 70;

const joined = (...parts: (string | false | undefined)[]) => parts.filter(Boolean).join(" ");

/** What TM-scores mean. */
const SAME =
  "TM-scores above 0.5 are of structures of one fold; those of unrelated proteins are near 0.17 (Xu & Zhang 2010).";

/** What is found of one protein. @param changed what was changed, in words */
export function finding(
  { plain: { trace }, change, truth, scan }: FoldResult,
  { changed, source }: { changed?: string; source?: string } = {},
): Finding {
  const { meanPlddt, ptm, plddt } = trace;
  const sure = plddt.filter((value) => value >= CONFIDENT).length;
  const own =
    `Mean pLDDT is ${fixed(meanPlddt, 1)} (${classOf(meanPlddt).name}), pTM ${fixed(ptm, 2)}; ` +
    `${sure === 0 ? "none" : sure} of ${plddt.length} residues ${
      sure === 1 ? "is" : "are"
    } above ${CONFIDENT}.`;
  const near = truth &&
    `The fold is ${fixed(truth.plain.rmsd, 2)}\u202fÅ RMSD from ${source}: TM-score ${
      fixed(truth.plain.tm, 2)
    }, lDDT ${fixed(truth.plain.lddt, 2)}, of ${truth.plain.count} Cα atoms.`;
  const after = truth?.changed &&
    `After the change it is ${fixed(truth.changed.rmsd, 2)}\u202fÅ from it (TM-score ${
      fixed(truth.changed.tm, 2)
    }).`;
  if (change) {
    const { apart, contacts, fold } = change;
    return {
      answer: `${sentence(changed ?? "")} the fold moves by ${fixed(apart.rmsd, 2)}\u202fÅ RMSD ` +
        `(TM-score ${fixed(apart.tm, 2)}); ${contacts.lost} of ${contacts.contacts} contacts go, ` +
        `${contacts.gained} come.`,
      method: joined(
        `Mean pLDDT goes from ${fixed(meanPlddt, 1)} to ${
          fixed(fold.trace.meanPlddt, 1)
        }, pTM from ${fixed(ptm, 2)} to ${fixed(fold.trace.ptm, 2)}.`,
        near,
        after,
        SAME,
      ),
    };
  }
  if (scan.length > 0) return { answer: scanAnswer(scan), method: joined(own, near, SAME) };
  if (near) return { answer: near, method: joined(own, SAME) };
  return {
    answer: own,
    method:
      "pLDDT and pTM are the model's own guesses of how right it is, and have no say in what is true.",
  };
}

/** "with residue 3 hidden" as the beginning of a sentence. */
const sentence = (changed: string): string =>
  changed.startsWith("with ") ? `W${changed.slice(1)}` : `With ${changed}`;

function scanAnswer(scan: readonly ScanRow[]): string {
  const [first] = scan, name = `${first.layer}:${first.head}`;
  const many = `Of ${scan.length} heads`;
  if (first.contacts === 0) {
    return `${many}, ${name} moves the fold most when it is ablated, by ${
      fixed(first.rmsd, 2)
    }\u202fÅ RMSD; the fold has no contact that could go.`;
  }
  if (first.lost === 0) {
    return `${many}, none costs the fold one of its ${first.contacts} contacts when it is ablated.`;
  }
  return `${many}, ${name} costs the fold most when it is ablated: ${first.lost} of ${first.contacts} contacts ` +
    `(${percent(first.lostShare)}), ${fixed(first.rmsd, 2)}\u202fÅ RMSD.`;
}

/** What is found of several proteins. */
export function findingOverall(rows: readonly SummaryRow[]): Finding {
  const sure = rows.filter(({ plddt }) => plddt >= CONFIDENT).length;
  const values = rows.map(({ plddt }) => plddt).sort((a, b) => a - b);
  return {
    answer: `${sure === 0 ? "None" : sure} of ${rows.length} proteins ${
      sure === 1 ? "has" : "have"
    } a mean pLDDT above ${CONFIDENT}; they lie between ${fixed(values[0], 1)} and ${
      fixed(values.at(-1)!, 1)
    }.`,
    method: rows[0].change && SAME,
  };
}
