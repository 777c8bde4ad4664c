/** The steps of encoding on the GPU. */
import { type GpuContext, KernelTable } from "../../lib/gpu/mod.ts";
import productSource from "./encode_product.wgsl" with { type: "text" };
import selectSource from "./select_topk.wgsl" with { type: "text" };
import sortSource from "./sort_topk.wgsl" with { type: "text" };
import statsSource from "./token_stats.wgsl" with { type: "text" };

/** Side of the product's tile; its threads are fixed to it. */
export const TILE = 64;

/** Workgroups of the steps that are not tiled. */
export interface EncodeLanes {
  /** Threads that share a token's statistics, a power of two. */
  stats: number;
  /** Threads that share a token's selection. */
  select: number;
  /** Most entries that are sorted in workgroup memory, 8 bytes each. */
  sorted: number;
}

export const DEFAULT_LANES: EncodeLanes = { stats: 64, select: 256, sorted: 1024 };

const action = "encode", hidden = ["read", "f32", "N D"] as const;
const SELECTED = {
  topActs: ["readWrite", "f32", "N k"],
  topIndices: ["readWrite", "u32", "N k"],
} as const;
const SELECT = { first: "u32", rows: "u32", latents: "u32", k: "k" } as const;

/** The four kernels; `rows` of pre-activations lie on the device at a time. */
export const ENCODE = {
  stats: new KernelTable({
    ...{ label: "token_stats", action, source: statsSource },
    bindings: {
      hidden,
      tokenMean: ["readWrite", "f32", "N"],
      tokenStd: ["readWrite", "f32", "N"],
    },
    params: { tokens: "N", dModel: "D", normalisation: "u32" },
  }),
  product: new KernelTable({
    ...{ label: "encode_product", action, source: productSource },
    bindings: {
      hidden,
      tokenMean: ["read", "f32", "N"],
      tokenStd: ["read", "f32", "N"],
      wEnc: ["read", "f32", "D F"],
      bEnc: ["read", "f32", "F"],
      bPre: ["read", "f32", "D"],
      preActs: ["readWrite", "f32", "rows F"],
    },
    params: { first: "u32", rows: "u32", dModel: "D", latents: "F", normalisation: "u32" },
  }),
  select: new KernelTable({
    ...{ label: "select_topk", action, source: selectSource },
    bindings: { preActs: ["read", "f32", "rows F"], ...SELECTED },
    params: { ...SELECT, latents: "F" },
  }),
  sort: new KernelTable({
    ...{ label: "sort_topk", action, source: sortSource, bindings: SELECTED, params: SELECT },
  }),
};

/** Builds them. @throws {RangeError} if the lanes of the statistics are no power of two */
export async function buildSteps(ctx: GpuContext, { stats, select, sorted }: EncodeLanes) {
  if (!Number.isInteger(Math.log2(stats))) {
    throw new RangeError(
      `Cannot build token_stats as lanes must be a power of two: current value is ${stats}`,
    );
  }
  return {
    stats: await ENCODE.stats.build(ctx, { lanes: stats }),
    product: await ENCODE.product.build(ctx),
    select: await ENCODE.select.build(ctx, { lanes: select, sorted }),
    sort: await ENCODE.sort.build(ctx, { lanes: select }),
  };
}
