/** Sources, layouts and constants of the steps of encoding on the GPU. */
import { type KernelSpec, ParamLayout } from "../../lib/gpu/mod.ts";
import productSource from "./encode_product.wgsl" with { type: "text" };
import selectSource from "./select_topk.wgsl" with { type: "text" };
import sortSource from "./sort_topk.wgsl" with { type: "text" };
import statsSource from "./token_stats.wgsl" with { type: "text" };

export const STATS_FIELDS = { tokens: "u32", dModel: "u32", normalisation: "u32" } as const;
export const PRODUCT_FIELDS = {
  first: "u32",
  rows: "u32",
  dModel: "u32",
  latents: "u32",
  normalisation: "u32",
} as const;
export const SELECT_FIELDS = { first: "u32", rows: "u32", latents: "u32", k: "u32" } as const;

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

/** @throws {RangeError} if the lanes of the statistics are no power of two */
export function topkSaeEncodeSpecs({ stats, select, sorted }: EncodeLanes) {
  if (!Number.isInteger(Math.log2(stats))) {
    throw new RangeError(
      `Cannot build token_stats as lanes must be a power of two: current value is ${stats}`,
    );
  }
  return {
    stats: spec("token_stats", statsSource, "rww", STATS_FIELDS, { lanes: stats }),
    product: spec("encode_product", productSource, "rrrrrrw", PRODUCT_FIELDS, {}),
    select: spec("select_topk", selectSource, "rww", SELECT_FIELDS, { lanes: select, sorted }),
    sort: spec("sort_topk", sortSource, "ww", SELECT_FIELDS, { lanes: select }),
  };
}

function spec<const P extends Readonly<Record<string, "u32" | "f32">>>(
  label: string,
  source: string,
  access: string,
  fields: P,
  constants: Record<string, number>,
): KernelSpec<P> {
  const bindings = [...access].map((kind) => kind === "r" ? "read" as const : "readWrite" as const);
  return { label, source, bindings, params: new ParamLayout(fields), constants };
}
