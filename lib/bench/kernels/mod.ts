/** Every kernel at its benchmark shapes; a new kernel folder adds its own here. */
import { adamwBenches } from "./adamw.ts";
import { apcContactsBenches } from "./apc_contacts.ts";
import type { KernelBench } from "./bench.ts";
import { columnMassBenches } from "./column_mass.ts";
import { igStepBenches } from "./ig_step.ts";
import { jacobianNormBenches } from "./jacobian_norm.ts";
import { matmulBenches } from "./matmul.ts";
import { muonBenches } from "./muon.ts";
import { poolRowsBenches } from "./pool_rows.ts";
import { sequence } from "./sequence.ts";
import { siteBenches } from "./site_baseline.ts";
import { sparseDecodeBenches } from "./sparse_decode.ts";
import { logProbsBenches } from "./token_log_probs.ts";
import { saeEncodeBenches } from "./topk_sae_encode.ts";

export type { CpuRun, GpuRun, KernelBench } from "./bench.ts";
export { copyBench } from "./copy.ts";
export { fmaBench } from "./fma.ts";
export { noop } from "./noop.ts";

/** All blocks of 650M for a protein of 412 residues, and the null of its 660 heads. */
const wholeAnalysis = sequence(
  "whole site analysis",
  "33 × [1, 20, 414, 414], 4 sites, 1000 trials",
  [columnMassBenches[columnMassBenches.length - 1], siteBenches[siteBenches.length - 1]],
);

export const kernelBenches: readonly KernelBench[] = [
  ...columnMassBenches,
  ...siteBenches,
  wholeAnalysis,
  ...apcContactsBenches,
  ...jacobianNormBenches,
  ...matmulBenches,
  ...logProbsBenches,
  ...saeEncodeBenches,
  ...sparseDecodeBenches,
  ...igStepBenches,
  ...poolRowsBenches,
  ...adamwBenches,
  ...muonBenches,
];
