/** Low-rank adapters in PEFT's files: read, checked with a model, merged into its weights, made and written. */
export { adapted, adaptedName } from "./adapted.ts";
export {
  type Adapter,
  fitAdapter,
  type LoraTensors,
  mergedWeight,
  type NamedArray,
} from "./adapter.ts";
export { type AdapterConfig, type NewAdapter, TASK_TYPES, type TaskType } from "./config.ts";
export { type AdapterKind } from "./modules.ts";
export { readAdapter } from "./read.ts";
export {
  type AdapterArrays,
  adapterArrays,
  linearAdapters,
  newAdapter,
  type NewAdapterOptions,
  withArrays,
  writeAdapter,
} from "./write.ts";
