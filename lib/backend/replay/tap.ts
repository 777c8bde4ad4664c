/**
 * The device as onnxruntime sees it, so that the commands of one run can be written down.
 *
 * onnxruntime's JavaScript glue calls methods of the device object that it was given. It is given a
 * stand-in; commands of our own kernels go to the device itself and never pass here.
 */
import { CommandLog } from "./log.ts";
import { PipelineBook } from "./pipelines.ts";
import { type Calls, standIn } from "./stand_in.ts";

export class DeviceTap {
  /** What onnxruntime is given; it passes `instanceof GPUDevice`. */
  readonly device: GPUDevice;
  /** What the shaders of onnxruntime's pipelines say. */
  readonly pipelines: PipelineBook;
  readonly #native: GPUDevice;
  /** What is logged, while something is. */
  #logged?: { device: Calls; queue: Calls };

  constructor(device: GPUDevice) {
    const pipelines = this.pipelines = new PipelineBook(device);
    this.#native = device;
    const queue = standIn(device.queue, (name) => this.#logged?.queue[name]);
    this.device = standIn(device, (name) => {
      return pipelines.calls[name] ?? this.#logged?.device[name];
    }, { queue });
  }

  /** Runs `work` and gives what onnxruntime told the device in it. Calls must not overlap. */
  async record(work: () => Promise<unknown>): Promise<CommandLog> {
    const log = new CommandLog(this.pipelines), device = this.#native;
    this.#logged = { device: log.onDevice(device), queue: log.onQueue(device.queue) };
    try {
      await work();
    } finally {
      this.#logged = undefined;
    }
    return log;
  }
}
