/** The `analyze` command: what of it is its own. */
import type { CommandContext } from "../cli/context.ts";
import { UserError } from "../errors.ts";
import { renderSiteReport } from "./report/mod.ts";
import { lineOf, type ProteinLine } from "./report/line.ts";
import { MOST_DRAWN } from "../report/page.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import type { MergedRun } from "../run/merge.ts";
import { type Finished, type Plan, runAnalysis, type RunFlags } from "../run/run.ts";
import {
  prepareSites,
  type ProteinInput,
  type ProteinSites,
  type SiteOptions,
  SiteSurvey,
} from "./analyze.ts";
import {
  ADAPTER,
  ADAPTER_RESIDUES,
  adapterFindings,
  adapterResidueRows,
  adapterRows,
  adapterText,
} from "./adapter_tables.ts";
import { attentionSink, namePerProtein } from "./attention_file.ts";
import { type InputFlags, type Inputs, readInputs } from "./inputs.ts";
import type { LegacyMode } from "./legacy.ts";
import type { NullMode } from "./null_model.ts";
import {
  MUTANT_RESIDUES,
  mutantFindings,
  mutantResidueRows,
  mutantRows,
  MUTANTS,
  mutantsText,
} from "./mutant_tables.ts";
import { isSensitive, mapsPerProtein } from "./score.ts";
import { writeSiteAttention } from "./site_attention.ts";
import { summarise, summariseLegacy } from "./summary.ts";
import type { ProteinResult } from "./types.ts";
import { findingOf, HEADS, LEGACY, proteinText, rowsOf, SUMMARY, summaryText } from "./tables.ts";

export interface AnalyzeFlags extends RunFlags, InputFlags {
  threshold: number;
  trials: number;
  null: NullMode;
  seed: number;
  layers?: readonly number[];
  tokenBudget?: number;
  keepSpecials: boolean;
  legacy?: LegacyMode;
  saveAttention: boolean;
  saveSiteAttention: boolean;
}

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runAnalyze(
  o: AnalyzeFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  if ((o.shard || merged) && (o.saveAttention || o.saveSiteAttention)) {
    throw new UserError(
      `Cannot use --shard with --save-${o.saveAttention ? "" : "site-"}attention as files of ` +
        "attention must be written by a run in one piece",
    );
  }
  if (o.legacy && o.mutant !== undefined) {
    throw new UserError(
      `Cannot use --legacy ${o.legacy} with --mutant as that tool must know mutations: it does not`,
    );
  }
  await runAnalysis<Inputs>(o, ctx, {
    command: "analyze",
    read: () => readInputs(o),
    plan: (inputs, { checkpoint: { config } }) =>
      planSites(o, ctx, inputs, prepareSites(config, inputs.proteins, optionsOf(o)).warnings),
  }, merged);
}

/** Options that decide the numbers. */
const optionsOf = (o: AnalyzeFlags): SiteOptions => ({
  threshold: o.threshold,
  trials: o.trials,
  nullMode: o.null,
  seed: o.seed,
  layers: o.layers,
  specials: o.keepSpecials,
  legacy: o.legacy,
  maxLength: o.maxLength,
  tokenBudget: o.tokenBudget,
});

function planSites(
  o: AnalyzeFlags,
  ctx: CommandContext,
  { proteins }: Inputs,
  warnings: readonly string[],
): Plan {
  const options = optionsOf(o);
  const maps = o.report
    ? mapsPerProtein(proteins.slice(0, MOST_DRAWN).map(({ residues }) => residues.length))
    : 0;
  const specials = o.keepSpecials || o.legacy !== undefined;
  return {
    notes: [...(o.legacy ? [LEGACY_NOTE] : []), ...warnings],
    settings: { options, maps, proteins },
    label: proteins.length === 1 ? proteins[0].id : `${proteins.length} proteins`,
    unit: "blocks",
    resumes: !o.saveAttention,
    async open({ esm, model, output, openBase }) {
      const nameOf = namePerProtein(proteins, "attention.npz");
      const sinkOf = (protein: ProteinInput, layers: readonly number[]) =>
        attentionSink(output.temporaryPath(nameOf(protein)), esm.config, protein, layers, specials);
      const base = await openBase();
      const survey = new SiteSurvey(esm, proteins, {
        ...options,
        ...(base && { before: { model: base, adapter: model.adapter!.adapter.name } }),
        ...{ maps, mapped: MOST_DRAWN, signal: ctx.signal },
        saveAttention: o.saveAttention ? sinkOf : undefined,
      });
      const { batches } = survey;
      const batchOf = new Map(batches.map((batch) => [batch.members, batch]));
      return {
        pieces: batches.map(({ members }) => members),
        weightOf: (piece) => survey.weightOf({ members: piece }),
        compute: (piece, put, tick) =>
          survey.analyze(
            batchOf.get(piece as number[])!,
            (member, found) => put(member, packUnit(found)),
            tick,
          ),
      };
    },
    finish: (finished) => writeResults(o, ctx, proteins, options, finished),
  };
}

async function writeResults(
  o: AnalyzeFlags,
  ctx: CommandContext,
  proteins: readonly ProteinInput[],
  { maxLength }: SiteOptions,
  { read, output, results: tables, provenance, esm, notes, print }: Finished,
): Promise<void> {
  // One protein's finding at a time, read again for each table: of many proteins it is too much to hold. Only
  // those that the page draws have maps, which take longest to read, and are held for it anyway.
  const held: ProteinSites[] = [];
  const found = (p: number) =>
    held[p] ??
      (o.report && p < MOST_DRAWN
        ? held[p] = unpackUnit<ProteinSites>(read(p))
        : unpackUnit<ProteinSites>(read(p)));
  const results = again(proteins, (_, p) => found(p).result);
  const legacy = o.legacy && again(proteins, (_, p) => found(p).legacy!);
  const summary = proteins.length < 2
    ? undefined
    : legacy
    ? summariseLegacy(legacy)
    : summarise(results);
  const hasMutants = proteins.some(({ mutants = [] }) => mutants.length > 0);
  const withMutants = again(proteins, (_, p) => found(p).result, ({ mutants }) => mutants);
  const specials = o.keepSpecials || o.legacy !== undefined;
  const drawn: ProteinResult[] = [], lines: ProteinLine[] = [];
  for (const result of results) {
    if (drawn.length < MOST_DRAWN) drawn.push(result);
    lines.push(lineOf(result));
  }
  const hasAdapter = drawn.some(({ adapter }) => adapter);
  await tables.write(HEADS, each(results, ({ id, rows }) => rowsOf(id, rows)));
  if (summary) await tables.write(SUMMARY, summary);
  if (legacy) {
    const rows = again(proteins, ({ id }, p) => rowsOf(id, found(p).legacy!));
    await tables.write(LEGACY, each(rows, (own) => own));
  }
  if (hasMutants) {
    await tables.write(MUTANTS, each(withMutants, mutantRows));
    await tables.write(
      MUTANT_RESIDUES,
      each(withMutants, (result) => mutantResidueRows(result, o.keepSpecials)),
    );
    provenance.mutants = Array.from(withMutants, (result) => ({
      id: result.id,
      found: mutantFindings(result),
    }));
  }
  if (hasAdapter) {
    await tables.write(ADAPTER, each(results, adapterRows));
    await tables.write(
      ADAPTER_RESIDUES,
      each(results, (result) => adapterResidueRows(result, specials)),
    );
    provenance.adapter = Array.from(
      results,
      ({ id, adapter }) => ({ id, ...adapterFindings(adapter!) }),
    );
  }
  if (o.saveSiteAttention) {
    const nameOf = namePerProtein(proteins, "attention_to_sites");
    for (const [i, protein] of proteins.entries()) {
      const { result, legacy } = found(i);
      const heads = legacy
        ? legacy.filter(({ selected }) => selected)
        : result.rows.filter((row) => isSensitive(row));
      await writeSiteAttention(tables, nameOf(protein), esm!, protein, heads, {
        ...{ specials, legacy: o.legacy, maxLength, signal: ctx.signal },
      });
    }
  }
  provenance.proteins = lines.map(({ id, length, sites }) => ({ id, length, sites }));
  provenance.findings = Array.from(results, findingOf);
  if (o.report) {
    const sets = `${o.trials} random site sets`;
    const options = [
      o.threshold === 0 ? "all attention" : `attention above ${o.threshold}`,
      ...[sets, o.null, `seed ${o.seed}`, ...(o.legacy ? [`legacy ${o.legacy}`] : [])],
      ...(o.mutant === undefined ? [] : [`mutations ${o.mutant}`]),
    ];
    const input = lines.length === 1
      ? `${lines[0].id}, ${lines[0].length} residues`
      : `${lines.length} proteins`;
    const run = { record: provenance, input, options: options.join(", "), files: output.files() };
    const page = renderSiteReport({ notes, proteins: drawn, all: lines, summary, run });
    await output.write("report.html", page);
  }
  let isFirst = true;
  for (const result of results) {
    print(`${isFirst ? "" : "\n"}${proteinText(result)}`);
    isFirst = false;
    if (result.adapter) print(`\n${adapterText(result)}`);
    if (result.mutants) print(`\n${mutantsText(result)}`);
  }
  if (summary) print(`\n${summaryText(summary)}`);
}

/** What `of` makes of each thing, made anew each time it is gone through. */
const again = <T, R>(
  all: readonly T[],
  of: (one: T, index: number) => R,
  wants: (made: R) => unknown = () => true,
): Iterable<R> => ({
  *[Symbol.iterator]() {
    for (const [i, one] of all.entries()) {
      const made = of(one, i);
      if (wants(made)) yield made;
    }
  },
});

/** Rows of one after another. */
function* each<T, Row>(all: Iterable<T>, rows: (one: T) => Iterable<Row>): Generator<Row> {
  for (const one of all) yield* rows(one);
}

const LEGACY_NOTE =
  "Legacy mode allostery_heads: sites are looked up one token too early (site i is " +
  "residue i − 1), <cls> and <eos> count as residues, and its p-values (legacy.csv) do not test " +
  "what they seem to. It is for comparison with that tool only.";
