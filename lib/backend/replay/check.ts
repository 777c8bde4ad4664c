/** Compares what a replay computed with what onnxruntime did, on the device and without a wait. */
import { type GpuContext, type GpuTensor, ParamLayout, planGrid } from "../../gpu/mod.ts";
import source from "./replay_check.wgsl" with { type: "text" };

const LANES = 256;
const PARAMS = new ParamLayout({ elements: "u32" });

export class ReplayCheck implements Disposable {
  /** u32[1]: elements that differed so far. */
  readonly #different: GpuTensor<"u32">;

  constructor(readonly gpu: GpuContext) {
    this.#different = gpu.alloc("replay differences", [1], "u32");
  }

  /**
   * Submits the comparison; if an element differs, the next read-back and all that follows fail.
   *
   * @param pairs f32[…] by onnxruntime and by the replay
   * @param message what is then said
   */
  async compare(
    pairs: readonly (readonly [expected: GpuTensor<"f32">, found: GpuTensor<"f32">])[],
    message: string,
  ): Promise<void> {
    const kernel = (entryPoint: string) =>
      this.gpu.kernel({
        label: "replay check",
        source,
        entryPoint,
        bindings: ["read", "read", "readWrite", "readWrite"],
        params: PARAMS,
        constants: { lanes: LANES },
      });
    const kernels = [await kernel("find_largest"), await kernel("main")];
    using owned = new DisposableStack();
    await this.gpu.submit("replay check", (encoder) => {
      for (const [expected, found] of pairs) {
        const largest = owned.use(this.gpu.alloc("largest", [1], "u32"));
        for (const one of kernels) {
          one.dispatch(encoder, {
            tensors: [expected, found, largest, this.#different],
            params: { elements: expected.length },
            grid: planGrid(Math.ceil(expected.length / LANES), this.gpu.limits),
          });
        }
      }
    });
    this.gpu.expectZero(this.#different, message);
  }

  [Symbol.dispose](): void {
    this.#different[Symbol.dispose]();
  }
}
