/** What a person chooses of a training, checked against model and corpus. */
import type { Precision } from "../../esm2/mod.ts";
import { UserError } from "../../errors.ts";
import type { Esm2Config } from "../../checkpoint/mod.ts";
import type { BackendChoice } from "../../backend/mod.ts";
import type { SaeConfig } from "../types.ts";
import type { Validation } from "../../train/data.ts";

/** As the options of the command give it. */
export interface TrainChoice {
  readonly layer?: number;
  readonly latents: number;
  readonly k: number;
  readonly auxk?: number;
  readonly deadAfter: number;
  readonly normalisation: SaeConfig["normalisation"];
  readonly learningRate?: number;
  readonly warmUp: number;
  readonly decay: number;
  readonly clip: number;
  readonly batch: number;
  readonly tokens?: number;
  readonly epochs?: number;
  readonly buffer?: number;
  readonly maxLength: number;
  readonly specialTokens: boolean;
  readonly seed: number;
}

/** All that the command is given. */
export interface TrainRequest extends TrainChoice {
  readonly fasta: string;
  readonly validation: Validation;
  readonly validationTokens: number;
  readonly embedScale: "hf" | "train";
  readonly model?: string;
  readonly adapter?: string;
  readonly backend: BackendChoice;
  readonly lowMemory: boolean;
  readonly precision?: Precision;
  readonly tokenBudget?: number;
  readonly out: string;
}

/** Tokens of a training where neither `--tokens` nor `--epochs` says otherwise. */
export const DEFAULT_TOKENS = 4_000_000;
/** Tokens of a buffer where `--buffer` does not say, unless they pass `BUFFER_BYTES`. */
export const DEFAULT_BUFFER = 65_536;
const BUFFER_BYTES = 256 * 2 ** 20;

/** The layer: the one asked for, or the middle of the model. */
export function layerOf({ layer }: TrainChoice, { layers }: Esm2Config, model: string): number {
  if (layer === undefined) return Math.max(1, layers >> 1);
  if (layer <= layers) return layer;
  throw new UserError(
    `Cannot train on ${model} as --layer must be in 1..${layers}, the blocks of the model: ` +
      `current value is ${layer}`,
  );
}

/** @throws {UserError} if options contradict each other */
export function checkChoice({ k, latents, tokens, epochs, warmUp, decay }: TrainChoice): void {
  if (k > latents) {
    throw new UserError(
      `Cannot train as --k must be at most --latents ${latents}: current value is ${k}`,
    );
  }
  if (tokens !== undefined && epochs !== undefined) {
    throw new UserError("Cannot train as only one of --tokens and --epochs may be given");
  }
  if (warmUp + decay > 1) {
    throw new UserError(
      `Cannot train as --warm-up and --decay must be at most 1 together: current value is ${
        warmUp + decay
      }`,
    );
  }
}

/** Tokens whose activations are in memory at a time, for shuffling. */
export function bufferTokens({ buffer }: TrainChoice, dModel: number): number {
  return buffer ?? Math.min(DEFAULT_BUFFER, Math.floor(BUFFER_BYTES / (4 * dModel)));
}

/** Dead latents that learn from a token: half the width, as InterProt has it, unless chosen. */
export function auxKOf({ auxk, latents }: TrainChoice, dModel: number): number {
  return Math.min(latents, auxk ?? dModel >> 1);
}

/** Adam's learning rate; without a choice it falls with the size of the weights, F · D. */
export function learningRateOf({ learningRate, latents }: TrainChoice, dModel: number): number {
  return learningRate ?? Number((1.1 / Math.sqrt(latents * dModel)).toPrecision(2));
}
