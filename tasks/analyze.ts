/** Which attention heads look at a protein's sites more than chance allows. */
import { modelOptions } from "../lib/model_options.ts";
import { outputOptions } from "../lib/output_options.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { defineCommand, flag, option, type OptionValues } from "../lib/cli/command.ts";
import type { CommandContext } from "../lib/cli/context.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { EMBEDDED_NOTE, openModel } from "../lib/hub/open_model.ts";
import { writeRows } from "../lib/io/csv.ts";
import { OutputDir } from "../lib/io/output.ts";
import { maxLengthOption, proteinsOptions } from "../lib/protein_options.ts";
import { describeRun, Stopwatch } from "../lib/provenance.ts";
import { renderSiteReport } from "../lib/report/mod.ts";
import { MOST_DRAWN } from "../lib/report/page.ts";
import { analyzeSites, prepareSites } from "../lib/sites/analyze.ts";
import { attentionSink, filePerProtein } from "../lib/sites/attention_file.ts";
import { readInputs } from "../lib/sites/inputs.ts";
import { LEGACY_MODES } from "../lib/sites/legacy.ts";
import { NULL_MODES } from "../lib/sites/null_model.ts";
import { isSensitive, mapsPerProtein, SENSITIVE } from "../lib/sites/score.ts";
import { writeSiteAttention } from "../lib/sites/site_attention.ts";
import { summarise, summariseLegacy } from "../lib/sites/summary.ts";
import {
  analysisJson,
  HEADS_COLUMNS,
  headsRecords,
  LEGACY_COLUMNS,
  legacyRecords,
  proteinText,
  summaryCsv,
  summaryText,
} from "../lib/sites/tables.ts";

const options = {
  ...proteinsOptions,
  fasta: option({
    placeholder: "file",
    parse: parse.path,
    description:
      "the protein from a file, or with --table several; --id names one of several records",
    group: "Input",
  }),
  sites: option({
    placeholder: "list",
    parse: parse.text,
    description: "residues, counted from 1: 85,89 or 85-89; L85,Q89 also checks the letters",
    group: "Input",
  }),
  table: option({
    placeholder: "file",
    parse: parse.path,
    description:
      "many proteins: CSV with columns id, sites, and sequence (or fasta_id with --fasta)",
    group: "Input",
  }),
  siteSet: option({
    placeholder: "name",
    parse: parse.text,
    description: "sites of the built-in example: published, sodium, orthosteric",
    defaultText: "published",
    group: "Input",
  }),
  ...maxLengthOption,
  ...modelOptions,
  threshold: option({
    placeholder: "θ",
    parse: parse.number({ min: 0, max: 1 }),
    default: 0.3,
    description: "attention at or below it is not counted; 0 counts all",
    group: "Analysis",
  }),
  trials: option({
    placeholder: "count",
    parse: parse.positiveInteger(1_000_000),
    default: 1000,
    description: "random site sets to compare with",
    group: "Analysis",
  }),
  null: option({
    placeholder: "kind",
    parse: parse.choice(...NULL_MODES),
    default: "uniform" as const,
    description: "random sets: uniform, or contiguous (the sites' own spacing, moved)",
    group: "Analysis",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of the random sets",
    group: "Analysis",
  }),
  layers: option({
    placeholder: "list",
    parse: parse.integerRanges(),
    description: "layers to analyse, counted from 0: 0-5,7",
    defaultText: "all",
    group: "Analysis",
  }),
  keepSpecials: flag({
    description: "count <cls> and <eos> as rows and columns too",
    group: "Analysis",
  }),
  legacy: option({
    placeholder: "tool",
    parse: parse.choice(...LEGACY_MODES),
    description: "compute as a published tool does, mistakes included: allostery_heads",
    group: "Analysis",
  }),
  ...outputOptions("analyze", "heads.csv, run.json and report.html"),
  saveAttention: flag({
    description: "also write attention.npz, f32[layers, heads, L, L], row = query; " +
      "of all tokens with --keep-specials or --legacy",
    group: "Output",
  }),
  saveSiteAttention: flag({
    description: "also write attention_to_sites.csv: attention to each site in the sensitive heads",
    group: "Output",
  }),
};

export const command = defineCommand({
  name: "analyze",
  summary: "Which attention heads look at a protein's sites more than chance allows",
  description:
    "For every layer and head: the attention that the sites receive, against random site sets of " +
    "the same size. A head is called sensitive if the sites receive more than 1.5 times the mean " +
    "of the random sets (impact) and lie more than 2 standard deviations above it (snr); p is the " +
    "permutation p-value and q its Benjamini-Hochberg adjustment over all heads. " +
    "Without input it runs the human A2A receptor on the embedded model.",
  options,
  examples: [
    { command: "deno task analyze", shows: "the A2A receptor, its four published residues" },
    {
      command: "deno task analyze --site-set sodium --model esm2_t33_650M_UR50D",
      shows: "A2A's allosteric sodium pocket on the 650M model, fetched when missing",
    },
    {
      command: "deno task analyze --fasta data/a2a.fasta --sites L85,Q89,W246 --out results",
      shows: "your own protein; the letters are checked against the sequence",
    },
    {
      command: "deno task analyze --table data/a2a_sites.csv --null contiguous --threshold 0",
      shows: "several site sets at once, all attention, spacing-matched random sets",
    },
    {
      command: "deno task analyze --legacy allostery_heads",
      shows: "the numbers that allostery_heads would print",
    },
  ],
  run,
});

async function run(o: OptionValues<typeof options>, ctx: CommandContext): Promise<void> {
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const { proteins, notes } = await readInputs(o);
  using output = OutputDir.open(o.out, "analyze");
  ctx.onExit(() => output.dispose());

  watch.stage("load model");
  using model = await openModel(o.model, ctx);
  const analysis = {
    threshold: o.threshold,
    trials: o.trials,
    nullMode: o.null,
    seed: o.seed,
    layers: o.layers,
    specials: o.keepSpecials,
    legacy: o.legacy,
    maxLength: o.maxLength,
  };
  // Everything that can be wrong with the input is said before anything else is.
  const { warnings } = prepareSites(model.checkpoint.config, proteins, analysis);
  const opened = await openBackend(o.backend);
  await using backend = opened.backend;
  if (model.embedded) notes.unshift(EMBEDDED_NOTE);
  if (o.legacy) notes.push(LEGACY_NOTE);
  notes.push(...warnings);
  for (const note of notes) ctx.note(note);
  ctx.note(`Running ${model.name} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  await using esm = await Esm2.open(model.checkpoint, backend, { lowMemory: o.lowMemory });

  watch.stage("analyse");
  const progress = ctx.progress({
    label: proteins.length === 1 ? proteins[0].id : `${proteins.length} proteins`,
    unit: "blocks",
    total: 0,
  });
  const files = filePerProtein(output, proteins, "attention.npz");
  const specials = o.keepSpecials || o.legacy !== undefined;
  const { proteins: results, legacy } = await analyzeSites(esm, proteins, {
    ...analysis,
    maps: mapsPerProtein(proteins.slice(0, MOST_DRAWN).map(({ residues }) => residues.length)),
    mapped: MOST_DRAWN,
    saveAttention: o.saveAttention
      ? (protein, layers) => attentionSink(files(protein), esm.config, protein, layers, specials)
      : undefined,
    onProgress: (done, total) => progress.update(done, total),
    signal: ctx.signal,
  });
  progress.finish();

  watch.stage("write");
  const summary = results.length < 2
    ? undefined
    : legacy
    ? summariseLegacy(legacy)
    : summarise(results);
  await writeRows(output.temporaryPath("heads.csv"), HEADS_COLUMNS, results, headsRecords);
  if (summary) await output.write("summary.csv", summaryCsv(summary));
  if (legacy) {
    const path = output.temporaryPath("legacy.csv");
    await writeRows(path, LEGACY_COLUMNS, results, (result, i) => legacyRecords(result, legacy[i]));
  }
  if (o.saveSiteAttention) {
    const pathOf = filePerProtein(output, proteins, "attention_to_sites.csv");
    for (const [i, protein] of proteins.entries()) {
      const heads = legacy
        ? legacy[i].filter(({ selected }) => selected)
        : results[i].rows.filter(isSensitive);
      await writeSiteAttention(pathOf(protein), esm, protein, heads, {
        ...{ specials, legacy: o.legacy, maxLength: o.maxLength, signal: ctx.signal },
      });
    }
  }
  const run = {
    ...await describeRun({ command: "analyze", args: Deno.args, watch, model, opened }),
    options: o,
    proteins: results.map(({ id, residues, sites }) => ({ id, length: residues.length, sites })),
  };
  output.setRecord(run);
  const theta = o.threshold === 0 ? "all attention" : `attention above ${o.threshold}`;
  await output.write(
    "report.html",
    renderSiteReport({
      title: results.length === 1
        ? `Attention to the sites of ${results[0].id}`
        : `Attention to the sites of ${results.length} proteins`,
      subtitle: `${model.name}, ${theta}, ${o.trials} random site sets (${o.null}), seed ${o.seed}`,
      notes,
      proteins: results,
      summary,
      provenance: run,
      thresholds: SENSITIVE,
    }),
  );
  ctx.signal.throwIfAborted();
  const written = output.commit();

  if (o.json) {
    for (const part of analysisJson(run, results, summary, legacy)) ctx.print(part);
    return;
  }
  results.forEach((result, i) => ctx.print(`${i === 0 ? "" : "\n"}${proteinText(result)}`));
  if (summary) ctx.print(`\n${summaryText(summary)}`);
  ctx.note(`\nWrote ${written.join(", ")}`);
}

const LEGACY_NOTE =
  "Legacy mode allostery_heads: sites are looked up one token too early (site i is " +
  "residue i − 1), <cls> and <eos> count as residues, and its p-values (legacy.csv) do not test " +
  "what they seem to. It is for comparison with that tool only.";

if (import.meta.main) await runCommand(command, Deno.args);
