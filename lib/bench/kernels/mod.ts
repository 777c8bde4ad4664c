/** Every kernel at its benchmark shapes; a new kernel folder adds its own here. */
import type { KernelBench } from "./bench.ts";
import { columnMassBenches } from "./column_mass.ts";
import { siteBenches } from "./site_baseline.ts";

export type { CpuRun, GpuRun, KernelBench } from "./bench.ts";
export { copyBench, fmaBench } from "./ceilings.ts";
export { noop } from "./noop.ts";

export const kernelBenches: readonly KernelBench[] = [...columnMassBenches, ...siteBenches];
