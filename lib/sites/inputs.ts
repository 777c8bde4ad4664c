/** From files and flags to proteins with sites. */
import { examples } from "../../data/examples.ts";
import { quote, UserError } from "../errors.ts";
import { tokenize } from "../esm2/mod.ts";
import { contradict, type ProteinFlags, readProtein } from "../proteins/read.ts";
import {
  atRow,
  needed,
  proteinColumns,
  readProteinTable,
  refuseBeside,
} from "../proteins/table.ts";
import type { ProteinInput } from "./analyze.ts";
import { parseSites } from "./parse_sites.ts";

export interface InputFlags extends ProteinFlags {
  sites?: string;
  table?: string;
  siteSet?: string;
  /** Number of the first residue in the sites. @default 1 */
  offset?: number;
  maxLength: number;
}

export interface Inputs {
  proteins: ProteinInput[];
  /** What a reader of the results should know of the inputs. */
  notes: string[];
}

/**
 * Proteins to analyse: those of a table, else one sequence with its sites, else the A2A example.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function readInputs(flags: InputFlags): Promise<Inputs> {
  const notes: string[] = [];
  if (flags.table !== undefined) {
    return { proteins: await fromTable(flags.table, flags, notes), notes };
  }
  if (flags.fasta !== undefined || flags.sequence !== undefined) {
    return { proteins: [await fromSequence(flags, notes)], notes };
  }
  return example(flags);
}

function example({ id, sites, siteSet, offset }: InputFlags): Inputs {
  if (id !== undefined) {
    throw new UserError("Cannot use --id as --fasta or --sequence must be given with it");
  }
  const { a2a } = examples;
  const names = Object.keys(a2a.siteSets);
  if (sites !== undefined) {
    if (siteSet !== undefined) contradict("--sites", "--site-set");
    return {
      proteins: [{ ...a2a, sites: parseSites(sites, a2a, "--sites", offset) }],
      notes: [
        ...offsetNotes(offset),
        `No sequence was given: the sites are those of ${a2a.id}, ${a2a.description}.`,
      ],
    };
  }
  if (offset !== undefined && offset !== 1) {
    throw new UserError("Cannot use --offset as --sites must be given with it");
  }
  const name = siteSet ?? "published";
  const set = a2a.siteSets[name];
  if (!set) {
    throw new UserError(
      `Cannot use --site-set as it must be one of ${names.join(", ")}: current value is ${
        quote(name)
      }`,
    );
  }
  return {
    proteins: [{ ...a2a, sites: parseSites(set.sites.join(","), a2a, `site set ${name}`) }],
    notes: [`Sites of ${a2a.id} (${a2a.description}), set "${name}": ${set.source}`],
  };
}

async function fromSequence(flags: InputFlags, notes: string[]): Promise<ProteinInput> {
  const { sites } = flags;
  if (flags.siteSet !== undefined) contradict("--site-set", "a sequence of your own");
  if (sites === undefined) {
    throw new UserError(
      "Cannot analyse a sequence as its --sites must be given, such as --sites 85,89 or L85,Q89: " +
        "current value is none",
    );
  }
  const protein = (await readProtein(flags, notes))!;
  tokenize(protein, flags);
  notes.push(...offsetNotes(flags.offset));
  return { ...protein, sites: parseSites(sites, protein, "--sites", flags.offset) };
}

async function fromTable(
  path: string,
  flags: InputFlags,
  notes: string[],
): Promise<ProteinInput[]> {
  refuseBeside(flags, ["sequence", "sites", "id", "siteSet"]);
  const columns = { ...proteinColumns, sites: needed };
  const rows = await readProteinTable(path, columns, flags, notes);
  notes.push(...offsetNotes(flags.offset));
  const proteins: ProteinInput[] = [];
  for (const { id, row, protein } of rows) {
    if (!protein) {
      throw new UserError(
        `Cannot read ${row.place} as it must have a sequence in column "sequence", or --fasta ` +
          `its record: current value is ${quote(row.get("fasta_id") ?? id)}`,
      );
    }
    await atRow(row.place, Object.keys(columns), () => tokenize(protein, flags));
    const sites = parseSites(row.get("sites") ?? "", protein, row.place, flags.offset);
    proteins.push({ ...protein, sites });
  }
  return proteins;
}

/** That the numbers of the results are not those of the sites. */
function offsetNotes(offset = 1): string[] {
  if (offset === 1) return [];
  return [
    `Sites are numbered from ${offset}; results number residues from 1: ${offset} is 1 there.`,
  ];
}
