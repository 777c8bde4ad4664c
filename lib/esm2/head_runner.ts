/** Runs the language-model head, and differentiates it. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { UserError } from "../errors.ts";
import { cotangentOf } from "../onnx/gradient.ts";
import { type AdapterDropout, type AdapterInputs, adapterInputs } from "./adapter_weights.ts";
import { TOKENS } from "./alphabet.ts";
import type { AdapterWeight, HeadLinear } from "./adapters.ts";
import { headGraph, type HeadWeight, NORM_WEIGHTS, normGraph } from "./head.ts";
import type { ProgramCache } from "./programs.ts";
import type { WeightSource } from "./weights.ts";

/** An affine map of a state before the head reads it: x + x · matrixᵀ + bias. */
export interface Translator {
  /** f32[D, D] */
  readonly matrix: Tensor;
  /** f32[D] */
  readonly bias: Tensor;
}

/** What the head reads. */
export interface HeadOptions {
  /** Rows of [N, D], in this order, repetition allowed. @default all */
  rows?: ArrayLike<number>;
  /** Whether the stream has been through the final LayerNorm. @default false */
  normalised?: boolean;
  /** What comes before all else; stays the caller's. @default nothing */
  translator?: Translator;
  /** What adapters do not read, in training. @default they read all */
  dropout?: AdapterDropout;
}

/** What the head gives of R rows; whoever asked disposes of it. */
export interface HeadResult {
  /** f32[R, 33] */
  readonly logits: Tensor;
  /** f32[R, D] after the final LayerNorm, of a stream that was not normalised. */
  readonly normalised?: Tensor;
}

/** What the head can be differentiated with respect to. */
export type HeadInput = "x" | HeadWeight | AdapterWeight<HeadLinear>;

/** The head as programs of its own. */
export class HeadRunner {
  constructor(
    readonly engine: {
      readonly config: Esm2Config;
      readonly backend: Backend;
      readonly weights: WeightSource;
      readonly programs: ProgramCache;
    },
  ) {}

  /** Logits of rows of `x` f32[N, D]. @throws {RangeError} if a row does not exist */
  async run(
    x: Tensor,
    { rows, normalised = false, translator, dropout }: HeadOptions = {},
  ): Promise<HeadResult> {
    const { config, programs } = this.engine;
    using owned = new DisposableStack();
    const count = rows?.length ?? x.shape[0];
    const { forms, tensors } = await this.#weights(count, dropout, owned);
    using numbers = rows && rowNumbers(rows, x.shape[0], this.engine.backend);
    const program = await programs.get(
      headGraph,
      config,
      rows !== undefined,
      normalised,
      translator !== undefined,
      forms,
    );
    const { logits, normalised: state } = await program.run(
      {
        ...tensors,
        x,
        ...(numbers && { rows: numbers }),
        ...(translator && {
          "translator.matrix": translator.matrix,
          "translator.bias": translator.bias,
        }),
      },
      {
        logits: [count, TOKENS.length],
        ...(!normalised && { normalised: [count, config.dModel] }),
      },
    );
    return { logits, normalised: state };
  }

  /** From dS/d(logits) f32[R, 33] to dS/dw for each w of `wrt`: the stream f32[N, D] or a weight. */
  async backward<W extends HeadInput>(
    x: Tensor,
    { rows, normalised = false, dropout }: HeadOptions,
    cotangent: Tensor,
    wrt: readonly W[],
  ): Promise<Record<W, Tensor>> {
    const { config, programs } = this.engine;
    using owned = new DisposableStack();
    const { forms, tensors } = await this.#weights(rows?.length ?? x.shape[0], dropout, owned);
    using numbers = rows && rowNumbers(rows, x.shape[0], this.engine.backend);
    const program = await programs.vjp(
      headGraph,
      [config, rows !== undefined, normalised, false, forms],
      ["logits"],
      wrt,
    );
    return await program.gradients({
      ...tensors,
      x,
      ...(numbers && { rows: numbers }),
      [cotangentOf("logits")]: cotangent,
    }, wrt);
  }

  /** What the head reads besides its input. */
  async #weights(
    rows: number,
    dropout: AdapterDropout | undefined,
    owned: DisposableStack,
  ): Promise<AdapterInputs> {
    const { tensors } = owned.use(await this.engine.weights.head());
    if (!tensors["lm_head.dense.weight"]) {
      throw new UserError(
        "Cannot compute logits of residues as the model must have a language-model head: it was " +
          "fine-tuned to tell classes and stored without",
      );
    }
    const found = await adapterInputs(
      ...[this.engine, "head", tensors, rows, dropout, owned] as const,
    );
    return { forms: found.forms, tensors: { ...tensors, ...found.tensors } };
  }

  /** The stream f32[N, D] after the final LayerNorm. */
  async normalise(x: Tensor): Promise<Tensor> {
    const { config, programs, weights } = this.engine;
    const program = await programs.get(normGraph, config);
    using set = await weights.head();
    return (await program.run({ ...set.tensors, x }, { normalised: [...x.shape] })).normalised;
  }

  /** From dS/d(normalised) to dS/dw for each w of `wrt`. @throws {RangeError} if it is of what comes later */
  async normaliseBackward<W extends HeadInput>(
    x: Tensor,
    cotangent: Tensor,
    wrt: readonly W[],
  ): Promise<Record<W, Tensor>> {
    const { config, programs, weights } = this.engine;
    const later = wrt.find((name) => name !== "x" && !NORM_WEIGHTS.some((own) => own === name));
    if (later) {
      throw new RangeError(
        `Cannot differentiate with respect to "${later}" as the final state must depend on it: ` +
          `of the head it depends on ${NORM_WEIGHTS.join(" and ")}`,
      );
    }
    const program = await programs.vjp(normGraph, [config], ["normalised"], wrt);
    using set = await weights.head();
    const values = { ...set.tensors, x, [cotangentOf("normalised")]: cotangent };
    return await program.gradients(values, wrt);
  }
}

/**
 * Row numbers as graphs take them: floats, which are exact to 2^24.
 *
 * @param all how many rows there are
 * @throws {RangeError} if a row does not exist
 */
export function rowNumbers(rows: ArrayLike<number>, all: number, backend: Backend): Tensor {
  const numbers = Float32Array.from(rows);
  const isRow = (row: number) => Number.isInteger(row) && row >= 0 && row < all;
  const wrong = numbers.findIndex((row, i) => row !== rows[i] || !isRow(row));
  if (wrong >= 0 || numbers.length === 0) {
    throw new RangeError(
      `Cannot run the head as rows must be in 0..${all - 1}: current value is ${
        rows[wrong] ?? "none"
      }`,
    );
  }
  return backend.upload("rows", [numbers.length], numbers);
}
