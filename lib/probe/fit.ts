/** One probe: the penalty that the validation set chooses, and what it predicts of the test set. */
import type { Backend } from "../backend/types.ts";
import { accuracy, balancedAccuracy, confusionOf } from "../stats/confusion.ts";
import { calledOf, errorsOf, type Truth } from "./evaluate.ts";
import type { Features } from "./features.ts";
import { balancedWeights, fitLogistic, type Linear, probabilitiesOf } from "./logistic.ts";
import type { Products } from "./products.ts";
import { normalEquations, solveRidge } from "./ridge.ts";
import { Design, type FeatureRows, rowsOf, type Scale, scaleOf } from "./rows.ts";
import { labelsOf, type Selection } from "./selection.ts";
import type { SetName, SplitProblem } from "./types.ts";

/** Penalties of logistic regression (larger is weaker) and of ridge (larger is stronger). */
export const C_GRID = [0.01, 0.1, 1, 10, 100] as const;
/** Likewise of ridge. */
export const ALPHA_GRID = [0.01, 0.1, 1, 10, 100, 1000, 10_000, 100_000] as const;

/** How probes are trained. */
export interface FitOptions {
  /** Every class weighs the same. */
  balanced: boolean;
  /** The grid; @default that of the problem's kind */
  penalties?: readonly number[];
  signal?: AbortSignal;
}

/** A linear read-out of features as they come. */
export interface ProbeHead extends Linear {
  readonly scale: Scale;
}

/** What a probe has become. */
export interface FittedProbe {
  readonly head: ProbeHead;
  /** C, or alpha. */
  readonly penalty: number;
  /** Whether the penalty is at an end of the grid. */
  readonly isAtEnd: boolean;
  /** Of the validation set: (balanced) accuracy, or R². */
  readonly validation: number;
  /** Steps of the optimiser at that penalty; 0 of ridge. */
  readonly steps: number;
  readonly converged: boolean;
  /** Of the test set: probabilities f32[n, classes] or numbers f32[n]. */
  readonly predicted: Float32Array;
}

/** What all probes of a problem have in common. */
export class Trainer {
  readonly #labels: Readonly<Record<SetName, Float64Array>>;

  constructor(
    readonly backend: Backend,
    readonly products: Products,
    readonly problem: SplitProblem,
    readonly selection: Selection,
    readonly options: FitOptions,
  ) {
    const of = (set: SetName) => labelsOf(problem, selection, selection.proteins[set]);
    this.#labels = { train: of("train"), validation: of("validation"), test: of("test") };
  }

  /** The rows of a set. */
  rows({ width, read }: Features, set: SetName): FeatureRows {
    const { rows, proteins } = this.selection;
    return rowsOf(width, proteins[set], (p) => rows(p).length, read);
  }

  /** The truth of the test set. */
  get truth(): Truth {
    const { rows, proteins } = this.selection;
    return {
      labels: this.#labels.test,
      rows: proteins.test.map((p) => rows(p).length),
      classes: this.problem.classes.length,
      isResidue: this.problem.per === "residue",
    };
  }

  /** Trains with every penalty of the grid. @param order rows whose labels are taken instead */
  async fit(features: Features, order?: Uint32Array): Promise<FittedProbe> {
    const { backend, products, options: { signal } } = this;
    const train = this.rows(features, "train"), scale = await scaleOf(train);
    using design = await Design.create(backend, train, scale);
    using choosing = await Design.create(backend, this.rows(features, "validation"), scale);
    const own = this.#labels.train;
    const labels = order ? Float64Array.from(order, (r) => own[r]) : own;
    const isClasses = this.problem.kind === "classes";
    const found = isClasses
      ? await this.#logistic(design, choosing, labels)
      : await this.#ridge(design, choosing, labels);
    signal?.throwIfAborted();
    using testing = await Design.create(backend, this.rows(features, "test"), scale, 0);
    return {
      ...found,
      head: { ...found.head, scale },
      predicted: await predict(testing, found.head, products, this.problem.classes.length),
    };
  }

  async #logistic(design: Design, choosing: Design, labels: Float64Array) {
    const { balanced, penalties = C_GRID, signal } = this.options, { products } = this;
    const classes = this.problem.classes.length;
    const weightOf = balanced ? balancedWeights(classes, labels) : undefined;
    let start: Linear | undefined, best;
    // From the strongest penalty on, each beginning where the one before ended.
    for (const [i, penalty] of [...penalties].sort((a, b) => a - b).entries()) {
      const fit = await fitLogistic(design, labels, classes, penalty, products, {
        ...{ weightOf, start, signal },
      });
      start = fit;
      const guess = calledOf(await predict(choosing, fit, products, classes), classes);
      const confusion = confusionOf(classes, this.#labels.validation, guess);
      const validation = balanced ? balancedAccuracy(confusion) : accuracy(confusion);
      // Of equals the stronger penalty.
      if (best && validation <= best.validation) continue;
      const { weights, bias, steps, converged } = fit;
      const isAtEnd = penalties.length > 1 && (i === 0 || i === penalties.length - 1);
      best = { head: { weights, bias }, penalty, validation, steps, converged, isAtEnd };
    }
    return best!;
  }

  async #ridge(design: Design, choosing: Design, labels: Float64Array) {
    const { penalties = ALPHA_GRID } = this.options, { products } = this;
    const normal = await normalEquations(design, labels, products);
    let best;
    for (const [i, penalty] of [...penalties].sort((a, b) => b - a).entries()) {
      const head = solveRidge(normal, penalty);
      const guess = await predict(choosing, head, products, 0);
      const { r2 } = errorsOf(this.#labels.validation, guess);
      if (best && !(r2 > best.validation)) continue;
      const isAtEnd = penalties.length > 1 && (i === 0 || i === penalties.length - 1);
      best = { head, penalty, validation: r2, steps: 0, converged: true, isAtEnd };
    }
    return best!;
  }
}

/** Probabilities f32[n, classes], or numbers f32[n] where there are no classes. */
export async function predict(
  design: Design,
  { weights, bias }: Linear,
  products: Products,
  classes: number,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  await design.each(async (x) => {
    const logits = await products.logits(x, weights, bias);
    parts.push(classes === 0 ? logits : probabilitiesOf(logits, classes));
  });
  const found = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    found.set(part, at);
    at += part.length;
  }
  return found;
}
