/** A training from options to files. */
import { basename, dirname } from "node:path";
import type { BackendChoice } from "../../backend/mod.ts";
import type { CommandContext } from "../../cli/context.ts";
import { formatTable } from "../../cli/table.ts";
import { formatCount } from "../../cli/units.ts";
import { UserError } from "../../errors.ts";
import { defaultTokenBudget, type Precision, requireF32 } from "../../esm2/mod.ts";
import { EMBEDDED_NOTE } from "../../hub/open_model.ts";
import { openChosen } from "../../model_options.ts";
import { OutputDir } from "../../io/output.ts";
import { openEngine } from "../../run/run.ts";
import { openData, type TrainingData, type Validation } from "../../train/data.ts";
import { StateFile } from "../../train/state_file.ts";
import { meanOf, reportSteps } from "../../train/steps_report.ts";
import { VERSION } from "../../version.ts";
import { writeLens } from "../tuned.ts";
import { cardOf } from "./card.ts";
import { type HeldOutFigure, heldOutFigures } from "./evaluate.ts";
import { hideResidues, StateReader } from "./states.ts";
import { LensStep } from "./step.ts";
import { type TrainedLens, trainLens, type TrainSettings } from "./train.ts";

/** Residues of a training where neither `--tokens` nor `--epochs` says otherwise. */
export const DEFAULT_TOKENS = 4_000_000;

/** All that the command is given. */
export interface TrainRequest {
  readonly fasta: string;
  readonly validation: Validation;
  readonly validationTokens: number;
  readonly maxLength: number;
  readonly hidden: number;
  readonly tokens?: number;
  readonly epochs?: number;
  readonly batch: number;
  readonly learningRate?: number;
  readonly warmUp: number;
  readonly decay: number;
  readonly clip: number;
  readonly seed: number;
  readonly model?: string;
  readonly adapter?: string;
  readonly backend: BackendChoice;
  readonly lowMemory: boolean;
  readonly precision?: Precision;
  readonly tokenBudget?: number;
  readonly out: string;
}

/**
 * Trains a lens and writes it, with a card, whole or not at all; a stopped training leaves its state in a
 * hidden file beside `out`, from which the same options continue.
 *
 * @throws {UserError} if options contradict each other or a file cannot be read
 */
export async function trainLensToFile(o: TrainRequest, ctx: CommandContext): Promise<void> {
  requireF32(o.precision, "train a lens");
  checkChoice(o);
  using output = OutputDir.open(dirname(o.out));
  ctx.onExit(() => output.dispose());
  output.temporaryPath(basename(o.out));
  using model = await openChosen(o, ctx);
  using data = await readData(o, ctx);
  const { layers, dModel } = model.checkpoint.config, { corpus, feed, heldOut } = data;
  const modelSha256 = await model.checkpoint.sha256();
  const notes = model.embedded ? [EMBEDDED_NOTE] : [];
  await using engine = await openEngine(model, o, ctx, notes);
  const { esm } = engine, { signal } = ctx;
  const tokenBudget = o.tokenBudget ?? defaultTokenBudget(esm.backend);
  const settings: TrainSettings = {
    ...{ layers, dModel, tokenBudget, seed: o.seed, hidden: o.hidden, clip: o.clip },
    ...{ learningRate: learningRateOf(o, dModel), warmUp: o.warmUp, decay: o.decay },
    tokens: o.epochs === undefined ? o.tokens ?? DEFAULT_TOKENS : o.epochs * feed.epochTokens,
  };
  await using reader = await StateReader.open(esm);
  await using step = await LensStep.open(esm);
  const stateFile = StateFile.beside(o.out, {
    ...{ what: "lens", version: VERSION, backend: esm.backend.name, model: modelSha256, settings },
    ...{ corpus: corpus.sha256, feed: feed.settings, validation: o.validation },
  });
  const report = reportSteps<number>(
    ctx,
    { total: settings.tokens, unit: "residues" },
    (losses) => `mean KL ${meanOf(losses, (loss) => loss).toFixed(4)}`,
  );
  let trained: TrainedLens;
  try {
    trained = await trainLens({ corpus, feed, reader, step }, settings, {
      ...{ stateFile, signal },
      ...report,
    });
  } catch (error) {
    if (stateFile.isSaved) ctx.note("The state is saved; the same command continues.");
    throw error;
  }
  report.finish();
  const hidden = { share: o.hidden, seed: o.seed, round: 0 };
  const measured = heldOut.crops.length === 0 ? undefined : await heldOutFigures(
    esm,
    trained.lens,
    await hideResidues(heldOut.corpus, heldOut.crops, hidden),
    { tokenBudget, signal },
  );
  const figures = measured?.figures ?? [];
  const metadata = metadataOf(o, data, trained, {
    learning_rate: settings.learningRate,
    ...{ model: model.name, model_sha256: modelSha256, layers },
    ...(measured && { validation_residues: measured.residues, ...figureTexts(figures) }),
  });
  const file = basename(o.out);
  await writeLens(output.temporaryPath(file), trained.lens, metadata);
  const card = cardOf({ file, metadata, figures });
  await output.write(card.name, card.text);
  ctx.signal.throwIfAborted();
  const paths = output.commit();
  stateFile.remove();
  if (figures.length > 0) ctx.print(figuresText(figures));
  for (const path of paths) ctx.print(path);
}

/** Adam's learning rate; without a choice it falls with the width, so that a step moves a state as far. */
const learningRateOf = ({ learningRate }: TrainRequest, dModel: number) =>
  learningRate ?? Number((0.03 / Math.sqrt(dModel)).toPrecision(2));

/** @throws {UserError} if options contradict each other */
function checkChoice({ tokens, epochs, warmUp, decay }: TrainRequest): void {
  if (tokens !== undefined && epochs !== undefined) {
    throw new UserError("Cannot train as only one of --tokens and --epochs may be given");
  }
  if (warmUp + decay <= 1) return;
  throw new UserError(
    `Cannot train as --warm-up and --decay must be at most 1 together: current value is ${
      warmUp + decay
    }`,
  );
}

async function readData(o: TrainRequest, ctx: CommandContext): Promise<TrainingData> {
  const progress = ctx.progress({ label: `reading ${basename(o.fasta)}`, unit: "bytes" });
  const data = await openData(o.fasta, o.validation, o.validationTokens, {
    ...{ maxLength: o.maxLength, bufferTokens: o.batch, extraTokens: 0, seed: o.seed },
  }, { signal: ctx.signal, onProgress: (bytes, total) => progress.update(bytes, total) });
  progress.finish();
  const { corpus, feed, heldOut } = data;
  ctx.note(
    `${formatCount(corpus.sequences)} sequences, ${formatCount(feed.epochTokens)} residues in an ` +
      `epoch; ${formatCount(heldOut.sequences)} sequences to measure on.`,
  );
  return data;
}

/** Texts for the file's header. Nothing depends on time or machine, so that the bytes do not either. */
function metadataOf(
  o: TrainRequest,
  { corpus, heldOut }: TrainingData,
  trained: TrainedLens,
  more: Record<string, unknown>,
): Record<string, string> {
  const texts: Record<string, unknown> = {
    esmscope: VERSION,
    ...{ trained_on: basename(o.fasta), trained_on_sha256: corpus.sha256 },
    ...{ sequences: corpus.sequences, max_length: o.maxLength, hidden: o.hidden },
    ...{ tokens: trained.tokens, steps: trained.steps, hidden_residues: trained.residues },
    ...{ batch: o.batch, warm_up: o.warmUp, decay: o.decay },
    ...{ clip: o.clip, seed: o.seed },
    ...(heldOut.crops.length > 0 && {
      validated_on: typeof o.validation === "string"
        ? basename(o.validation)
        : `${heldOut.crops.length} of ${heldOut.sequences} held-out sequences`,
      validation_sha256: heldOut.corpus.sha256,
    }),
    ...more,
  };
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, String(value)]));
}

const round = (value: number) => Number(value.toPrecision(6));

/** `kl_tuned`: of every layer in order. */
const figureTexts = (figures: readonly HeldOutFigure[]) =>
  Object.fromEntries(
    (["logit", "tuned"] as const).flatMap((lens) =>
      (["loss", "kl"] as const).map((key) => [
        `${key}_${lens}`,
        figures.filter((one) => one.lens === lens).map((one) => round(one[key])).join(" "),
      ])
    ),
  );

function figuresText(figures: readonly HeldOutFigure[]): string {
  const of = (lens: string, layer: number) =>
    figures.find((one) => one.lens === lens && one.layer === layer)!.kl;
  const layers = [...new Set(figures.map(({ layer }) => layer))];
  const format = (value: number) => value.toPrecision(3);
  const table = formatTable(
    [{ header: "layer" }, { header: "logit lens", format }, { header: "tuned lens", format }],
    layers.map((layer) => [layer, of("logit", layer), of("tuned", layer)]),
  );
  return `KL(last ‖ layer) of held-out residues among the 20 amino acids, nats:\n\n${table}\n`;
}
