/** Where a kernel stands under this run's own roof (Williams et al. 2009, doi:10.1145/1498765.1498785). */
import type { Spread } from "./statistics.ts";
import type { Bound, Ceilings } from "./types.ts";

/** A dispatch shorter than this many empty ones says more about the launch than about the kernel. */
const LAUNCHES = 3;

export interface Standing {
  gbps: number;
  gflops: number;
  share: number;
  bound: Bound;
}

/** Rates at the median, and the share of the ceiling that limits an operation of this intensity. */
export function standing(
  { bytes, flops }: { bytes: number; flops: number },
  us: Spread,
  { copyGBps, fmaGflops, launchUs }: Ceilings,
): Standing {
  const gbps = bytes / us.median / 1e3, gflops = flops / us.median / 1e3;
  const ofMemory = gbps / copyGBps, ofArithmetic = gflops / fmaGflops;
  // The limit is the ceiling that would be reached first.
  const limit: Bound = ofMemory >= ofArithmetic ? "memory" : "compute";
  return {
    gbps,
    gflops,
    share: Math.max(ofMemory, ofArithmetic),
    bound: us.median < LAUNCHES * launchUs ? "launch" : limit,
  };
}
