/** Tables of folded proteins. */
import { columnsOf, type TableOf } from "../io/columns.ts";

/** Which columns a run has. */
export interface TableKinds {
  /** Whether proteins are folded before and after a change of the language model's pass. */
  changed: boolean;
  /** Whether there is a true structure. */
  truth: boolean;
}

const CHANGED = { when: "with --mask, --ablate-heads, --steer or --adapter" };
const TRUTH = { when: "with --truth" };
const BOTH = { when: "with --truth and a change" };
const ANGSTROM = { unit: "Å" };

/** How near a structure is to the true one. */
export interface TruthRow {
  readonly rmsd: number;
  readonly tm: number;
  readonly lddt: number;
}

/** A protein. */
export interface SummaryRow {
  readonly id: string;
  readonly chains: number;
  readonly length: number;
  readonly plddt: number;
  readonly ptm: number;
  readonly meanPae: number;
  readonly seconds: number;
  readonly change?: {
    readonly plddt: number;
    readonly ptm: number;
    readonly rmsd: number;
    readonly tm: number;
    readonly contacts: number;
    readonly lost: number;
    readonly gained: number;
  };
  readonly truth?: TruthRow & { readonly residues: number; readonly changed?: TruthRow };
}

/** summary.csv */
export function summaryTable({ changed, truth }: TableKinds): TableOf<SummaryRow> {
  const { text, integer, number } = columnsOf<SummaryRow>();
  const change = (of: (one: NonNullable<SummaryRow["change"]>) => number) => (row: SummaryRow) =>
    of(row.change!);
  return {
    name: "summary",
    rows: "one row per protein",
    columns: [
      text("protein", "its id", "id"),
      integer("chains", "chains that were folded together", "chains"),
      integer("length", "residues of all chains", "length"),
      number("mean_plddt", "mean pLDDT of all atoms, 0 to 100, as fair-esm has it", "plddt"),
      number("ptm", "predicted TM-score, linkers between chains included", "ptm"),
      number("mean_pae", "mean predicted aligned error of pairs of residues", "meanPae", ANGSTROM),
      number("seconds", "time it took, both folds where there are two", "seconds"),
      ...(changed
        ? [
          number(
            "mean_plddt_changed",
            "mean_plddt of the changed fold",
            change((c) => c.plddt),
            CHANGED,
          ),
          number("ptm_changed", "ptm of the changed fold", change((c) => c.ptm), CHANGED),
          number(
            "rmsd_changed",
            "of Cα atoms of the two folds, superposed with the least of it",
            change((c) => c.rmsd),
            { ...CHANGED, ...ANGSTROM },
          ),
          number(
            "tm_changed",
            "TM-score of the changed fold against the plain one, Cα, divided by the residues with one",
            change((c) => c.tm),
            CHANGED,
          ),
          integer(
            "contacts",
            "pairs at least 6 apart whose Cβ (Cα of glycine) are nearer than 8 Å in the plain fold",
            change((c) => c.contacts),
            CHANGED,
          ),
          integer(
            "contacts_lost",
            "of them not in the changed fold",
            change((c) => c.lost),
            CHANGED,
          ),
          integer("contacts_gained", "only in the changed fold", change((c) => c.gained), CHANGED),
        ]
        : []),
      ...(truth
        ? [
          integer(
            "truth_residues",
            "residues that have a Cα in the fold and in the true structure",
            (row) => row.truth!.residues,
            TRUTH,
          ),
          number(
            "rmsd",
            "of Cα atoms, superposed on the true ones with the least of it (Kearsley 1989)",
            (row) => row.truth!.rmsd,
            { ...TRUTH, ...ANGSTROM },
          ),
          number(
            "tm",
            "TM-score of Cα atoms (Zhang & Skolnick 2004), divided by truth_residues",
            (row) => row.truth!.tm,
            TRUTH,
          ),
          number(
            "lddt",
            "lDDT of Cα atoms, 0 to 1 (Mariani et al. 2013), pairs nearer than 15 Å in the true structure",
            (row) => row.truth!.lddt,
            TRUTH,
          ),
        ]
        : []),
      ...(truth && changed
        ? [
          number("rmsd_of_changed", "rmsd of the changed fold", (row) => row.truth!.changed!.rmsd, {
            ...BOTH,
            ...ANGSTROM,
          }),
          number("tm_of_changed", "tm of the changed fold", (row) => row.truth!.changed!.tm, BOTH),
          number("lddt_of_changed", "lddt of the changed fold", (row) =>
            row.truth!.changed!.lddt, BOTH),
        ]
        : []),
    ],
  };
}

/** A residue. */
export interface ResidueRow {
  readonly id: string;
  readonly chain: string;
  readonly position: number;
  readonly letter: string;
  readonly plddt: number;
  readonly changed?: number;
  /** NaN where the true structure has it not. */
  readonly lddt?: number;
}

/** plddt.csv */
export function residueTable({ changed, truth }: TableKinds): TableOf<ResidueRow> {
  const { text, integer, number } = columnsOf<ResidueRow>();
  return {
    name: "plddt",
    rows: "one row per residue",
    columns: [
      text("protein", "its id", "id"),
      text("chain", "A for the first", "chain"),
      integer("position", "numbered from 1 in its chain", "position"),
      text("letter", "as folded: X for what is none of the twenty", "letter"),
      number("plddt", "pLDDT of its Cα, 0 to 100", "plddt"),
      ...(changed
        ? [
          number("plddt_changed", "the same in the changed fold", "changed", CHANGED),
          number(
            "plddt_change",
            "plddt_changed − plddt",
            (row) => row.changed! - row.plddt,
            CHANGED,
          ),
        ]
        : []),
      ...(truth
        ? [
          number(
            "lddt",
            "lDDT of its Cα against the true structure, 0 to 1; empty where that has none",
            (row) => Number.isNaN(row.lddt!) ? null : row.lddt!,
            TRUTH,
          ),
        ]
        : []),
    ],
  };
}

/** A head that was ablated. */
export interface ScanRow {
  readonly id: string;
  readonly rank: number;
  readonly layer: number;
  readonly head: number;
  readonly contacts: number;
  readonly lost: number;
  readonly gained: number;
  /** NaN where the unchanged fold has no contact. */
  readonly lostShare: number;
  readonly rmsd: number;
  readonly tm: number;
  readonly plddtChange: number;
  readonly ptmChange: number;
}

const scan = columnsOf<ScanRow>();

/** scan.csv */
export const SCAN: TableOf<ScanRow> = {
  name: "scan",
  rows: "one row per head that was ablated, of each protein those that cost most contacts first",
  when: "with --scan heads",
  columns: [
    scan.text("protein", "its id", "id"),
    scan.integer(
      "rank",
      "1 for the head whose ablation loses most contacts, then moves most",
      "rank",
    ),
    scan.integer("layer", "from 0", "layer"),
    scan.integer("head", "from 0", "head"),
    scan.integer(
      "contacts",
      "pairs at least 6 apart whose Cβ (Cα of glycine) are nearer than 8 Å in the unchanged fold",
      "contacts",
    ),
    scan.integer("contacts_lost", "of them not in the fold without the head", "lost"),
    scan.integer("contacts_gained", "only in the fold without the head", "gained"),
    scan.number(
      "lost_share",
      "contacts_lost of contacts; empty where there is none",
      (row) => Number.isNaN(row.lostShare) ? null : row.lostShare,
    ),
    scan.number("rmsd", "of Cα atoms of the two folds, superposed", "rmsd", ANGSTROM),
    scan.number("tm", "TM-score of the fold without the head against the unchanged one", "tm"),
    scan.number(
      "plddt_change",
      "mean pLDDT without the head, less that of the unchanged fold",
      "plddtChange",
    ),
    scan.number("ptm_change", "the same of pTM", "ptmChange"),
  ],
};
