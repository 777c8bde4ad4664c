/** Looks for NaN and infinities in tensors on the device, without a wait. */
import { type GpuContext, type GpuTensor, ParamLayout, planGrid } from "../gpu/mod.ts";
import source from "./finite_check.wgsl" with { type: "text" };

const LANES = 256;
const PER_LANE = 16;
const PARAMS = new ParamLayout({ elements: "u32" });

export class FiniteCheck implements Disposable {
  /** u32[1]: values that were not finite so far; made when first needed. */
  #wrong?: GpuTensor<"u32">;

  constructor(readonly gpu: GpuContext) {}

  /** Submits the check; if a value is not finite, the next read-back and all that follow fail with `error`. */
  async check(tensors: readonly GpuTensor<"f32">[], error: Error): Promise<void> {
    const kernel = await this.gpu.kernel({
      label: "finite check",
      source,
      bindings: ["read", "readWrite"],
      params: PARAMS,
      constants: { lanes: LANES },
    });
    const wrong = this.#wrong ??= this.gpu.alloc("values that are no numbers", [1], "u32");
    // One submission for all: each costs the host half a millisecond.
    await this.gpu.submit("finite check", (encoder) => {
      for (const values of tensors) {
        kernel.dispatch(encoder, {
          tensors: [values, wrong],
          params: { elements: values.length },
          grid: planGrid(Math.ceil(values.length / (LANES * PER_LANE)), this.gpu.limits),
        });
      }
    });
    this.gpu.expectZero(wrong, error);
  }

  [Symbol.dispose](): void {
    this.#wrong?.[Symbol.dispose]();
  }
}
