/** A small layer over WebGPU: context, tensors, kernels, read-back and timing. */
export type { AdapterRecord } from "./adapter.ts";
export { GpuContext, type GpuOptions } from "./context.ts";
export { GpuError } from "./errors.ts";
export { checkLoopSteps, type Grid, planGrid } from "./grid.ts";
export { type Access, type Dispatch, Kernel, type KernelSpec } from "./kernel.ts";
export {
  type Binding,
  type Extents,
  type GivenOf,
  type KernelBindings,
  type KernelNumbers,
  type KernelOf,
  type KernelRows,
  KernelTable,
  type ParamFieldsOf,
  TableKernel,
  type TensorsOf,
} from "./kernel_table.ts";
export {
  type ParamFields,
  paramFieldsOf,
  ParamLayout,
  type ParamType,
  type ParamValues,
} from "./params.ts";
export type { Readings } from "./readback.ts";
export { checkShapes } from "./shapes.ts";
export {
  type ElementArrays,
  elementBytes,
  type ElementType,
  type ElementTypeOf,
  GpuTensor,
  type Uploadable,
} from "./tensor.ts";
export { measure, type TimingOptions, type Timings } from "./timing.ts";
