/** Opens the sequences of a training: those to learn from and those to measure on. */
import { badValue } from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import { Corpus, type CorpusOptions } from "./corpus.ts";
import { type Crop, Feed, type FeedSettings, splitSequences } from "./feed.ts";

/** A share of the sequences, or another file. */
export type Validation = number | string;

/** Reads `--validation`. */
export function parseValidation(text: string, flag: string): Validation {
  if (!/^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(text)) {
    if (text === "") throw badValue(flag, "a share or a file", text);
    return text;
  }
  const share = Number(text);
  if (share >= 0 && share <= 0.5) return share;
  throw badValue(flag, "a share in 0..0.5 or a file", text);
}

export interface TrainingData extends Disposable {
  readonly corpus: Corpus;
  readonly feed: Feed;
  readonly heldOut: {
    readonly corpus: Corpus;
    /** Sequences that are not trained on. */
    readonly sequences: number;
    /** Those to measure on. */
    readonly crops: readonly Crop[];
  };
}

/**
 * Opens the files and splits the sequences.
 *
 * @throws {UserError} if a file is no FASTA file of proteins or nothing is left to train on
 */
export async function openData(
  fasta: string,
  validation: Validation,
  validationTokens: number,
  settings: FeedSettings,
  options: CorpusOptions,
): Promise<TrainingData> {
  using owned = new DisposableStack();
  const corpus = owned.use(await Corpus.open(fasta, options));
  const share = typeof validation === "number" ? validation : 0;
  const { training, heldOut } = splitSequences(corpus.sequences, share, settings.seed);
  if (training.length === 0) {
    throw new UserError(
      `Cannot train on ${fasta} as sequences must be left to train on: ` +
        `${heldOut.length} of ${corpus.sequences} are held out; give --validation 0 or a file`,
    );
  }
  let measured = corpus, sequences = heldOut;
  if (typeof validation === "string") {
    measured = owned.use(await Corpus.open(validation, options));
    sequences = Uint32Array.from({ length: measured.sequences }, (_, i) => i);
  }
  const crops = sequences.length === 0 ? [] : firstTokens(
    new Feed(sequences, measured.lengths, { ...settings, bufferTokens: validationTokens }),
  );
  const kept = owned.move();
  return {
    corpus,
    feed: new Feed(training, corpus.lengths, settings),
    heldOut: { corpus: measured, sequences: sequences.length, crops },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/** A buffer of sequences of one epoch at most. */
function firstTokens(feed: Feed): Crop[] {
  const { crops } = feed.next({ epoch: 0, position: 0 });
  return crops.slice(0, feed.training.length);
}
