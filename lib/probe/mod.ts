/**
 * Linear probes: what can be read out of features by logistic or ridge regression, and how well, on
 * proteins that took no part.
 *
 * Solutions equal scikit-learn's (`LogisticRegression` with lbfgs, `Ridge`) on standardised features;
 * heavy products run on a backend.
 *
 * @example Three classes from two features
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { calledOf, Design, fitLogistic, matrixRows, predict, Products, scaleOf } from "./mod.ts";
 *
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using products = new Products(backend);
 * const rows = matrixRows(Float32Array.of(0, 0, 0, 1, 5, 0, 5, 1, 0, 5, 1, 5), 2);
 * const labels = [0, 0, 1, 1, 2, 2];
 * using design = await Design.create(backend, rows, await scaleOf(rows));
 * const fit = await fitLogistic(design, labels, 3, 100, products);
 * const called = calledOf(await predict(design, fit, products, 3), 3);
 * if (called.join() !== labels.join()) throw new Error(called.join());
 * ```
 *
 * @module
 */
export {
  calledOf,
  evaluate as evaluateProbe,
  type Metric,
  type MetricName,
  type Metrics,
  NUMBER_METRICS,
  RESIDUE_METRICS,
  SET_METRICS,
  type Truth as ProbeTruth,
} from "./evaluate.ts";
export { ALPHA_GRID, C_GRID, predict, type ProbeHead } from "./fit.ts";
export { type HeadFile, readHead, writeHead } from "./head_file.ts";
export { type Evaluation, lbfgs, type LbfgsOptions, type Minimum } from "./lbfgs.ts";
export {
  balancedWeights,
  fitLogistic,
  type Linear,
  type LogisticFit,
  probabilitiesOf,
} from "./logistic.ts";
export { Products } from "./products.ts";
export { type Normal, normalEquations, solveRidge } from "./ridge.ts";
export {
  Design,
  type FeatureRows,
  matrixRows,
  type RowBlock,
  type Scale,
  scaleOf,
  standardise,
} from "./rows.ts";
export { similarityGroups, type SimilarityOptions } from "./similarity.ts";
export { type SplitOptions, splitProblem, SPLITS, type SplitWatch } from "./split.ts";
export {
  type LabelledProtein,
  type Problem,
  type SetName,
  SETS,
  type SplitProblem,
} from "./types.ts";
