/** The options by which commands are given proteins, mutations' numbering, and assays. */
import { option } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";
import { TRAINED_LENGTH } from "../esm2/mod.ts";
import { GAP_CHOICES, type GapChoice } from "./gaps.ts";

const sequence = (description: string) =>
  option({ placeholder: "letters", parse: parse.text, description, group: "Input" });
const fasta = (description: string) =>
  option({ placeholder: "file", parse: parse.path, description, group: "Input" });
const id = option({
  placeholder: "name",
  parse: parse.text,
  description: "name of --sequence, or which record of --fasta, by id, accession or entry name",
  group: "Input",
});

const offset = (where: string) =>
  option({
    placeholder: "number",
    parse: parse.integer({ min: -100_000, max: 1_000_000 }),
    default: 1,
    description: `number of the sequence's first residue in ${where}`,
    group: "Input",
  });

/** What the gaps of an alignment are. */
const gaps = option({
  placeholder: "choice",
  parse: parse.choice(...GAP_CHOICES),
  default: "remove" as GapChoice,
  description: "gaps (- and .) of a sequence: remove, or keep as tokens and number them",
  group: "Input",
});

/** The numbering of sites. */
export const siteOffsetOption = { offset: offset("the sites") };

/** One protein or several. */
export const proteinsOptions = {
  fasta: fasta("protein sequences; all records, or the one of --id"),
  sequence: sequence("one sequence instead of a file"),
  id,
  gaps,
};

/** The one protein that mutations are of. */
export const targetOptions = {
  sequence: sequence("the protein itself"),
  fasta: fasta("the protein from a file"),
  id,
  offset: offset("the mutations"),
};

/** Many proteins with their mutations. */
export const mutationTableOption = option({
  placeholder: "file",
  parse: parse.path,
  description: "many proteins: CSV with columns among assay, fasta, sequence, id, mutations, " +
    "offset, reference; paths start at its folder",
  group: "Input",
});

export const maxLengthOption = {
  maxLength: option({
    placeholder: "residues",
    parse: parse.positiveInteger(100_000),
    default: TRAINED_LENGTH,
    description: `longest sequence accepted; ESM-2 was trained on ${TRAINED_LENGTH}`,
    group: "Input",
  }),
};

/** Column names of ProteinGym's assays. */
export const PROTEINGYM_COLUMNS = {
  mutantColumn: "mutant",
  sequenceColumn: "mutated_sequence",
  measuredColumn: "DMS_score",
  functionalColumn: "DMS_score_bin",
} as const;

const column = (name: string, description: string) =>
  option({ placeholder: "name", parse: parse.text, default: name, description, group: "Assay" });

/** Where an assay has what. */
export const assayOptions = {
  mutantColumn: column(PROTEINGYM_COLUMNS.mutantColumn, "column of the mutations"),
  sequenceColumn: column(PROTEINGYM_COLUMNS.sequenceColumn, "column of the mutated sequence"),
  measuredColumn: column(PROTEINGYM_COLUMNS.measuredColumn, "column of the measured value"),
  reference: option({
    placeholder: "file",
    parse: parse.path,
    description: "ProteinGym's DMS_substitutions.csv: targets and cutoffs of its assays",
    group: "Assay",
  }),
};
