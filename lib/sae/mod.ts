/** Sparse autoencoders: files, encoding and decoding on a backend, and how well they reconstruct. */
export { type Encoded, type PreActs, SaeCoder } from "./coder.ts";
export type { DeviceLatents } from "./device_engine.ts";
export { type Fidelity, measureFidelity } from "./fidelity.ts";
export { type OpenedSae, openSae, type OpenSaeOptions } from "./open.ts";
export { type ReadSae, readSae, type SaeChoice, type SaeModel } from "./read.ts";
export { StreamTap, type TapOptions } from "./stream_tap.ts";
export type { Sae, SaeConfig, SparseLatents, TokenScale } from "./types.ts";
export { SAE_FORMAT, type WriteOptions, writeSae } from "./write.ts";
