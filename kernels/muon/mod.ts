/** Both ends of a step of Muon for all matrices of a shape at once; products between them turn the momentum. */
import { type GpuContext, type GpuTensor, type KernelOf, KernelTable } from "../../lib/gpu/mod.ts";
import momentumSource from "./muon_momentum.wgsl" with { type: "text" };
import turnSource from "./muon_turn.wgsl" with { type: "text" };
import type { MuonNumbers } from "./types.ts";

export { muonMomentum, muonTurn } from "./twin.ts";
export { type MuonNumbers, muonNumbers } from "./types.ts";

const action = "move matrices", LANES = 256;
const SHAPE = { matrices: "M", rows: "R", columns: "C" } as const;

/** The two steps. */
export const MUON = {
  momentum: new KernelTable({
    ...{ label: "muon_momentum", action, source: momentumSource },
    bindings: {
      gradients: ["read", "f32", "P"],
      flags: ["read", "u32", "M"],
      clip: ["read", "f32", "2"],
      momentum: ["readWrite", "f32", "P"],
      ahead: ["readWrite", "f32", "M R C"],
    },
    params: { ...SHAPE, kept: "f32" },
  }),
  turn: new KernelTable({
    ...{ label: "muon_turn", action, source: turnSource },
    bindings: {
      turned: ["read", "f32", "M R C"],
      flags: ["read", "u32", "M"],
      weights: ["readWrite", "f32", "P"],
    },
    params: { ...SHAPE, kept: "f32", size: "f32" },
  }),
};

/** Steps of Muon on tensors that stay on the device; see the twins for what is computed. */
export class MuonStep {
  private constructor(
    private readonly momentumOf: KernelOf<typeof MUON.momentum>,
    private readonly turnOf: KernelOf<typeof MUON.turn>,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses one */
  static async create(ctx: GpuContext): Promise<MuonStep> {
    const constants = { lanes: LANES };
    return new MuonStep(
      ...await Promise.all([MUON.momentum.build(ctx, constants), MUON.turn.build(ctx, constants)]),
    );
  }

  /**
   * Moves momenta, and gives what is to be turned.
   *
   * @throws {RangeError} if shapes do not fit
   */
  momentum(
    encoder: GPUCommandEncoder,
    tensors: {
      /** f32[P] */
      gradients: GpuTensor<"f32">;
      /** u32[M], 1 where a matrix is moved */
      flags: GpuTensor<"u32">;
      /** f32[2]: length of all gradients, what they are multiplied by */
      clip: GpuTensor<"f32">;
      /** f32[P] */
      momentum: GpuTensor<"f32">;
      /** f32[M, R, C] */
      ahead: GpuTensor<"f32">;
    },
    { momentum: kept }: MuonNumbers,
  ): void {
    checkRoom(tensors.momentum, tensors.ahead);
    this.momentumOf.encode(encoder, tensors, { kept }, groupsOf);
  }

  /** Moves weights. @throws {RangeError} if shapes do not fit */
  turn(
    encoder: GPUCommandEncoder,
    tensors: {
      /** f32[M, R, C] */
      turned: GpuTensor<"f32">;
      /** u32[M], 1 where a matrix is moved */
      flags: GpuTensor<"u32">;
      /** f32[P] */
      weights: GpuTensor<"f32">;
    },
    { kept, size }: MuonNumbers,
  ): void {
    checkRoom(tensors.weights, tensors.turned);
    this.turnOf.encode(encoder, tensors, { kept, size }, groupsOf);
  }
}

const groupsOf = ({ M, R, C }: Readonly<Record<string, number>>) => Math.ceil(M * R * C / LANES);

function checkRoom(own: GpuTensor, matrices: GpuTensor): void {
  if (own.length >= matrices.length) return;
  throw new RangeError(
    `Cannot move matrices as "${own.label}" must have at least ${matrices.length} elements: ` +
      `current value is ${own.length}`,
  );
}
