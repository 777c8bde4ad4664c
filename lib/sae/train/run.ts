/** A training from options to files. */
import { basename, dirname } from "node:path";
import { openBackend } from "../../backend/mod.ts";
import type { CommandContext } from "../../cli/context.ts";
import { formatCount } from "../../cli/units.ts";
import { defaultTokenBudget, Esm2, requireF32 } from "../../esm2/mod.ts";
import { EMBEDDED_NOTE } from "../../hub/open_model.ts";
import { openChosen } from "../../model_options.ts";
import { OutputDir } from "../../io/output.ts";
import { StateFile } from "../../train/state_file.ts";
import { meanOf, reportSteps } from "../../train/steps_report.ts";
import { VERSION } from "../../version.ts";
import { fidelityText } from "../fidelity_text.ts";
import { writeSae } from "../write.ts";
import { readActivations } from "./activations.ts";
import { cardOf } from "./card.ts";
import { openData } from "../../train/data.ts";
import { evaluate } from "./evaluate.ts";
import { metadataOf } from "./metadata.ts";
import { toSae } from "./parameters.ts";
import { PreActivations } from "./pre_activations.ts";
import {
  auxKOf,
  bufferTokens,
  checkChoice,
  DEFAULT_TOKENS,
  layerOf,
  learningRateOf,
  type TrainChoice,
  type TrainRequest,
} from "./settings.ts";
import { train, type TrainSettings } from "./train.ts";
import type { StepReport } from "./trainer.ts";

/**
 * Trains an SAE and writes it, with a card, whole or not at all; a stopped training leaves its state
 * in a hidden file beside `out`, from which the same options continue.
 *
 * @throws {UserError} if options contradict each other or a file cannot be read
 */
export async function trainToFile(o: TrainRequest, ctx: CommandContext): Promise<void> {
  requireF32(o.precision, "train an autoencoder");
  checkChoice(o);
  using output = OutputDir.open(dirname(o.out));
  ctx.onExit(() => output.dispose());
  output.temporaryPath(basename(o.out));
  using model = await openChosen(o, ctx);
  const { dModel } = model.checkpoint.config;
  const depth = layerOf(o, model.checkpoint.config, model.name);
  using data = await readData(o, dModel, ctx);
  const tokens = o.epochs === undefined
    ? o.tokens ?? DEFAULT_TOKENS
    : o.epochs * data.feed.epochTokens;
  const settings: TrainSettings = {
    ...pick(o),
    dModel,
    tokens,
    auxK: auxKOf(o, dModel),
    learningRate: learningRateOf(o, dModel),
  };
  const modelSha256 = await model.checkpoint.sha256();

  const opened = await openBackend(o.backend);
  await using backend = opened.backend;
  ctx.note(`Running ${model.name} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  if (model.embedded) ctx.note(EMBEDDED_NOTE);
  await using esm = await Esm2.open(model.checkpoint, backend, {
    lowMemory: o.lowMemory,
    ...(o.embedScale === "train" && { tokenDropout: false }),
  });
  await using dense = await PreActivations.open(backend, dModel, o.latents);
  const tokenBudget = o.tokenBudget ?? defaultTokenBudget(backend);
  const { signal } = ctx, reading = { depth, specialTokens: o.specialTokens, tokenBudget, signal };

  const { corpus, feed, heldOut } = data;
  const stateFile = StateFile.beside(o.out, {
    ...{ version: VERSION, backend: backend.name, model: modelSha256, depth, settings },
    ...{ corpus: corpus.sha256, feed: feed.settings, embedScale: o.embedScale, tokenBudget },
    validation: o.validation,
  });
  const report = reportSteps<StepReport>(
    ctx,
    { total: tokens, unit: "tokens" },
    (steps) =>
      `loss ${meanOf(steps, ({ loss }) => loss).toFixed(4)}, ` +
      `fvu ${meanOf(steps, ({ fvu }) => fvu).toFixed(4)}, ${steps.at(-1)!.dead} dead latents`,
  );
  let trained;
  try {
    trained = await train(
      { feed, activations: (crops) => readActivations(esm, corpus, crops, reading) },
      settings,
      dense,
      { stateFile, signal, ...report },
    );
  } catch (error) {
    if (stateFile.isSaved) ctx.note("The state is saved; the same command continues.");
    throw error;
  }
  report.finish();
  const config = {
    name: `${model.name}:l${depth}`,
    dModel,
    latents: o.latents,
    depth,
    afterFinalNorm: false,
    normalisation: o.normalisation,
    k: o.k,
  };
  const sae = { ...toSae(trained.state.weights, config, trained.unit), config };
  const figures = heldOut.crops.length === 0 ? undefined : await evaluate(
    { esm, dense, sae, trained },
    heldOut.corpus,
    heldOut.crops,
    reading,
  );
  const metadata = metadataOf({
    ...{ options: o, settings, data, trained, figures },
    model: { name: model.name, sha256: modelSha256 },
  });
  const file = basename(o.out);
  await writeSae(output.temporaryPath(file), sae, metadata);
  const card = cardOf({ file, sae: config, metadata });
  await output.write(card.name, card.text);
  const paths = output.commit();
  stateFile.remove();
  if (figures) {
    ctx.print(fidelityText(config.name, figures.fidelity));
    ctx.print(
      `${figures.silent} of ${o.latents} latents silent on ${formatCount(figures.tokens)} tokens ` +
        "that were held out.",
    );
  }
  for (const path of paths) ctx.print(path);
}

async function readData(o: TrainRequest, dModel: number, ctx: CommandContext) {
  const progress = ctx.progress({ label: `reading ${basename(o.fasta)}`, unit: "bytes" });
  const data = await openData(o.fasta, o.validation, o.validationTokens, {
    maxLength: o.maxLength,
    bufferTokens: bufferTokens(o, dModel),
    extraTokens: o.specialTokens ? 2 : 0,
    seed: o.seed,
  }, { signal: ctx.signal, onProgress: (bytes, total) => progress.update(bytes, total) });
  progress.finish();
  ctx.note(
    `${sequences(data.corpus.sequences)}, ` +
      `${formatCount(data.feed.epochTokens)} tokens in an epoch; ` +
      `${sequences(data.heldOut.sequences)} to measure on.`,
  );
  return data;
}

const sequences = (count: number) => `${formatCount(count)} sequence${count === 1 ? "" : "s"}`;

function pick(o: TrainChoice) {
  const { latents, k, deadAfter, normalisation, warmUp, decay, clip, batch, seed } = o;
  return { latents, k, deadAfter, normalisation, warmUp, decay, clip, batch, seed };
}
