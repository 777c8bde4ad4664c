/** Reading ESM-2 checkpoints: Hugging Face directories, fair-esm .pt files and .safetensors. */
export type { Checkpoint, TensorInfo, TensorPlace } from "./checkpoint.ts";
export type { Esm2Config } from "./config.ts";
export type { DType } from "./dtype.ts";
export type { BlockModule, BlockTensorName, EsmTensorName, OuterTensorName } from "./names.ts";
export { openCheckpoint, openSafetensorsBytes } from "./open.ts";
