/** Counter-based random numbers, the same bits in TypeScript and in WGSL. */
import philoxWgsl from "./philox.wgsl" with { type: "text" };

export { philox4x32, type PhiloxKey, philoxKey, PhiloxStream } from "./philox.ts";
export { tallyBelow } from "./tally.ts";

/** WGSL functions `philox4x32` and `philox_below`, to be prepended to a kernel's own text. */
export const PHILOX_WGSL: string = philoxWgsl;
