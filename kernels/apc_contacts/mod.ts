/** Attention contacts on the GPU: one block's heads, corrected and weighted, into one map. */
import {
  checkShapes,
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import { LANE_SUM_WGSL } from "../../lib/gpu/lane_sum.ts";
import contactsSource from "./apc_contacts.wgsl" with { type: "text" };
import sumsSource from "./apc_sums.wgsl" with { type: "text" };
import totalsSource from "./apc_totals.wgsl" with { type: "text" };

export type { ResidueRanges } from "./types.ts";
export { apcContacts } from "./twin.ts";

const FIELDS = { batch: "u32", heads: "u32", tokens: "u32" } as const;
const PARAMS = new ParamLayout(FIELDS);
type Fields = typeof FIELDS;

/** Threads of a workgroup: per head, and along the side of a tile of the map. */
export interface ApcTile {
  /** Threads that share a row's sums. */
  lanes: number;
  /** Rows and columns of a tile of the map. */
  side: number;
}

/** Sources, layouts and constants of the three steps. */
export function apcContactsSpecs({ lanes, side }: ApcTile): Record<Step, KernelSpec<Fields>> {
  return {
    sums: {
      label: "apc_sums",
      source: sumsSource,
      bindings: ["read", "read", "readWrite"],
      params: PARAMS,
    },
    totals: {
      label: "apc_totals",
      source: totalsSource + LANE_SUM_WGSL,
      bindings: ["read", "read", "readWrite"],
      params: PARAMS,
      constants: { lanes },
    },
    contacts: {
      label: "apc_contacts",
      source: contactsSource,
      bindings: ["read", "read", "read", "read", "read", "readWrite"],
      params: PARAMS,
      constants: { side },
    },
  };
}
type Step = "sums" | "totals" | "contacts";

/** Tokens of a workgroup of apc_sums.wgsl. */
const SUMS_WIDTH = 32;

/** Scratch of one encoding; it must live until the step is submitted. */
export interface ApcScratch extends Disposable {
  /** f32[B, H, T]: row plus column sums of each head. */
  sums: GpuTensor<"f32">;
  /** f32[B, H]: the head's weight over its total. */
  factors: GpuTensor<"f32">;
}

/**
 * Adds Σ over heads of w · APC(a + aᵀ) to a map, see the twin `apcContacts`.
 *
 * pattern   f32[B, H, T, T]  non-negative; row = query; may be borrowed from onnxruntime
 * ranges    u32[B, 2]        residues are tokens begin..end-1; an end past T is cut to T
 * weights   f32[H]
 * contacts  f32[B, T, T]     entries among residues change
 */
export class ApcContacts {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly kernels: Record<Step, Kernel<Fields>>,
    private readonly tile: ApcTile,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses the tile */
  static async create(
    ctx: GpuContext,
    { lanes = 64, side = 16 }: Partial<ApcTile> = {},
  ): Promise<ApcContacts> {
    const tile = { lanes, side }, specs = apcContactsSpecs(tile);
    return new ApcContacts(ctx, {
      sums: await ctx.kernel(specs.sums),
      totals: await ctx.kernel(specs.totals),
      contacts: await ctx.kernel(specs.contacts),
    }, tile);
  }

  /** Makes the scratch for attention of this shape. */
  alloc({ shape: [batch, heads, tokens] }: GpuTensor<"f32">): ApcScratch {
    const sums = this.ctx.alloc("apc sums", [batch, heads, tokens], "f32");
    const factors = this.ctx.alloc("apc factors", [batch, heads], "f32");
    return {
      sums,
      factors,
      [Symbol.dispose]() {
        sums.dispose();
        factors.dispose();
      },
    };
  }

  /** Encodes three dispatches into the caller's step. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    pattern: GpuTensor<"f32">,
    ranges: GpuTensor<"u32">,
    weights: GpuTensor<"f32">,
    contacts: GpuTensor<"f32">,
    { sums, factors }: ApcScratch,
  ): void {
    const [batch, heads, tokens] = pattern.shape;
    checkShapes("sum contacts", [
      [pattern, [batch, heads, tokens, tokens]],
      [ranges, [batch, 2]],
      [weights, [heads]],
      [contacts, [batch, tokens, tokens]],
      [sums, [batch, heads, tokens]],
      [factors, [batch, heads]],
    ]);
    const params = { batch, heads, tokens };
    const { limits } = this.ctx, across = Math.ceil(tokens / this.tile.side);
    this.kernels.sums.dispatch(encoder, {
      tensors: [pattern, ranges, sums],
      params,
      grid: planGrid(batch * heads * Math.ceil(tokens / SUMS_WIDTH), limits),
    });
    this.kernels.totals.dispatch(encoder, {
      tensors: [sums, weights, factors],
      params,
      grid: planGrid(batch * heads, limits),
    });
    this.kernels.contacts.dispatch(encoder, {
      tensors: [pattern, ranges, weights, sums, factors, contacts],
      params,
      grid: planGrid(batch * across * (across + 1) / 2, limits),
    });
  }
}
