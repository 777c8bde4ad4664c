/** The `contacts` command: what of it is its own. */
import { createHash } from "node:crypto";
import type { CommandContext } from "../cli/context.ts";
import { renderContactReport } from "./report/report.ts";
import { MOST_DRAWN } from "../report/page.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import type { MergedRun } from "../run/merge.ts";
import { type Finished, runAnalysis, type RunFlags } from "../run/run.ts";
import {
  type ContactOptions,
  ContactSurvey,
  type ContactUnit,
  prepareContacts,
  type PreparedProtein,
  resultOf,
  summariseContacts,
} from "./analyze.ts";
import { type ContactFlags as InputFlags, type Inputs, readInputs } from "./inputs.ts";
import { CHANGED, changedPairs, changedRows, changeText } from "./change.ts";
import { mapWriter } from "./map_file.ts";
import * as tables from "./tables.ts";
import { type ContactRecord, type ContactResult, recordOf } from "./types.ts";

export interface ContactFlags extends RunFlags, InputFlags, ContactOptions {
  top: number;
}

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runContacts(
  o: ContactFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  await runAnalysis<Inputs>(o, ctx, {
    command: "contacts",
    read: () => readInputs(o),
    async plan({ proteins: inputs }, { checkpoint, adapter }) {
      const { proteins, notes } = await prepareContacts(checkpoint, inputs, o);
      return {
        notes,
        settings: { options: settingsOf(o), proteins: proteins.map(describe) },
        ...(o.method === "jacobian" && { prepack: { tokens: jacobianTokens(proteins, o) } }),
        label: proteins.length === 1 ? proteins[0].id : `${proteins.length} proteins`,
        unit: "steps",
        async open({ esm, stack, openBase }) {
          const options = { ...o, signal: ctx.signal };
          const base = await openBase();
          const survey = await ContactSurvey.create(
            ...[esm, checkpoint, options, stack] as const,
            base && { model: base, checkpoint: adapter!.base },
          );
          return {
            pieces: proteins.map((_, p) => [p]),
            weightOf: ([p]) => survey.work(proteins[p]),
            async compute([p], put, tick) {
              put(p, packUnit(await survey.predict(proteins[p], tick)));
            },
          };
        },
        finish: (finished) => writeResults(o, ctx, proteins, finished, adapter?.adapter.name),
      };
    },
  }, merged);
}

/** Tokens of all runs of Jacobians; context needs more of them. */
const jacobianTokens = (proteins: readonly PreparedProtein[], { fast }: ContactOptions) =>
  proteins.reduce((sum, { residues: { length } }) => sum + (fast ? 1 : 19) * length ** 2, 0);

/** Options that decide what is computed of a protein. */
const settingsOf = (o: ContactOptions) => ({
  ...{ method: o.method, heads: o.heads, fast: o.fast, window: o.window, rankHeads: o.rankHeads },
  ...{ motif: o.motif, motifPairs: o.motifPairs, motifSegments: o.motifSegments },
  ...{ motifPairContacts: o.motifPairContacts, motifSegmentContacts: o.motifSegmentContacts },
  tokenBudget: o.tokenBudget,
  ...{ motifStep: o.motifStep, motifSeparation: o.motifSeparation, seed: o.seed },
});

/** What identifies a protein and what is known of it. */
function describe({ id, residues, truth, msa, secondary }: PreparedProtein) {
  const hash = createHash("sha256");
  if (truth) hash.update(truth.contacts).update(truth.known);
  if (msa) hash.update(JSON.stringify(msa));
  return { id, residues, secondary, known: truth || msa ? hash.digest("hex") : undefined };
}

/** Rows and maps protein by protein; only those that the report draws stay in memory. */
async function writeResults(
  o: ContactFlags,
  { signal, note }: CommandContext,
  proteins: readonly PreparedProtein[],
  { read, output, results: written, provenance, notes, print }: Finished,
  adapter: string | undefined,
): Promise<void> {
  const drawn: ContactResult[] = [];
  const results: ContactRecord[] = [];
  const changed: ReturnType<typeof changedRows> = [];
  const writeMap = mapWriter(output, proteins);
  {
    const hasStructure = proteins.some(({ truth }) => truth?.chain);
    const table = tables.contactsTable(o.method, hasStructure, adapter !== undefined);
    await using sink = written.open(table);
    for (const [p, protein] of proteins.entries()) {
      signal.throwIfAborted();
      const { result, notes: own } = resultOf(protein, unpackUnit<ContactUnit>(read(p)), adapter);
      const rows = tables.contactRows(result, o.top);
      await sink.write(tables.pairsOf(result, rows));
      await writeMap(result, p);
      print(`${p === 0 ? "" : "\n"}${tables.proteinText(result, o.method)}`);
      if (result.before) {
        const pairs = changedPairs(result, o.method);
        changed.push(...changedRows(result, pairs));
        print(`\n${changeText(result.before.adapter, pairs, o.method)}`);
      }
      if (drawn.length < MOST_DRAWN) drawn.push(result);
      results.push(recordOf(result));
      notes.push(...own);
      own.forEach(note);
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
    }
    await sink.close();
  }
  const { summary, motifShares } = await summariseContacts(results, { ...o, signal });
  if (results.some(({ scores }) => scores)) {
    await written.write(tables.EVALUATION, tables.scoreRows(results, o.method));
  }
  if (adapter !== undefined) await written.write(CHANGED, changed);
  if (o.rankHeads) {
    await written.write(tables.HEADS, tables.headRows(results));
  }
  if (motifShares) {
    await written.write(tables.MOTIF, tables.curvePoints(results));
    await written.write(tables.MOTIF_SUMMARY, motifShares);
  }
  if (summary) await written.write(tables.SUMMARY, summary);
  provenance.proteins = results.map(({ id, residues, truth }) => {
    return { id, length: residues.length, truth: truth?.source };
  });
  if (o.report) {
    const run = {
      record: provenance,
      input: results.length === 1
        ? `${results[0].id}, ${results[0].residues.length} residues`
        : `${results.length} proteins`,
      options: optionsText(o),
      files: output.files(),
    };
    const { method } = o;
    await output.write(
      "report.html",
      await renderContactReport({ notes, method, results, drawn, summary, motifShares, run }),
    );
  }
  if (summary) print(`\n${tables.summaryText(summary)}`);
  if (motifShares && motifShares.length > 0) print(`\n${tables.motifSummaryText(motifShares)}`);
}

/** Options that decide the numbers, in words. */
const optionsText = (o: ContactFlags) =>
  [
    `method ${o.method}`,
    o.heads && "chosen heads",
    o.motif && `motif step ${o.motifStep}`,
    `seed ${o.seed}`,
  ].filter(Boolean).join(", ");
