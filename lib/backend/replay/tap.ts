/**
 * The device as onnxruntime sees it, so that the commands of one run can be written down.
 *
 * onnxruntime's JavaScript glue calls methods of the device object that it was given. It is given a
 * stand-in; commands of our own kernels go to the device itself and never pass here.
 */
import { CommandLog } from "./log.ts";
import { PipelineBook } from "./pipelines.ts";
import { standIn } from "./stand_in.ts";

export class DeviceTap {
  /** What onnxruntime is given; it passes `instanceof GPUDevice`. */
  readonly device: GPUDevice;
  readonly #pipelines: PipelineBook;
  #log?: CommandLog;

  constructor(device: GPUDevice) {
    const pipelines = this.#pipelines = new PipelineBook(device);
    const queue = standIn(device.queue, (name) => this.#log?.onQueue(device.queue)[name]);
    this.device = standIn(device, (name) => {
      return pipelines.calls[name] ?? this.#log?.onDevice(device)[name];
    }, { queue });
  }

  /** Runs `work` and gives what onnxruntime told the device in it. Calls must not overlap. */
  async record(work: () => Promise<unknown>): Promise<CommandLog> {
    const log = this.#log = new CommandLog(this.#pipelines);
    try {
      await work();
    } finally {
      this.#log = undefined;
    }
    return log;
  }
}
