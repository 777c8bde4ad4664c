/** Weights that are trained, with all that their optimiser remembers, where the backend computes. */
import { type Backend, elementCount, type Tensor } from "../backend/types.ts";
import type { AdamOptions } from "./adamw.ts";
import { DeviceParameters } from "./device_parameters.ts";
import { HostParameters } from "./host_parameters.ts";

/** Arrays of the host by name. */
export type NamedArrays = Record<string, Float32Array>;

/** Shapes by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Numbers in all of them. */
export const countOf = (shapes: Shapes): number =>
  shapes.values().reduce((sum, shape) => sum + elementCount(shape), 0);

/** How weights are moved. */
export interface OptimiserSettings extends AdamOptions {
  /** Which matrices Muon moves, and how; all else is AdamW's. @default none */
  readonly muon?: {
    moves(name: string, shape: readonly number[]): boolean;
    /** Share of the momentum that stays in a step. @default 0.95 */
    readonly momentum?: number;
    /** Share of a weight that decays, times the rate. @default 0 */
    readonly decay?: number;
  };
  /** Share of the running mean of the weights that stays in a step. @default no mean is kept */
  readonly average?: number;
}

/** One step. */
export interface ParameterStep {
  /** Counts from 1. */
  readonly step: number;
  /** Learning rate of AdamW. */
  readonly rate: number;
  /** Learning rate of Muon. @default `rate` */
  readonly matrixRate?: number;
  /** Longest gradient, all names together. @default any */
  readonly clip?: number;
  /** What else is read with the norm, in the same wait. */
  readonly alongside?: readonly Tensor[];
}

/** What a step says. */
export interface ParameterReport {
  /** Length of the gradient before it was clipped. */
  readonly norm: number;
  /** Values of the tensors that were read alongside. */
  readonly alongside: Float32Array[];
}

/** All that a training goes on from, as groups of named arrays. */
export interface ParameterMemory {
  readonly weights: NamedArrays;
  /** Running means of the gradient and of its square, of AdamW's. */
  readonly first: NamedArrays;
  readonly second: NamedArrays;
  /** Of Muon's. */
  readonly momentum: NamedArrays;
  /** Running mean of the weights, where one is kept; else without names. */
  readonly average: NamedArrays;
  readonly [group: string]: NamedArrays;
}

/** Named weights with sums of gradients and moments; on a GPU nothing of it is on the host. */
export interface Parameters extends AsyncDisposable {
  readonly shapes: Shapes;
  /** The weights as they stand, as a graph reads them: stays its own, valid until the next step. */
  tensor(name: string): Tensor;
  /**
   * Adds gradients, which stay the caller's; names without a shape here are an error.
   *
   * @param gradients valid until it returns; what it waits for needs them no more
   */
  add(gradients: Readonly<Record<string, Tensor>>): Promise<void>;
  /** The same of values of the host. */
  addArray(name: string, values: Float32Array): Promise<void>;
  /**
   * Shortens the sum of gradients to `clip`, moves the weights against it, and forgets it. Weights that got
   * no gradient stay as they are.
   *
   * @throws {UserError} if the gradient is not finite
   */
  step(step: ParameterStep): Promise<ParameterReport>;
  /** The weights as arrays: on a host those that are trained, on a GPU copies. */
  read(): Promise<NamedArrays>;
  /** The running mean of the weights, or the weights where none is kept. */
  readAverage(): Promise<NamedArrays>;
  /** Everything that the next step depends on, for a state file: as `read`. */
  memory(): Promise<ParameterMemory>;
  /** Puts back what `memory` gave. @throws {RangeError} if a name or length differs */
  load(memory: ParameterMemory): Promise<void>;
}

/**
 * Makes parameters of arrays; those stay the caller's, but a host trains them in place.
 *
 * Nothing is kept for names that are not in `shapes`.
 *
 * @throws {RangeError} if an array is missing or of another length
 */
export async function openParameters(
  backend: Backend,
  shapes: Shapes,
  arrays: Readonly<NamedArrays>,
  settings: OptimiserSettings = {},
): Promise<Parameters> {
  return backend.gpu
    ? await DeviceParameters.open(backend, backend.gpu, shapes, arrays, settings)
    : new HostParameters(backend, shapes, arrays, settings);
}
