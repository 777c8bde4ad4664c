/** Drawing some of many, the same ones for the same seed on every machine. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";

/** Streams of the project's seeds that causal analyses use, so that none repeats another's draws. */
export const STREAMS = {
  sample: 0x5a01,
  control: 0x5a02,
  displaced: 0x5a03,
  resample: 0x5a04,
  circuit: 0x5a05,
} as const;

/** `count` of the numbers 0..total − 1 without repeats, ascending; all of them where there are fewer. */
export function sampleIndices(total: number, count: number, seed: number): number[] {
  const stream = new PhiloxStream(seed, STREAMS.sample);
  const order = Array.from({ length: total }, (_, i) => i);
  const wanted = Math.min(total, count);
  for (let i = 0; i < wanted; i++) {
    const j = i + stream.below(total - i, 0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, wanted).sort((a, b) => a - b);
}
