/** A self-check: does a model on this machine give the published numbers? */
import { modelOptions } from "../lib/model_options.ts";
import { defineCommand, flag, option, optionList, type OptionValues } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import type { CommandContext } from "../lib/cli/context.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { formatTable } from "../lib/cli/table.ts";
import { UserError } from "../lib/errors.ts";
import { EsmFold, openFold } from "../lib/fold/mod.ts";
import { isFold } from "../lib/fold/open.ts";
import { verifyFold } from "../lib/fold/verify.ts";
import { findFold, findModel } from "../lib/hub/manifest.ts";
import { type OpenedModel, openModel } from "../lib/hub/open_model.ts";
import { EMBEDDED, goldenOf, type ModelGolden, PUBLISHED } from "../lib/variants/golden.ts";
import { resolveFold } from "../lib/hub/resolve.ts";
import { contradict } from "../lib/proteins/read.ts";
import { tableJson } from "../lib/run/results.ts";
import { openEngine } from "../lib/run/run.ts";
import { type Check, CHECKS, verifyAssay, verifyForward } from "../lib/variants/verify.ts";
import { VERSION } from "../lib/version.ts";
import { openPublishedAssay } from "../lib/variants/verify_assay.ts";

/** A model with an adapter gives other numbers than the published ones. */
const { adapter: _, precision: __, ...plainModel } = modelOptions;

const options = {
  ...plainModel,
  assay: optionList({
    placeholder: "file",
    parse: parse.path,
    description: "an assay of ProteinGym whose correlation is published; may be given again",
    group: "Assay",
  }),
  reference: option({
    placeholder: "file",
    parse: parse.path,
    description: "ProteinGym's DMS_substitutions.csv, for the assays' targets",
    defaultText: "each assay's own sequences",
    group: "Assay",
  }),
  json: flag({ description: "print JSON instead of a table", group: "Output" }),
};

export const command = defineCommand({
  ...about("verify"),
  description:
    "Compares the weights' SHA-256, a forward pass and, for assays of ProteinGym, the rank " +
    "correlation of masked-marginal scores with published values; where an assay file has the " +
    "650M model's scores (column ESM2_score), those too. Ends with code 1 when one does not agree. " +
    "Of a model that folds: the published position of an atom, and whether a small protein's Cα atoms are " +
    "as far from each other as those of a chain. It downloads nothing: deno task fetch brings a model by name.",
  options,
  examples: [
    {
      command: "deno task verify",
      shows: "the embedded model against fair-esm in double precision",
    },
    {
      command: "deno task verify --model esm2_t6_8M_UR50D",
      shows: "the published 8M model: weights, logits and embeddings",
    },
    {
      command: "deno task verify --model esm2_t33_650M_UR50D " +
        "--assay EPHB2_HUMAN_Tsuboyama_2023_1F0M.csv",
      shows: "the 650M model: its published correlation with one assay",
    },
    {
      command: "deno task verify --model esmfold_v1",
      shows: "the published model that folds: an atom's position, and a protein's chain",
    },
  ],
  tables: [CHECKS],
  run,
});

async function run(o: OptionValues<typeof options>, ctx: CommandContext): Promise<void> {
  if (o.model !== undefined && (findFold(o.model) || await isFold(o.model))) {
    return await runFold(o, o.model, ctx);
  }
  const assays = [];
  for (const path of o.assay) assays.push(await openPublishedAssay(path, o.reference));
  using model = await openModel(o.model, { ...ctx, cachedOnly: true });
  const golden = goldenOf(model.checkpoint.config);
  if (!golden) {
    const { layers, dModel, heads } = model.checkpoint.config;
    throw new UserError(
      `Cannot verify ${model.name} as it must have the size of ${
        [EMBEDDED, ...PUBLISHED].map((each) => each.model).join(", ")
      }: current value is ${layers} layers, width ${dModel}, ${heads} heads`,
    );
  }
  const is650M = golden.model === "esm2_t33_650M_UR50D";
  for (const { name, path, publishedScore } of assays) {
    if (golden.spearman[name] !== undefined || is650M && publishedScore) continue;
    const known = Object.keys(golden.spearman);
    throw new UserError(
      `Cannot verify ${golden.model} on ${path} as ${
        known.length > 0
          ? `it must be one of ${known.join(", ")}`
          : "no correlation with an assay is published for this model"
      }: current value is ${name}`,
    );
  }
  await using engine = await openEngine(model, o, ctx);
  const { esm } = engine;

  const checks = await weightChecks(model, golden);
  for (const forward of golden.forward) checks.push(...await verifyForward(esm, forward));
  for (const assay of assays) {
    const progress = ctx.progress({ label: assay.name, unit: "passes", total: 0 });
    checks.push(
      ...await verifyAssay(esm, {
        ...assay,
        publishedScore: is650M ? assay.publishedScore : undefined,
        signal: ctx.signal,
        onNote: ctx.note,
        onProgress: (done, total) => progress.update(done, total),
      }, golden),
    );
    progress.finish();
  }
  say(o, ctx, model.name, checks);
  if (checks.length === 0) {
    throw new UserError(
      `Cannot verify ${golden.model} as there must be something to compare: no forward values are ` +
        "published for this size; give --assay",
    );
  }
  requireAll(checks, "with the published values");
}

/** The same of a model that folds. */
async function runFold(
  o: OptionValues<typeof options>,
  spec: string,
  ctx: CommandContext,
): Promise<void> {
  if (o.assay.length > 0) contradict("--assay", "a model that folds");
  using fold = await openFold(await resolveFold(spec, { ...ctx, cachedOnly: true }));
  const model = { name: fold.name, checkpoint: fold.esm, embedded: false, [Symbol.dispose]() {} };
  await using engine = await openEngine(model, o, ctx, fold.notes);
  const { esm } = engine;
  await using folding = await EsmFold.open(fold, esm.backend, { lowMemory: o.lowMemory }, esm);
  using progress = ctx.progress({ label: "folding", unit: "blocks", total: 0 });
  const { checks, notes } = await verifyFold(folding, {
    signal: ctx.signal,
    onBlock: (done, all) => progress.update(done, all),
  });
  progress.finish();
  for (const note of notes) ctx.note(note);
  say(o, ctx, fold.name, checks);
  requireAll(checks, "with what is known of trained models");
}

function say(
  o: OptionValues<typeof options>,
  ctx: CommandContext,
  model: string,
  checks: readonly Check[],
): void {
  const run = { esmscope: VERSION, command: "verify", model, options: o };
  ctx.print(o.json ? tableJson(run, CHECKS, checks) : text(checks));
}

function requireAll(checks: readonly Check[], what: string): void {
  const failed = checks.filter(({ ok }) => !ok).length;
  if (failed > 0) throw new Error(`${failed} of ${checks.length} checks do not agree ${what}`);
}

/** The published hash of the weight file, where there is one for this kind of file. */
async function weightChecks(
  { checkpoint }: OpenedModel,
  { model }: ModelGolden,
): Promise<Check[]> {
  const files = findModel(model)?.files.filter(({ sha256 }) => sha256) ?? [];
  if (files.length !== 1 || checkpoint.format !== "safetensors") return [];
  const expected = files[0].sha256!, found = await checkpoint.sha256();
  return [{
    name: `SHA-256 of ${files[0].name}`,
    expected: `${expected.slice(0, 16)}…`,
    found: `${found.slice(0, 16)}…`,
    ok: found === expected,
  }];
}

function text(checks: readonly Check[]): string {
  return formatTable(
    ["check", "expected", "found", ""].map((header) => ({ header })),
    checks.map(({ name, expected, found, ok }) => [name, expected, found, ok ? "ok" : "NOT OK"]),
  );
}

if (import.meta.main) await runCommand(command, Deno.args);
