/** Which residues touch: contact maps from attention and from the categorical Jacobian. */
import { BACKEND_CHOICES, openBackend } from "../lib/backend/mod.ts";
import { defineCommand, flag, option, type OptionValues } from "../lib/cli/command.ts";
import type { CommandContext } from "../lib/cli/context.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { analyzeContacts, prepareContacts } from "../lib/contacts/analyze.ts";
import { readInputs } from "../lib/contacts/inputs.ts";
import { writeMaps } from "../lib/contacts/map_file.ts";
import { parseHeads } from "../lib/contacts/parse_heads.ts";
import * as tables from "../lib/contacts/tables.ts";
import { CONTACT_ATOMS } from "../lib/contacts/truth.ts";
import { METHODS } from "../lib/contacts/types.ts";
import { Esm2, TRAINED_LENGTH } from "../lib/esm2/mod.ts";
import { EMBEDDED_NOTE, openModel } from "../lib/hub/open_model.ts";
import { OutputDir } from "../lib/io/output.ts";
import { describeRun, Stopwatch } from "../lib/provenance.ts";
import { renderContactReport } from "../lib/report/contacts_report.ts";

const options = {
  fasta: option({
    placeholder: "file",
    parse: parse.path,
    description: "protein sequences; all records, or the one of --id",
    group: "Input",
  }),
  sequence: option({
    placeholder: "letters",
    parse: parse.text,
    description: "one sequence instead of a file",
    group: "Input",
  }),
  id: option({
    placeholder: "name",
    parse: parse.text,
    description: "name of --sequence, or which record of --fasta",
    group: "Input",
  }),
  structure: option({
    placeholder: "file",
    parse: parse.path,
    description: "PDB or mmCIF file to compare with; without a sequence it gives that too",
    group: "Input",
  }),
  chain: option({
    placeholder: "name",
    parse: parse.text,
    description: "chain of --structure",
    defaultText: "the one that fits best",
    group: "Input",
  }),
  truth: option({
    placeholder: "file",
    parse: parse.path,
    description: "true contacts instead: .npz with contacts [L, L], or CSV with columns i, j",
    group: "Input",
  }),
  table: option({
    placeholder: "file",
    parse: parse.path,
    description: "many proteins: CSV with id and sequence, fasta_id, structure, chain, truth, msa",
    group: "Input",
  }),
  contactAtoms: option({
    placeholder: "atom",
    parse: parse.choice(...CONTACT_ATOMS),
    default: "cb" as const,
    description: "distances of Cβ (Cα for glycine) or Cα: cb, ca",
    group: "Input",
  }),
  cutoff: option({
    placeholder: "Å",
    parse: parse.number({ min: 1, max: 100 }),
    default: 8,
    description: "residues nearer than this are in contact",
    group: "Input",
  }),
  model: option({
    placeholder: "name|folder|file",
    parse: parse.path,
    description: "ESM-2 by name (esm2_t6_8M_UR50D …), Hugging Face folder, or fair-esm .pt",
    defaultText: "the small embedded model",
    group: "Model",
  }),
  backend: option({
    placeholder: "name",
    parse: parse.choice(...BACKEND_CHOICES),
    default: "auto" as const,
    description: `where to compute: ${BACKEND_CHOICES.join(", ")}`,
    group: "Model",
  }),
  lowMemory: flag({
    description: "read each block's weights when it runs instead of keeping all",
    group: "Model",
  }),
  method: option({
    placeholder: "name",
    parse: parse.choice(...METHODS),
    default: "head" as const,
    description: "head (ESM-2's contact head), attention (mean of heads), jacobian",
    group: "Prediction",
  }),
  heads: option({
    placeholder: "list",
    parse: parseHeads,
    description: "heads to average with --method attention, layer:head from 0: 5:4,3:1",
    defaultText: "all",
    group: "Prediction",
  }),
  fast: flag({
    description: "--method jacobian with one masked run per residue instead of 19 substitutions",
    group: "Prediction",
  }),
  window: option({
    placeholder: "residues",
    parse: parse.integer({ min: 16, max: 100_000 }),
    default: TRAINED_LENGTH,
    description: "longer proteins run in windows of this length that overlap by half",
    group: "Prediction",
  }),
  msa: option({
    placeholder: "file",
    parse: parse.path,
    description: "alignment (FASTA, A3M) for the baseline: inverse covariance",
    group: "Evaluation",
  }),
  rankHeads: flag({
    description: "also score every head's own map against the true contacts",
    group: "Evaluation",
  }),
  bootstrap: option({
    placeholder: "count",
    parse: parse.positiveInteger(1_000_000),
    default: 1000,
    description: "resamples of the proteins for intervals of means",
    group: "Evaluation",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of resamples and of random positions",
    group: "Evaluation",
  }),
  motif: flag({
    description: "which context a contact needs: unmask around pairs of helices and strands",
    group: "Motif experiment",
  }),
  secondary: option({
    placeholder: "string",
    parse: parse.text,
    description: "secondary structure, one of H, E, - per residue",
    defaultText: "that of the structure",
    group: "Motif experiment",
  }),
  motifPairs: option({
    placeholder: "count",
    parse: parse.positiveInteger(1000),
    default: 3,
    description: "pairs of segments to unmask around, those of most contacts first",
    group: "Motif experiment",
  }),
  motifStep: option({
    placeholder: "residues",
    parse: parse.positiveInteger(100),
    default: 1,
    description: "residues unmasked on each side at a time",
    group: "Motif experiment",
  }),
  motifSeparation: option({
    placeholder: "residues",
    parse: parse.positiveInteger(10_000),
    default: 50,
    description: "least distance of the two segments' centres along the sequence",
    group: "Motif experiment",
  }),
  top: option({
    placeholder: "times L",
    parse: parse.number({ min: 0, max: 100_000 }),
    default: 5,
    description: "pairs in contacts.csv, as a multiple of the length; 0 writes all",
    group: "Output",
  }),
  out: option({
    placeholder: "folder",
    parse: parse.path,
    default: "out",
    description: "where contacts.csv, map.npz, run.json and report.html go",
    group: "Output",
  }),
  json: flag({ description: "print JSON instead of tables", group: "Output" }),
};

export const command = defineCommand({
  name: "contacts",
  summary: "Which residues touch, and how the model knows",
  description:
    "Predicts which residues of a protein are in contact, from attention or from how the logits " +
    "answer to substitutions (the categorical Jacobian), and compares the map with a structure: " +
    "precision of the L, L/2 and L/5 highest pairs at short (6-11), medium (12-23) and long " +
    "(24 and more) range. Without input it runs the human A2A receptor on the embedded model.",
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
      command: "deno task contacts --structure p.pdb --msa p.a3m --motif",
      shows: "beside a covariance baseline, and which context its contacts need",
    },
  ],
  run,
});

async function run(o: OptionValues<typeof options>, ctx: CommandContext): Promise<void> {
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const { proteins, notes } = await readInputs(o);
  using output = OutputDir.open(o.out);
  ctx.onExit(() => output.dispose());

  watch.stage("load model");
  using model = await openModel(o.model, ctx);
  // Everything that can be wrong with the input is said before anything else is.
  const prepared = await prepareContacts(model.checkpoint, proteins, o);
  notes.push(...prepared.notes);
  const opened = await openBackend(o.backend);
  await using backend = opened.backend;
  if (model.embedded) notes.unshift(EMBEDDED_NOTE);
  for (const note of notes) ctx.note(note);
  ctx.note(`Running ${model.name} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  await using esm = await Esm2.open(model.checkpoint, backend, { lowMemory: o.lowMemory });

  watch.stage("analyse");
  const progress = ctx.progress({
    label: proteins.length === 1 ? proteins[0].id : `${proteins.length} proteins`,
    unit: "steps",
    total: 0,
  });
  const analysis = await analyzeContacts(esm, model.checkpoint, prepared, {
    ...o,
    onProgress: (done, total) => progress.update(done, total),
    signal: ctx.signal,
  });
  progress.finish();
  const { results, summary } = analysis;

  watch.stage("write");
  await output.write("contacts.csv", tables.contactsCsv(results, o.method, o.top));
  await writeMaps(output, results);
  if (results.some(({ scores }) => scores)) {
    await output.write("evaluation.csv", tables.evaluationCsv(results, o.method));
  }
  if (o.rankHeads) await output.write("heads.csv", tables.headsCsv(results));
  if (o.motif) await output.write("motif.csv", tables.motifCsv(results));
  if (summary) await output.write("summary.csv", tables.summaryCsv(summary));
  const record = {
    ...await describeRun({ command: "contacts", args: Deno.args, watch, model, opened }),
    options: o,
    proteins: results.map(({ id, residues, truth }) => ({
      id,
      length: residues.length,
      truth: truth?.source,
    })),
  };
  await output.write("run.json", JSON.stringify(record, null, 2) + "\n");
  const title = results.length === 1
    ? `Contacts of ${results[0].id}`
    : `Contacts of ${results.length} proteins`;
  const subtitle = `${model.name}, ${METHOD_PHRASES[o.method]}`;
  await output.write(
    "report.html",
    await renderContactReport({
      title,
      subtitle,
      notes,
      method: o.method,
      results,
      summary,
      provenance: record,
    }),
  );
  ctx.signal.throwIfAborted();
  const written = output.commit();

  if (o.json) return ctx.print(tables.contactsJson(record, results, o.top, { summary }));
  ctx.print(results.map((result) => tables.proteinText(result, o.method)).join("\n\n"));
  if (summary) ctx.print(`\n${tables.summaryText(summary)}`);
  ctx.note(`\nWrote ${written.join(", ")}`);
}

const METHOD_PHRASES = {
  head: "the model's contact head",
  attention: "attention averaged over heads",
  jacobian: "the categorical Jacobian",
} as const;

if (import.meta.main) await runCommand(command, Deno.args);
