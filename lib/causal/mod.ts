/** What latents of sparse autoencoders cause: patching, attribution, circuits, steering. */
export { type CaptureOptions, captureSequences, type Encoder } from "./capture.ts";
export { type Circuit, faithfulnessOf, growCircuit, type Node, setOf } from "./circuit.ts";
export { type CircuitRecord, type CircuitSettings, findCircuit } from "./circuit_record.ts";
export { gini, topShare } from "./concentration.ts";
export { type Control, CONTROLS } from "./controls.ts";
export {
  type Candidate,
  candidatesOf,
  donorEdit,
  dropError,
  editOf,
  meanActivations,
  meanEdit,
  resampleEdit,
  zeroEdit,
} from "./edits.ts";
export {
  addsUp,
  explain,
  type Explainer,
  type ExplainSettings,
  type ExplainSubject,
  type Explanation,
  gapOf,
  relativeGap,
} from "./explain.ts";
export { type ExplanationRecord, rankNodes, recordOf } from "./explain_record.ts";
export { type Attribution, integrate } from "./integrate.ts";
export type { Path } from "./path.ts";
export { LatentSpace } from "./latent_space.ts";
export { type Metric, type MetricKind, metricOf, metricValue, parseMetric } from "./metric.ts";
export {
  type PatchKind,
  type PatchRow,
  type PatchSettings,
  type PatchSubject,
  patchSubjects,
} from "./patch.ts";
export { type Quadrature, quadrature, type Rule } from "./quadrature.ts";
export { countLatents, jaccard, meanJaccard } from "./sharing.ts";
export { steer, type Steered, type SteeredResidue, type Steering, steeringEdit } from "./steer.ts";
export { type Measured, type MeasuredJob, Tail, type TailOptions } from "./tail.ts";
export { EngineGradient } from "./tail_gradient.ts";
export type { Capture, Edit as LatentEdit, ErrorTerm, RunKind, TokenEdit } from "./types.ts";
