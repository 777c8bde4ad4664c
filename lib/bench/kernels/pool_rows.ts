/** Pooling of the residual stream: a batch of proteins, and one long one. */
import { PoolRows, poolRows } from "../../../kernels/pool_rows/mod.ts";
import {
  BENCH_CASES,
  bytes,
  flops,
  type PoolCase,
  randomRows,
} from "../../../kernels/pool_rows/pool_rows_cases.ts";
import { poolRowsReference } from "../../../kernels/pool_rows/reference.ts";
import type { GpuTensor } from "../../gpu/mod.ts";
import { benchOf, isWithin, type KernelBench } from "./bench.ts";

function poolBench(shape: PoolCase): KernelBench {
  const { name, dModel } = shape;
  return benchOf({
    ...{ kernel: "pool_rows", shape: name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: bytes(shape),
    input: () => randomRows(shape, 1),
    twin: ({ state, weights, ranges }) => [poolRows(state, dModel, ranges, "mean", weights)],
    reference: ({ state, weights, ranges }) => [
      poolRowsReference(state, dModel, ranges, "mean", weights),
    ],
    // Values lie in −1..1, and the longest chain of additions is 136.
    isRight: ([found], expected) => isWithin(found, expected()[0], 136 * 2 ** -24),
    async device(ctx, own, { state, weights, ranges }) {
      const kernel = await PoolRows.create(ctx);
      const shares = own(ctx.upload("weights", [weights.length], weights));
      const bounds = own(
        ctx.upload("ranges", [ranges.length, 2], Uint32Array.from(ranges.flat())),
      );
      const load = () => own(ctx.upload("state", [weights.length, dModel], state));
      const first = load(), pooled = own(kernel.alloc(first, bounds));
      return {
        ...{ load, first },
        encode: (e, rows: GpuTensor<"f32">) =>
          kernel.encode(e, { state: rows, weights: shares, ranges: bounds, pooled }, "mean"),
        outputs: [pooled],
      };
    },
  });
}

export const poolRowsBenches: readonly KernelBench[] = BENCH_CASES.map(poolBench);
