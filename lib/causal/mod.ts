/**
 * What latents of sparse autoencoders cause: patching, attribution, circuits, steering.
 *
 * A capture is a run up to an autoencoder with what it encodes there; a tail runs the blocks after it
 * for many edits of a capture at once, each beside the unedited sequence, so that an edit that changes
 * nothing changes the answer by exactly 0. Tokens count from 0 with `<cls>` first, so that residue i
 * (from 1) is token i.
 *
 * @example Which latents carry a mutation's effect
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { Esm2, tokenize } from "../esm2/mod.ts";
 * import { openModel } from "../hub/open_model.ts";
 * import { openSae, SaeCoder } from "../sae/mod.ts";
 * import {
 *   captureSequences,
 *   EngineGradient,
 *   explain,
 *   LatentSpace,
 *   metricOf,
 *   parseMetric,
 *   Tail,
 * } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * const { sae } = await openSae(undefined, {}, model);
 * await using coder = await SaeCoder.open(sae, backend);
 * const rows = ["NLYIQWLKDGGPSSGRPPPS", "NLYIQGLKDGGPSSGRPPPS"]
 *   .map((residues) => tokenize({ id: "trp-cage", residues }));
 * const [[wild, mutant]] = await captureSequences(esm, [coder], rows);
 * await using tail = new Tail(esm, new LatentSpace(sae));
 * const metric = metricOf([{ position: 6, from: "W", to: "G" }], parseMetric("difference"));
 * const [{ nodes, sum, input, baseline }] = await explain(
 *   { tail, gradient: new EngineGradient(tail), coder },
 *   [{ base: wild, donor: mutant, tokens: [6], metric }],
 *   {
 *     baseline: "run",
 *     method: "ig",
 *     through: "latents",
 *     error: "patch",
 *     rule: "gauss-legendre",
 *     steps: 8,
 *     fixed: false,
 *   },
 * );
 * if (nodes.length === 0 || !(Math.abs(sum - (input - baseline)) < 0.05 * Math.abs(sum) + 1e-3)) {
 *   throw new Error("contributions must add up");
 * }
 * ```
 *
 * @module
 */
export { type CaptureOptions, captureSequences, type Encoder as LatentEncoder } from "./capture.ts";
export {
  type Circuit,
  type CurvePoint,
  faithfulnessOf,
  growCircuit,
  type Node,
  setOf,
} from "./circuit.ts";
export {
  type CircuitRecord,
  type CircuitSettings,
  findCircuit,
  type RandomSets,
  type Ranking,
  RANKINGS,
} from "./circuit_record.ts";
export { gini, topShare } from "./concentration.ts";
export { type Control, CONTROLS, type Draw } from "./controls.ts";
export {
  type Candidate,
  candidatesOf,
  donorEdit,
  dropError,
  editOf,
  meanActivations,
  meanEdit,
  type Replacement,
  REPLACEMENTS,
  resampleEdit,
  zeroEdit,
} from "./edits.ts";
export {
  addsUp,
  type Baseline,
  BASELINES,
  explain,
  type Explainer,
  type ExplainSettings,
  type ExplainSubject,
  type Explanation,
  gapOf,
  type Method as AttributionMethod,
  METHODS as ATTRIBUTION_METHODS,
  type PathSpace,
  relativeGap,
  SPACES as PATH_SPACES,
} from "./explain.ts";
export {
  type Cotangent,
  EngineGradient,
  type GradientOptions,
  type TailGradient,
} from "./gradients.ts";
export {
  type Concentration,
  type ExplanationRecord,
  rankNodes,
  recordOf,
} from "./explain_record.ts";
export {
  type Attribution,
  integrate,
  type Integrated,
  type IntegrateSettings,
} from "./integrate.ts";
export type { Path, PreActPath } from "./path.ts";
export { LatentSpace } from "./latent_space.ts";
export {
  type Metric,
  type MetricKind,
  metricOf,
  metricValue,
  parseMetric,
  type Read,
} from "./metric.ts";
export {
  type PatchKind,
  type PatchRow,
  type PatchSettings,
  type PatchSubject,
  patchSubjects,
} from "./patch.ts";
export { type Quadrature, quadrature, type Rule, RULES as QUADRATURE_RULES } from "./quadrature.ts";
export { countLatents, jaccard, meanJaccard, type SharedLatent } from "./sharing.ts";
export {
  steer,
  type Steered,
  type SteeredResidue,
  type Steering,
  type SteeringEdit,
  steeringEdit,
} from "./steer.ts";
export type { Job } from "./state_batch.ts";
export { type Measured, type MeasuredJob, Tail, type TailOptions } from "./tail.ts";
export {
  type Capture,
  type Edit as LatentEdit,
  ERRORS as ERROR_TERMS,
  type ErrorTerm,
  type LatentDeltas,
  type RunKind,
  RUNS as RUN_KINDS,
  type TokenEdit,
} from "./types.ts";
