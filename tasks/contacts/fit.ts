/** Gives a model a contact head. */
import { defineCommand, option, type OptionValues } from "../../lib/cli/command.ts";
import type { CommandContext } from "../../lib/cli/context.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { runFit } from "../../lib/contacts/fit/run.ts";
import { HELD_OUT, WEIGHTS } from "../../lib/contacts/fit/tables.ts";
import { options as contacts } from "../../lib/contacts/options.ts";
import { modelOptions } from "../../lib/model_options.ts";
import { modelDType } from "../../lib/output_options.ts";

const fit = { group: "Fit" };

const options = {
  table: option({
    placeholder: "file",
    parse: parse.path,
    required: true,
    description: "proteins: CSV with id and structure, chain, or sequence and truth",
    group: "Input",
  }),
  contactAtoms: contacts.contactAtoms,
  cutoff: contacts.cutoff,
  ...modelOptions,
  penalty: option({
    ...fit,
    placeholder: "C",
    parse: parse.number({ min: 1e-6, max: 1e6 }),
    default: 0.15,
    description: "weight of the loss against the L1 penalty: smaller leaves fewer heads",
  }),
  separation: option({
    ...fit,
    placeholder: "residues",
    parse: parse.integer({ min: 1, max: 1000 }),
    default: 6,
    description: "pairs at least so far apart are learnt from",
  }),
  folds: option({
    ...fit,
    placeholder: "count",
    parse: parse.integer({ min: 2, max: 1000 }),
    default: 5,
    description: "parts of the proteins, each measured under a head fitted to the others",
  }),
  out: option({
    placeholder: "folder",
    parse: parse.path,
    default: "with-contact-head",
    description: "the model with its head, a card, held_out.csv, weights.csv and run.json",
    group: "Output",
  }),
  dtype: modelDType,
};

export const command = defineCommand({
  name: "fit",
  summary: "Give a model a contact head of its own, fitted to structures",
  description:
    "Fits ESM-2's contact head, a logistic regression with an L1 penalty on the corrected attention of " +
    "every head, to the contacts of structures, measures it on proteins left out, and writes the model " +
    "with it. For models that were trained here, or whose attention training has changed: their own " +
    "head, where they have one, was made for other attention.",
  options,
  examples: [
    {
      command:
        "deno task contacts fit --table structures.csv --model my-model --out my-model-contacts",
      shows: "a head for a model of `deno task mlm`; the table has columns id and structure",
    },
  ],
  tables: [HELD_OUT, WEIGHTS],
  run: (o: OptionValues<typeof options>, ctx: CommandContext) => runFit(o, ctx),
});
