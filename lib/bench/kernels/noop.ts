/** A dispatch that does nothing: what any dispatch costs. */
import { type GpuContext, ParamLayout } from "../../gpu/mod.ts";

const SOURCE = `@compute @workgroup_size(1)
fn main() {}
`;

/** Encodes it. @throws {GpuError} if the device refuses the kernel */
export async function noop(ctx: GpuContext): Promise<(encoder: GPUCommandEncoder) => void> {
  const kernel = await ctx.kernel({
    label: "noop",
    source: SOURCE,
    bindings: [],
    params: new ParamLayout({}),
  });
  return (encoder) => kernel.dispatch(encoder, { tensors: [], params: {}, grid: [1, 1, 1] });
}
