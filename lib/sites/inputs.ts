/** From files and flags to proteins with sites. */
import { examples } from "../../data/examples.ts";
import { quote, UserError } from "../errors.ts";
import { displayLetters, type Sequence, tokenize } from "../esm2/mod.ts";
import { contradict, type ProteinFlags, readProtein } from "../proteins/read.ts";
import {
  atRow,
  needed,
  proteinColumns,
  readProteinTable,
  refuseBeside,
  text as textColumn,
} from "../proteins/table.ts";
import { parseSubstitutions } from "../variants/substitutions.ts";
import type { ProteinInput } from "./analyze.ts";
import { parseSites } from "./parse_sites.ts";
import type { Mutant, Site } from "./types.ts";

export interface InputFlags extends ProteinFlags {
  sites?: string;
  table?: string;
  siteSet?: string;
  mutant?: string;
  /** Number of the first residue in sites and mutations. @default 1 */
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

function example({ id, sites, siteSet, offset, mutant }: InputFlags): Inputs {
  if (id !== undefined) {
    throw new UserError("Cannot use --id as --fasta or --sequence must be given with it");
  }
  const { a2a } = examples;
  const names = Object.keys(a2a.siteSets);
  if (sites !== undefined) {
    if (siteSet !== undefined) contradict("--sites", "--site-set");
    return {
      proteins: [{
        ...a2a,
        sites: parseSites(sites, a2a, "--sites", offset),
        ...mutantsOf(mutant, a2a, "--mutant", offset),
      }],
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
    proteins: [{
      ...a2a,
      sites: parseSites(set.sites.join(","), a2a, `site set ${name}`),
      ...mutantsOf(mutant, a2a, "--mutant"),
    }],
    notes: [`Sites of ${a2a.id} (${a2a.description}), set "${name}": ${set.source}`],
  };
}

async function fromSequence(flags: InputFlags, notes: string[]): Promise<ProteinInput> {
  const { sites, mutant, offset } = flags;
  if (flags.siteSet !== undefined) contradict("--site-set", "a sequence of your own");
  if (sites === undefined && mutant === undefined) {
    throw new UserError(
      "Cannot analyse a sequence as its --sites must be given, such as --sites 85,89 or L85,Q89: " +
        "current value is none",
    );
  }
  const protein = (await readProtein(flags, notes))!;
  tokenize(protein, flags);
  const mutants = mutantsOf(mutant, protein, "--mutant", offset);
  notes.push(...offsetNotes(offset));
  if (sites !== undefined) {
    return { ...protein, sites: parseSites(sites, protein, "--sites", offset), ...mutants };
  }
  notes.push("No --sites were given: the mutated residues are the sites.");
  return { ...protein, sites: mutatedSites(mutants.mutants!), ...mutants };
}

/** Mutations as the analysis takes them; nothing where there are none. */
function mutantsOf(
  text: string | undefined,
  { id, residues }: Sequence,
  where: string,
  offset = 1,
): { mutants?: Mutant[] } {
  if (text === undefined) return {};
  const target = { id, residues: displayLetters(residues), offset };
  const mutants = parseSubstitutions(text, target, where).map(({ name, substitutions }) => {
    if (substitutions.length === 1) return { name, ...substitutions[0] };
    throw new UserError(
      `Cannot analyse mutation ${quote(name)} of ${quote(id)} (${where}) as it must change one ` +
        `residue, to be compared with other substitutions there: current count is ` +
        `${substitutions.length}`,
    );
  });
  return { mutants };
}

const mutatedSites = (mutants: readonly Mutant[]): Site[] =>
  [...new Map(mutants.map(({ position, from }) => [position, from]))]
    .sort(([a], [b]) => a - b).map(([residue, letter]) => ({ residue, letter }));

async function fromTable(
  path: string,
  flags: InputFlags,
  notes: string[],
): Promise<ProteinInput[]> {
  refuseBeside(flags, ["sequence", "sites", "id", "siteSet", "mutant"]);
  const columns = { ...proteinColumns, sites: needed, mutant: textColumn };
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
    const mutants = mutantsOf(row.get("mutant"), protein, row.place, flags.offset);
    proteins.push({ ...protein, sites, ...mutants });
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
