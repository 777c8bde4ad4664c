/** Which residues touch: contact maps from attention and from the categorical Jacobian. */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import type { CommandGroup } from "../lib/cli/group.ts";
import { runCommand } from "../lib/cli/main.ts";
import { CHANGED } from "../lib/contacts/change.ts";
import { options } from "../lib/contacts/options.ts";
import { runContacts } from "../lib/contacts/run.ts";
import { TABLES } from "../lib/contacts/tables.ts";
import { command as fit } from "./contacts/fit.ts";

const alone = defineCommand({
  ...about("contacts"),
  description:
    "Predicts which residues of a protein are in contact, from attention or from how the logits " +
    "answer to substitutions (the categorical Jacobian), and compares the map with a structure: " +
    "precision of the L, L/2 and L/5 highest pairs at short (6-11), medium (12-23) and long " +
    "(24 and more) range. With --adapter the map is that of the model with it; contacts.csv has the " +
    "model's own beside it, and changed_contacts.csv the pairs that appear or vanish. Without input it runs the human A2A receptor on the embedded model.",
  options,
  examples: [
    { command: "deno task contacts", shows: "the A2A receptor, by the contact head" },
    {
      command: "deno task contacts --structure 1UBQ.pdb --rank-heads",
      shows: "ubiquitin against its structure, and the heads that see its contacts",
    },
    {
      command: "deno task contacts --fasta p.fasta --structure p.cif --chain A --method jacobian",
      shows: "your own protein by the categorical Jacobian",
    },
    {
      command: "deno task contacts --table proteins.csv --method attention --heads 3:1,2:0",
      shows: "many proteins: means over them with bootstrap intervals",
    },
    {
      command: "deno task contacts --adapter my_adapter --structure p.pdb",
      shows: "which contacts fine-tuning made appear or vanish, and which of them are true",
    },
    {
      command: "deno task contacts --structure p.pdb --msa p.a3m --motif",
      shows: "beside a covariance baseline, and which context its contacts need",
    },
  ],
  tables: [...TABLES, CHANGED],
  run: runContacts,
});

export const command: CommandGroup = {
  ...about("contacts"),
  alone: alone as Command,
  commands: [fit] as readonly Command[],
  examples: [],
};

if (import.meta.main) await runCommand(command, Deno.args);
