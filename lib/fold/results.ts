/** From finished folds to files, tables and the report. */
import { three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { NpzWriter } from "../io/npz.ts";
import { fileNames } from "../io/output.ts";
import { unpackUnit } from "../run/codec.ts";
import { MOST_DRAWN } from "../report/page.ts";
import type { Finished } from "../run/run.ts";
import { mean } from "../stats/moments.ts";
import { type FoldChains, keptResidues } from "./input.ts";
import { type Job, jobsOf, type Plans } from "./jobs.ts";
import { contactChange, nearness, touching } from "./nearness.ts";
import { chainName, cifText, ownNumbers, pdbText } from "./pdb.ts";
import { renderFoldReport } from "./report/report.ts";
import type { FoldResult, WrittenFold } from "./result.ts";
import { scanRows } from "./scan.ts";
import {
  type ResidueRow,
  residueTable,
  SCAN,
  type ScanRow,
  type SummaryRow,
  summaryTable,
  type TruthRow,
} from "./tables.ts";
import { atomsOf, type FoldUnit, type Trace, traceOf, withoutLinkers } from "./unit.ts";

/** Writes structures and tables protein by protein, then the report. */
export async function writeFolds(
  plans: Plans,
  { report, options, mask }: { report?: boolean; options: string; mask?: readonly number[] },
  { read, output, results, print, notes, provenance }: Finished,
): Promise<void> {
  const { proteins, truth, changed, heads } = plans, ids = proteins.map(({ id }) => id);
  const names = fileNames([...ids, ...(changed ? ids.map((id) => `${id}_changed`) : [])]);
  const jobs = jobsOf(plans);
  const kinds = { changed: changed !== undefined, truth: truth !== undefined };
  const rows: SummaryRow[] = [], scanned: ScanRow[] = [], drawn: FoldResult[] = [];
  {
    await using residues = results.open(residueTable(kinds));
    await using archive = await NpzWriter.create(output.temporaryPath("pae.npz"));
    const write = async (unit: number, name: string): Promise<WrittenFold> => {
      const chains = proteins[jobs[unit].protein], own = unpackUnit<FoldUnit>(read(unit));
      const atoms = atomsOf(chains, own), pae = withoutLinkers(own.pae, chains);
      await output.write(`${name}.pdb`, pdbText(atoms));
      await output.write(`${name}.cif`, cifText(atoms));
      const side = keptResidues(chains).length;
      await archive.add(name, { shape: [side, side], data: pae });
      return { unit: own, trace: traceOf(chains, own), pae };
    };
    for (const [p, chains] of proteins.entries()) {
      const own = [...jobs.keys()].filter((unit) => jobs[unit].protein === p);
      const unitOf = (kind: Job["kind"]) => own.find((unit) => jobs[unit].kind === kind)!;
      const plain = await write(unitOf("plain"), names[p]);
      const after = changed === undefined
        ? undefined
        : await write(unitOf("changed"), names[proteins.length + p]);
      const ablated = own.flatMap((unit) => {
        const job = jobs[unit];
        return job.kind === "head"
          ? [{ head: job.head, trace: unpackUnit<Trace>(read(unit)) }]
          : [];
      });
      const result: FoldResult = {
        ...{ chains, plain, scan: scanRows(chains, plain.trace, ablated) },
        ...(after && { change: changeBy(chains, plain, after) }),
        ...(truth && {
          truth: {
            plain: nearness(plain.trace.alphas, truth.points),
            ...(after && { changed: nearness(after.trace.alphas, truth.points) }),
          },
        }),
      };
      rows.push(summaryRow(result));
      scanned.push(...result.scan);
      for (const row of residueRows(result)) await residues.add(row);
      if (drawn.length < MOST_DRAWN) drawn.push(result);
    }
    await residues.close();
    await archive.close();
  }
  await results.write(summaryTable(kinds), rows);
  if (heads.length > 0) await results.write(SCAN, scanned);
  if (report) {
    const run = {
      ...{ record: provenance, options, files: output.files() },
      input: rows.length === 1
        ? `${rows[0].id}, ${rows[0].length} residues`
        : `${rows.length} proteins`,
    };
    const page = await renderFoldReport({ notes, rows, drawn, truth, changed, mask, run });
    await output.write("report.html", page);
  }
  print(summaryText(rows));
  if (heads.length > 0) print(`\n${scanTableText(scanned)}`);
}

/** What a change does. */
function changeBy(
  chains: FoldChains,
  { trace }: WrittenFold,
  fold: WrittenFold,
): NonNullable<FoldResult["change"]> {
  const places = keptResidues(chains).map((residue) => chains.places[residue]);
  return {
    fold,
    apart: nearness(fold.trace.alphas, trace.alphas),
    contacts: contactChange(touching(trace.betas, places), touching(fold.trace.betas, places)),
  };
}

function summaryRow({ chains, plain: { trace, pae }, change, truth }: FoldResult): SummaryRow {
  const held = ({ rmsd, tm, lddt }: TruthRow): TruthRow => ({ rmsd, tm, lddt });
  return {
    ...{ id: chains.id, chains: chains.chains.at(-1)! + 1, length: keptResidues(chains).length },
    ...{ plddt: trace.meanPlddt, ptm: trace.ptm, meanPae: mean(pae) },
    seconds: trace.seconds + (change?.fold.trace.seconds ?? 0),
    ...(change && {
      change: {
        ...{ plddt: change.fold.trace.meanPlddt, ptm: change.fold.trace.ptm },
        ...{ rmsd: change.apart.rmsd, tm: change.apart.tm, ...change.contacts },
      },
    }),
    ...(truth && {
      truth: {
        ...{ residues: truth.plain.count, ...held(truth.plain) },
        ...(truth.changed && { changed: held(truth.changed) }),
      },
    }),
  };
}

function residueRows({ chains, plain, change, truth }: FoldResult): ResidueRow[] {
  const numbers = ownNumbers({ chains });
  return keptResidues(chains).map((residue, n) => ({
    ...{ id: chains.id, chain: chainName(chains.chains[residue]), position: numbers[residue] },
    ...{ letter: chains.letters[residue], plddt: plain.trace.plddt[n] },
    ...(change && { changed: change.fold.trace.plddt[n] }),
    ...(truth && { lddt: truth.plain.residueLddt[n] }),
  }));
}

function summaryText(rows: readonly SummaryRow[]): string {
  const [{ change, truth }] = rows;
  const head = ["protein", "residues", "pLDDT", "pTM", "PAE, Å"];
  if (change) head.push("pLDDT changed", "RMSD, Å", "TM", "contacts lost");
  if (truth) head.push("RMSD to truth, Å", "TM to truth", "lDDT");
  return formatTable(
    head.map((header) => ({ header })),
    rows.map(({ id, length, plddt, ptm, meanPae, change, truth }) => [
      ...[id, String(length), three(plddt), three(ptm), three(meanPae)],
      ...(change
        ? [
          ...[three(change.plddt), three(change.rmsd), three(change.tm)],
          `${change.lost} of ${change.contacts}`,
        ]
        : []),
      ...(truth ? [three(truth.rmsd), three(truth.tm), three(truth.lddt)] : []),
    ]),
  );
}

/** Heads that a terminal shows. */
const MOST_SHOWN = 10;

function scanTableText(rows: readonly ScanRow[]): string {
  return formatTable(
    ["protein", "head", "contacts lost", "RMSD, Å", "TM", "pLDDT change"].map((header) => ({
      header,
    })),
    rows.filter(({ rank }) => rank <= MOST_SHOWN).slice(0, 3 * MOST_SHOWN).map((row) => [
      ...[row.id, `${row.layer}:${row.head}`, `${row.lost} of ${row.contacts}`],
      ...[three(row.rmsd), three(row.tm), three(row.plddtChange)],
    ]),
  );
}
