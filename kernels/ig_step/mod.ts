/** Integrated gradients over latents: steps along a path, and what the gradients say of each latent. */
export { IG, type IgLanes, IgStep, type PairTensors } from "./gpu.ts";
export {
  accumulateGradients,
  attributeErrors,
  attributeLatents,
  interpolateStreams,
  latentGradients,
} from "./twin.ts";
export { type LatentPairs, pairLatents } from "./types.ts";
