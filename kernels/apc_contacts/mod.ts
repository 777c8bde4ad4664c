/** Attention contacts on the GPU: one block's heads, corrected and weighted, into one map. */
import { type GpuContext, type GpuTensor, KernelTable } from "../../lib/gpu/mod.ts";
import { LANE_SUM_WGSL } from "../../lib/gpu/lane_sum.ts";
import contactsSource from "./apc_contacts.wgsl" with { type: "text" };
import sumsSource from "./apc_sums.wgsl" with { type: "text" };
import totalsSource from "./apc_totals.wgsl" with { type: "text" };

export type { ResidueRanges } from "./types.ts";
export { apcContacts } from "./twin.ts";

/** Threads of a workgroup: per head, and along the side of a tile of the map. */
export interface ApcTile {
  /** Threads that share a row's sums. */
  lanes: number;
  /** Rows and columns of a tile of the map. */
  side: number;
}

const PATTERN = ["read", "f32", "B H T T"] as const, RANGES = ["read", "u32", "B 2"] as const;
const WEIGHTS = ["read", "f32", "H"] as const;
const COMMON = {
  action: "sum contacts",
  params: { batch: "B", heads: "H", tokens: "T" },
} as const;

/** The three steps. */
export const APC = {
  sums: new KernelTable({
    ...COMMON,
    label: "apc_sums",
    source: sumsSource,
    bindings: { pattern: PATTERN, ranges: RANGES, sums: ["readWrite", "f32", "B H T"] },
  }),
  totals: new KernelTable({
    ...COMMON,
    label: "apc_totals",
    source: totalsSource + LANE_SUM_WGSL,
    bindings: {
      sums: ["read", "f32", "B H T"],
      weights: WEIGHTS,
      factors: ["readWrite", "f32", "B H"],
    },
  }),
  contacts: new KernelTable({
    ...COMMON,
    label: "apc_contacts",
    source: contactsSource,
    bindings: {
      pattern: PATTERN,
      ranges: RANGES,
      weights: WEIGHTS,
      sums: ["read", "f32", "B H T"],
      factors: ["read", "f32", "B H"],
      contacts: ["readWrite", "f32", "B T T"],
    },
  }),
};

/** Builds the steps for a tile. */
async function buildSteps(ctx: GpuContext, { lanes, side }: ApcTile) {
  return {
    sums: await APC.sums.build(ctx),
    totals: await APC.totals.build(ctx, { lanes }),
    contacts: await APC.contacts.build(ctx, { side }),
  };
}

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
    private readonly steps: Awaited<ReturnType<typeof buildSteps>>,
    private readonly tile: ApcTile,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses the tile */
  static async create(
    ctx: GpuContext,
    { lanes = 64, side = 16 }: Partial<ApcTile> = {},
  ): Promise<ApcContacts> {
    const tile = { lanes, side };
    return new ApcContacts(ctx, await buildSteps(ctx, tile), tile);
  }

  /** Makes the scratch for attention of this shape. */
  alloc(pattern: GpuTensor<"f32">): ApcScratch {
    const extents = APC.sums.extents({ pattern }), owned = new DisposableStack();
    return {
      sums: owned.use(APC.sums.alloc(this.ctx, "sums", extents)),
      factors: owned.use(APC.totals.alloc(this.ctx, "factors", extents)),
      [Symbol.dispose]: () => owned.dispose(),
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
    const { steps, tile } = this;
    // All are checked before the first is encoded.
    const all = { pattern, ranges, weights, sums, factors, contacts };
    const { B, H, T } = APC.contacts.extents(all), across = Math.ceil(T / tile.side);
    steps.sums.encode(encoder, all, {}, () => B * H * Math.ceil(T / SUMS_WIDTH));
    steps.totals.encode(encoder, all, {}, () => B * H);
    steps.contacts.encode(encoder, all, {}, () => B * across * (across + 1) / 2);
  }
}
