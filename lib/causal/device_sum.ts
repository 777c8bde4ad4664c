/** The gradients of a straight path summed on the GPU: neither streams nor gradients leave it. */
import { IgStep } from "../../kernels/ig_step/mod.ts";
import type { Tensor } from "../backend/types.ts";
import { padBatch } from "../esm2/mod.ts";
import { groupsOfAtMost } from "../stats/even_groups.ts";
import { ask, type GradientOptions, type TailGradient } from "./gradients.ts";
import type { LatentSpace } from "./latent_space.ts";
import type { Path } from "./path.ts";
import type { Quadrature } from "./quadrature.ts";

/** Σ weight · d metric / d stream over the points of a path, f32[T, D]; the backend must be a GPU's. */
export async function sumOnDevice(
  tail: TailGradient,
  space: LatentSpace,
  path: Path,
  { nodes, weights }: Quadrature,
  { tokenBudget, signal, backend }: GradientOptions,
): Promise<Float32Array> {
  const gpu = backend.gpu!, { dModel } = space;
  const { ids } = path.capture, width = ids.length;
  const kernel = await IgStep.create(gpu);
  using owned = new DisposableStack();
  const base = owned.use(
    gpu.upload("path base", [width, dModel], streamAt(space, path, path.from)),
  );
  const input = owned.use(
    gpu.upload("path input", [width, dModel], streamAt(space, path, path.to)),
  );
  const sum = owned.use(gpu.alloc("gradient sum", [width, dModel], "f32"));
  const bySize = new Map<number, Tensor>();
  for (const [begin, end] of groupsOfAtMost(nodes.length, Math.floor(tokenBudget / width))) {
    signal?.throwIfAborted();
    const size = end - begin, shape = [size, width, dModel];
    const states = bySize.get(size) ?? owned.use(
      backend.upload("states", [size * width, dModel], new Float32Array(size * width * dModel)),
    );
    bySize.set(size, states);
    const stepView = ({ label, gpu: own }: Tensor) => gpu.borrow(label, own!.buffer, shape, "f32");
    using alphas = gpu.upload("alphas", [size], Float32Array.from(nodes.subarray(begin, end)));
    using shares = gpu.upload("weights", [size], Float32Array.from(weights.subarray(begin, end)));
    await gpu.submit(
      "path",
      (encoder) => kernel.interpolate(encoder, alphas, base, input, stepView(states)),
    );
    const batch = padBatch(Array.from({ length: size }, () => ids));
    const { rows, cotangent } = ask(Array.from({ length: size }, () => path.metric), width);
    using gradient = await tail.run(batch, states, rows, cotangent);
    await gpu.submit(
      "gradient sum",
      (encoder) => kernel.accumulate(encoder, shares, stepView(gradient), sum),
    );
  }
  return await gpu.read(sum);
}

/** f32[T, D] with a share of the path's edit made. */
function streamAt(space: LatentSpace, { capture, edit }: Path, share: number): Float32Array {
  const stream = capture.hidden.slice();
  for (const part of edit) {
    const moved = space.displacement(capture, part), at = part.token * space.dModel;
    for (let d = 0; d < moved.length; d++) stream[at + d] += share * moved[d];
  }
  return stream;
}
