/** From structures to a model with a contact head of its own. */
import { type Precision, requireF32 } from "../../esm2/mod.ts";
import { basename } from "node:path";
import type { BackendChoice } from "../../backend/mod.ts";
import type { CommandContext } from "../../cli/context.ts";
import { formatTable } from "../../cli/table.ts";
import { UserError } from "../../errors.ts";
import { readWeights, weightShapes } from "../../esm2/trainable.ts";
import { EMBEDDED_NOTE } from "../../hub/open_model.ts";
import { openChosen } from "../../model_options.ts";
import { OutputDir } from "../../io/output.ts";
import { describeRun, Stopwatch } from "../../provenance.ts";
import { Results } from "../../run/results.ts";
import { openEngine } from "../../run/run.ts";
import { type ModelDType, saveModel } from "../../run/save_model.ts";
import { VERSION } from "../../version.ts";
import { type ContactFlags, readInputs } from "../inputs.ts";
import { RANGES } from "../types.ts";
import { crossValidate, fitHead, type HeldOutProtein } from "./cross_validate.ts";
import { type PairFeatures, pairFeatures } from "./features.ts";
import { HELD_OUT, heldOutRows, WEIGHTS } from "./tables.ts";

/** All that the command is given. */
export interface FitFlags extends Pick<ContactFlags, "contactAtoms" | "cutoff"> {
  table: string;
  model?: string;
  adapter?: string;
  backend: BackendChoice;
  lowMemory: boolean;
  precision?: Precision;
  penalty: number;
  separation: number;
  folds: number;
  out: string;
  dtype: ModelDType;
}

/** Fits, measures on proteins left out, and writes the model with its head. */
export async function runFit(o: FitFlags, ctx: CommandContext): Promise<void> {
  requireF32(o.precision, "fit a contact head");
  const watch = new Stopwatch();
  watch.stage("read inputs");
  using output = OutputDir.open(o.out, "contacts fit");
  ctx.onExit(() => output.dispose());
  const { proteins, notes } = await readInputs({ ...o });
  const without = proteins.find(({ truth }) => !truth);
  if (without) {
    throw new UserError(
      `Cannot fit a contact head as every protein must have a structure or true contacts: ` +
        `${without.id} has none`,
    );
  }
  if (proteins.length < Math.max(2, o.folds)) {
    throw new UserError(
      `Cannot fit a contact head as there must be ${
        Math.max(2, o.folds)
      } proteins or more, one for ` +
        `each of --folds: current count is ${proteins.length}`,
    );
  }
  watch.stage("load model");
  using model = await openChosen(o, ctx);
  if (model.embedded) notes.push(EMBEDDED_NOTE);
  const { config, tensors } = model.checkpoint, { signal } = ctx;
  const missing = [...weightShapes(config).keys()].find((name) => !tensors.has(name));
  if (missing) {
    throw new UserError(
      "Cannot fit a contact head as the checkpoint must have a language-model head, which is written " +
        `with it: current value lacks ${missing}`,
    );
  }
  await using engine = await openEngine(model, o, ctx, notes);
  watch.stage("attention");
  const features: PairFeatures[] = [];
  {
    using progress = ctx.progress({
      ...{ label: "attention", unit: "proteins", total: proteins.length },
    });
    for (const [p, protein] of proteins.entries()) {
      const truth = protein.truth!;
      features.push(
        await pairFeatures(engine.esm, { ...protein, truth }, { least: o.separation, signal }),
      );
      progress.update(p + 1);
    }
    progress.finish();
  }
  const contacts = features.reduce((sum, { labels }) => sum + labels.reduce((a, b) => a + b, 0), 0);
  const pairs = features.reduce((sum, { labels }) => sum + labels.length, 0);
  if (contacts === 0 || contacts === pairs) {
    throw new UserError(
      `Cannot fit a contact head as some pairs must be in contact and some not: ` +
        `${contacts} of ${pairs} are`,
    );
  }
  watch.stage("fit");
  const heldOut = await crossValidate(features, { c: o.penalty, folds: o.folds, signal });
  const fit = fitHead(features, o.penalty, { signal });
  watch.stage("write");
  const figures = figuresOf(heldOut);
  const used = fit.weights.filter((w) => w !== 0).length;
  const summary = `${used} of ${fit.weights.length} heads have a weight; ${pairs} pairs of ` +
    `${proteins.length} proteins, ${contacts} of them in contact.`;
  const weights = await readWeights(model.checkpoint, weightShapes(config).keys());
  await saveModel(output, {
    ...{ config, weights, dtype: o.dtype },
    invFreq: await model.checkpoint.read("layers.0.self_attn.rot_emb.inv_freq"),
    contactHead: {
      weight: Float32Array.from(fit.weights),
      bias: Float32Array.of(fit.intercept),
    },
    metadata: { esmscope: VERSION, contact_head: `fitted to ${proteins.length} proteins` },
    card: cardOf(basename(o.out), model.name, o, summary, figures),
  });
  const results = new Results(output, false);
  await results.write(HELD_OUT, heldOutRows(heldOut));
  await results.write(
    WEIGHTS,
    Array.from(fit.weights, (weight, i) => {
      return { layer: Math.floor(i / config.heads), head: i % config.heads, weight };
    }),
  );
  const done = { command: "contacts fit", args: Deno.args, watch, opened: engine.opened };
  output.setRecord({
    ...await describeRun({ ...done, model }),
    ...{ options: o, notes, fit: { pairs, contacts, intercept: fit.intercept, steps: fit.steps } },
    proteins: proteins.map(({ id, residues, truth }) => {
      return { id, length: residues.length, truth: truth!.source };
    }),
  });
  const written = output.commit();
  ctx.print(`${summary}\n\n${formatTable(HEADINGS.map((header) => ({ header })), figures)}`);
  ctx.note(`\nWrote ${written.join(", ")}`);
}

const HEADINGS = ["range", "chance", "nearest, P@L", "P@L", "P@L/5"];

/** Means over proteins by range, in %. */
function figuresOf(proteins: readonly HeldOutProtein[]): string[][] {
  return RANGES.map(({ name }, r) => {
    const mean = (of: (protein: HeldOutProtein) => number) => {
      const values = proteins.map(of).filter((value) => !Number.isNaN(value));
      return values.length === 0
        ? ""
        : `${(100 * values.reduce((a, b) => a + b, 0) / values.length).toFixed(1)} %`;
    };
    return [
      name,
      mean(({ scores }) => scores[r].contacts / scores[r].pairs),
      mean(({ nearest }) => nearest[r].precisionL),
      mean(({ scores }) => scores[r].precisionL),
      mean(({ scores }) => scores[r].precisionL5),
    ];
  });
}

const cardOf = (
  name: string,
  base: string,
  { penalty, separation, folds, cutoff, contactAtoms }: FitFlags,
  summary: string,
  figures: readonly (readonly string[])[],
) =>
  `# ${name}

${base} with a contact head: logistic regression with an L1 penalty (C = ${penalty}) on the attention of every head,
symmetrised and corrected (APC), as ESM-2's own; pairs ${separation} or more residues apart, contacts
${
    contactAtoms === "cb"
      ? "Cβ"
      : "Cα"
  } nearer than ${cutoff} Å. Written by \`contacts fit\` of esmscope ${VERSION}.

${summary}

Means over proteins, each under a head fitted without its fold (${folds} folds):

| ${HEADINGS.join(" | ")} |
|${" --- |".repeat(HEADINGS.length)}
${figures.map((row) => `| ${row.join(" | ")} |`).join("\n")}
`;
