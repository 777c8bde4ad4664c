/** Which residues touch: contact maps from attention and from the categorical Jacobian. */
import { openBackend } from "../lib/backend/mod.ts";
import type { ContactResult } from "../lib/contacts/types.ts";
import { CsvSink } from "../lib/io/csv.ts";
import { MOST_DRAWN } from "../lib/report/page.ts";
import { defineCommand, type OptionValues } from "../lib/cli/command.ts";
import type { CommandContext } from "../lib/cli/context.ts";
import { runCommand } from "../lib/cli/main.ts";
import { analyzeContacts, prepareContacts } from "../lib/contacts/analyze.ts";
import { readInputs } from "../lib/contacts/inputs.ts";
import { mapWriter } from "../lib/contacts/map_file.ts";
import { options } from "../lib/contacts/options.ts";
import * as tables from "../lib/contacts/tables.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { EMBEDDED_NOTE, openModel } from "../lib/hub/open_model.ts";
import { OutputDir } from "../lib/io/output.ts";
import { describeRun, Stopwatch } from "../lib/provenance.ts";
import { renderContactReport } from "../lib/report/contacts_report.ts";

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
  using output = OutputDir.open(o.out, "contacts");
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
  // Rows and maps are on disk as proteins end; only the proteins that the report draws stay in memory.
  await using rowSink = new CsvSink(
    output.temporaryPath("contacts.csv"),
    tables.contactsColumns(o.method, proteins.some(({ truth }) => truth?.chain)),
  );
  const writeMap = mapWriter(output, proteins);
  const drawn: ContactResult[] = [], texts: string[] = [], contacts: tables.ContactRow[][] = [];
  const onResult = async (result: ContactResult, index: number) => {
    const rows = tables.contactRows(result, o.top);
    await rowSink.write(tables.contactsRecords(result, rows, o.method));
    await writeMap(result, index);
    if (o.json) contacts.push(rows);
    else texts.push(tables.proteinText(result, o.method));
    if (drawn.length < MOST_DRAWN) drawn.push(result);
  };
  const analysis = await analyzeContacts(esm, model.checkpoint, prepared, {
    ...o,
    onResult,
    onProgress: (done, total) => progress.update(done, total),
    signal: ctx.signal,
  });
  progress.finish();
  const { results, summary, motifShares } = analysis;
  for (const note of analysis.notes) ctx.note(note);
  notes.push(...analysis.notes);

  watch.stage("write");
  await rowSink.close();
  if (results.some(({ scores }) => scores)) {
    await output.write("evaluation.csv", tables.evaluationCsv(results, o.method));
  }
  if (o.rankHeads) await output.write("heads.csv", tables.headsCsv(results));
  if (motifShares) {
    await output.write("motif.csv", tables.motifCsv(results));
    await output.write("motif_summary.csv", tables.motifSummaryCsv(motifShares));
  }
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
  output.setRecord(record);
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
      drawn,
      summary,
      motifShares,
      provenance: record,
    }),
  );
  ctx.signal.throwIfAborted();
  const written = output.commit();

  if (o.json) {
    return ctx.print(tables.contactsJson(record, results, contacts, { summary, motifShares }));
  }
  texts.forEach((text, i) => ctx.print(i === 0 ? text : `\n${text}`));
  if (summary) ctx.print(`\n${tables.summaryText(summary)}`);
  if (motifShares && motifShares.length > 0) {
    ctx.print(`\n${tables.motifSummaryText(motifShares)}`);
  }
  ctx.note(`\nWrote ${written.join(", ")}`);
}

const METHOD_PHRASES = {
  head: "the model's contact head",
  attention: "attention averaged over heads",
  jacobian: "the categorical Jacobian",
} as const;

if (import.meta.main) await runCommand(command, Deno.args);
