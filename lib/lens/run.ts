/** The `lens` command: what of it is its own. */
import type { CommandContext } from "../cli/context.ts";
import { defaultTokenBudget } from "../esm2/mod.ts";
import type { BackendName } from "../backend/mod.ts";
import { MOST_DRAWN } from "../report/page.ts";
import type { MergedRun } from "../run/merge.ts";
import { type Finished, runAnalysis, type RunFlags } from "../run/run.ts";
import { type InputFlags, type LensInputs, openInputs } from "./inputs.ts";
import { type LayerMeans, layerMeans, LensView } from "./numbers.ts";
import { LensReader, placesOf } from "./reader.ts";
import { type DrawnProtein, drawnProtein, renderLensReport } from "./report/report.ts";
import { lensResults, lensWork, planUnits } from "./survey.ts";
import * as tables from "./tables.ts";
import { NONE, type OpenedLens, openLens } from "./tuned.ts";

export interface LensFlags extends RunFlags, InputFlags {
  unmasked: boolean;
  tuned?: string;
  tokenBudget?: number;
}

/** Proteins that are printed, and that the report lists; the files have all. */
const PRINTED = 3, LISTED = 500;

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runLens(
  o: LensFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const masked = !o.unmasked;
  await runAnalysis<LensInputs>(o, ctx, {
    command: "lens",
    read: () => openInputs(o),
    async plan(inputs, model) {
      // The lens that comes with the model was trained on hidden residues.
      const tuned = await openLens(o.tuned ?? (masked ? undefined : NONE), model, ctx.signal);
      const variants = [...inputs.variants].map(([p, list]) => [p, list.map(({ name }) => name)]);
      const { layers } = model.checkpoint.config;
      return {
        notes: notesOf(masked, tuned),
        settings: {
          ...{ masked, tokenBudget: o.tokenBudget, proteins: inputs.sha256, variants },
          tuned: tuned && { sha256: tuned.sha256, trainedOn: tuned.metadata.trained_on },
        },
        label: inputs.count === 1 ? "reading layers" : `${inputs.count} proteins`,
        unit: "tokens",
        async open({ esm, stack }) {
          const { tokenBudget } = o, { signal } = ctx;
          const reader = stack.use(new LensReader(esm, { tuned, tokenBudget, signal }));
          const units = await planUnits(inputs, { masked, tokenBudget: reader.tokenBudget });
          return lensWork(reader, inputs, units, masked, stack);
        },
        finish: (finished) => writeResults(o, ctx, inputs, { layers, tuned, masked }, finished),
      };
    },
  }, merged);
}

function notesOf(masked: boolean, tuned: OpenedLens | undefined): string[] {
  return [
    ...(masked ? [] : [
      "--unmasked: every residue is read where the model sees its letter, so that it can copy it; " +
      "that is no prediction.",
    ]),
    ...(tuned && !masked
      ? ["The tuned lens was trained on hidden residues, not on residues that the model sees."]
      : []),
  ];
}

async function writeResults(
  o: LensFlags,
  { signal }: CommandContext,
  inputs: LensInputs,
  { layers, tuned, masked }: { layers: number; tuned?: OpenedLens; masked: boolean },
  { read, output, results, settings, provenance, notes, print }: Finished,
): Promise<void> {
  const { name } = settings.backend as { name: BackendName };
  const tokenBudget = o.tokenBudget ?? defaultTokenBudget({ name });
  const units = await planUnits(inputs, { masked, tokenBudget });
  const places = placesOf(layers, tuned !== undefined);
  const drawn: DrawnProtein[] = [], listed: { id: string; rows: LayerMeans[] }[] = [];
  const tally = new tables.SummaryTally();
  const hasVariants = inputs.variants.size > 0;
  {
    await using lens = results.open(tables.LENS_TABLE);
    await using means = results.open(tables.LAYERS);
    await using decided = results.open(tables.DECIDED);
    await using stack = new AsyncDisposableStack();
    const mutations = hasVariants ? stack.use(results.open(tables.MUTATIONS)) : undefined;
    const residues = hasVariants ? stack.use(results.open(tables.MUTATION_RESIDUES)) : undefined;
    for await (const found of lensResults(inputs, units, places, read, signal)) {
      const { id, letters } = found.protein, view = new LensView(found.wild, letters);
      for (const row of tables.residueRows(id, view)) await lens.add(row);
      const rows = layerMeans(view);
      await means.write(rows.map((row) => ({ ...row, protein: id })));
      for (const row of tables.decidedRows(id, view)) await decided.add(row);
      const views = tables.mutantViews(found);
      for (const view of views) {
        await mutations!.write(view.rows);
        await residues!.write(view.residues);
      }
      if (tally.proteins < PRINTED) {
        print(`${tally.proteins > 0 ? "\n" : ""}${tables.proteinText(id, rows)}`);
        if (views.length > 0) print(`\n${tables.mutationsText(views)}`);
      }
      if (o.report && drawn.length < MOST_DRAWN) drawn.push(drawnProtein(id, view, rows, views));
      if (listed.length < LISTED) listed.push({ id, rows });
      tally.add(rows);
    }
    for (const sink of [lens, means, decided, mutations, residues]) await sink?.close();
  }
  const count = tally.proteins, summary = count > 1 ? tally.rows() : [];
  if (summary.length > 0) await results.write(tables.SUMMARY, summary);
  if (count > PRINTED) print(`\n${count - PRINTED} more proteins: layers.csv has all.`);
  provenance.proteins = { count, residues: inputs.residues };
  provenance.tuned = tuned && { sha256: tuned.sha256, ...tuned.metadata };
  if (!o.report) return;
  const run = {
    record: provenance,
    input: count === 1 ? `${listed[0].id}, ${inputs.residues} residues` : `${count} proteins`,
    options: [
      masked ? "each residue hidden in a copy of its own" : "residues seen by the model",
      tuned ? `tuned lens ${tuned.sha256.slice(0, 12)}…` : "logit lens",
      o.mutations === undefined ? "" : `mutations ${o.mutations}`,
    ].filter(Boolean).join(", "),
    files: output.files(),
  };
  await output.write(
    "report.html",
    renderLensReport({ notes, drawn, listed, count, summary, masked, run }),
  );
}
