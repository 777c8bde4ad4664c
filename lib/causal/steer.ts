/** Steering: latents held at values of one's own, and what the model then predicts. */
import { logSoftmax } from "../stats/log_softmax.ts";
import { quote, UserError } from "../errors.ts";
import { AMINO_ACIDS_BEGIN, AMINO_ACIDS_END, TOKENS } from "../esm2/alphabet.ts";
import { activation } from "./sparse.ts";
import type { Tail } from "./tail.ts";
import type { Capture, Edit } from "./types.ts";

/** What one latent becomes: a value, so many times its maximum, or so many times what it is. */
export interface Steering {
  /** 0-based. */
  latent: number;
  /** What `amount` is: an activation, a multiple of the latent's largest, or of its own. */
  kind: "value" | "max" | "scale";
  /** How much. */
  amount: number;
}

const VOCABULARY = 33;
const NUMBER = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?";

/** Reads `220=5max,17=2`: values, or multiples of a latent's maximum. @throws {UserError} */
export function parseSet(text: string, flag = "--set"): Steering[] {
  return parseList(
    text,
    new RegExp(`^(\\d+)\\s*=\\s*(${NUMBER})\\s*(max)?$`, "i"),
    flag,
    "220=5max,17=2",
  )
    .map(([latent, amount, max]) => ({
      latent: Number(latent),
      kind: max ? "max" : "value",
      amount: Number(amount),
    }));
}

/** Reads `220=0,17=2`: multiples of what a latent is. @throws {UserError} */
export function parseScale(text: string, flag = "--scale"): Steering[] {
  return parseList(text, new RegExp(`^(\\d+)\\s*=\\s*(${NUMBER})$`, "i"), flag, "220=0,17=2")
    .map(([latent, amount]) => ({ latent: Number(latent), kind: "scale", amount: Number(amount) }));
}

function parseList(text: string, pattern: RegExp, flag: string, example: string): string[][] {
  return text.split(",").map((piece) => {
    const found = pattern.exec(piece.trim());
    // As single precision has it: what is written can be larger than any number.
    if (found && Number.isFinite(Math.fround(Number(found[2])))) return found.slice(1);
    throw new UserError(
      `Cannot read ${flag} as it must be latents and numbers such as ${example}: ` +
        `current value is ${quote(text)}`,
    );
  });
}

/** @throws {UserError} if a latent does not exist or is steered twice */
export function checkSteerings(steerings: readonly Steering[], latents: number): void {
  const seen = new Set<number>();
  for (const { latent } of steerings) {
    if (latent >= latents || seen.has(latent)) {
      throw new UserError(
        latent >= latents
          ? `Cannot steer as latents must be in 0..${latents - 1}: current value is ${latent}`
          : `Cannot steer as a latent must be named once: current value is ${latent} twice`,
      );
    }
    seen.add(latent);
  }
}

/** An edit of the same latents at some tokens. */
export type SteeringEdit = readonly Required<Pick<Edit[number], "token" | "indices" | "deltas">>[];

/** Largest activation of a latent over the residues of some sequences. */
export function maximumOf(latent: number, captures: readonly Capture[]): number {
  let largest = 0;
  for (const { latents } of captures) {
    for (let t = 1; t < latents.rows - 1; t++) {
      largest = Math.max(largest, activation(latents, t, latent));
    }
  }
  return largest;
}

/**
 * The edit that steers latents of some tokens.
 *
 * @param reference sequences over which `max` is taken
 * @throws {UserError} if a latent to be set to a multiple of its maximum is never active in them
 */
export function steeringEdit(
  { latents }: Capture,
  tokens: readonly number[],
  steerings: readonly Steering[],
  reference: readonly Capture[],
): SteeringEdit {
  const sorted = steerings.toSorted((a, b) => a.latent - b.latent);
  const targets = sorted.map(({ latent, kind, amount }) => {
    if (kind === "value") return () => amount;
    if (kind === "scale") return (now: number) => amount * now;
    const maximum = maximumOf(latent, reference);
    if (maximum > 0) return () => amount * maximum;
    throw new UserError(
      `Cannot set latent ${latent} to a multiple of its maximum as it must be active somewhere in ` +
        `the sequence, or in --background: current maximum is 0`,
    );
  });
  return tokens.map((token) => ({
    token,
    indices: Uint32Array.from(sorted, ({ latent }) => latent),
    deltas: Float64Array.from(sorted, ({ latent }, i) => {
      const now = activation(latents, token, latent);
      return targets[i](now) - now;
    }),
  }));
}

/** A latent over the tokens at which it was steered. */
export interface SteeredLatent extends Steering {
  /** Tokens where it is active by itself. */
  active: number;
  meanBefore: number;
  meanAfter: number;
  /** Its largest activation by itself. */
  maxBefore: number;
}

/** What an edit of {@link steeringEdit} does to each latent, in the order they were named. */
export function steeredLatents(
  { latents }: Capture,
  edit: SteeringEdit,
  steerings: readonly Steering[],
): SteeredLatent[] {
  return steerings.map((steering) => {
    const before = edit.map(({ token }) => activation(latents, token, steering.latent));
    const moved = edit.map(({ indices, deltas }) => deltas[indices.indexOf(steering.latent)]);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    return {
      ...steering,
      active: before.filter((value) => value > 0).length,
      meanBefore: mean(before),
      meanAfter: mean(before.map((value, i) => value + moved[i])),
      maxBefore: before.reduce((a, b) => Math.max(a, b), 0),
    };
  });
}

/** One residue before and after steering; logarithms are of softmax over the 33 tokens, nats. */
export interface SteeredResidue {
  /** 1-based. */
  position: number;
  /** Of the sequence. */
  letter: string;
  /** The most probable of the 20 amino acids. */
  before: string;
  /** The same when steered. */
  after: string;
  /** log p of the residue's own letter. */
  logProbBefore: number;
  /** The same when steered. */
  logProbAfter: number;
  /** log p of the letter `after`. */
  steeredLogProbBefore: number;
  /** The same when steered. */
  steeredLogProbAfter: number;
  /** Kullback–Leibler divergence Σ after · log(after / before) over the 33 tokens, nats. */
  divergence: number;
}

/** What steering does to the model's answer. */
export interface Steered {
  /** One entry a residue. */
  residues: SteeredResidue[];
  /** f32[T, 33] */
  logitsBefore: Float32Array;
  /** f32[T, 33] */
  logitsAfter: Float32Array;
}

/** Runs the steered sequence on and compares it with the unsteered one. */
export async function steer(
  tail: Tail,
  capture: Capture,
  letters: string,
  edit: Edit,
): Promise<Steered> {
  const { unedited, edited } = await tail.logits(capture, edit);
  const residues = Array.from(letters, (letter, i): SteeredResidue => {
    const at = (i + 1) * VOCABULARY;
    const before = logSoftmax(unedited.subarray(at, at + VOCABULARY));
    const after = logSoftmax(edited.subarray(at, at + VOCABULARY));
    const own = capture.ids[i + 1], top = likeliest(after);
    return {
      position: i + 1,
      letter,
      before: TOKENS[likeliest(before)],
      after: TOKENS[top],
      logProbBefore: before[own],
      logProbAfter: after[own],
      steeredLogProbBefore: before[top],
      steeredLogProbAfter: after[top],
      divergence: after.reduce((sum, log, t) => sum + Math.exp(log) * (log - before[t]), 0),
    };
  });
  return { residues, logitsBefore: unedited, logitsAfter: edited };
}

/**
 * log p of some letters at every residue.
 *
 * @param logits f32[T, 33], with `<cls>` and `<eos>`
 * @returns f32[L, letters]
 */
export function letterLogProbs(logits: Float32Array, letters: string): Float32Array {
  const tokens = Array.from(letters, (letter) => TOKENS.indexOf(letter));
  const residues = logits.length / VOCABULARY - 2;
  const found = new Float32Array(residues * tokens.length);
  for (let i = 0; i < residues; i++) {
    const at = (i + 1) * VOCABULARY, logs = logSoftmax(logits.subarray(at, at + VOCABULARY));
    tokens.forEach((token, k) => found[i * tokens.length + k] = logs[token]);
  }
  return found;
}

/** The lower token of equals. */
function likeliest(logs: Float64Array): number {
  let best = AMINO_ACIDS_BEGIN;
  for (let t = best + 1; t < AMINO_ACIDS_END; t++) if (logs[t] > logs[best]) best = t;
  return best;
}
