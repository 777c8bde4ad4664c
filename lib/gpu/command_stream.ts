/**
 * Commands that are encoded and not yet submitted.
 *
 * A submission costs the host as much as thirty dispatches, so that runs one after the other share some. The
 * first are submitted soon, for the device to begin, and then more each time: of a pass of 33 blocks, submissions
 * have 1, 4, 13 and 15 blocks.
 */

/** Dispatches after which the first submission is due: less than a block's. */
const FIRST = 16;

/** How many times as many the next one has. */
const GROWTH = 4;

/** Dispatches that wait at most. */
const MOST = 1024;

export class CommandStream {
  /** Without the submission that `GpuContext.device` makes. */
  readonly device: GPUDevice;
  #encoder?: GPUCommandEncoder;
  #pass?: GPUComputePassEncoder;
  #dispatches = 0;
  #due = FIRST;
  /** Buffers that nobody wants any more but commands that wait. */
  #unwanted: GPUBuffer[] = [];

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** Where the next dispatches go; their caller calls {@linkcode added} when it has encoded all of a run. */
  get pass(): GPUComputePassEncoder {
    return this.#pass ??= this.#open().beginComputePass({ label: "stream" });
  }

  /** Where the next copies go, behind all dispatches so far. */
  get encoder(): GPUCommandEncoder {
    this.#endPass();
    return this.#open();
  }

  /** Counts what was encoded; submits it where it is due. */
  added(dispatches: number): void {
    this.#dispatches += dispatches;
    if (dispatches === 0 || this.#dispatches < this.#due) return;
    this.#submit();
    this.#due = Math.min(MOST, GROWTH * this.#due);
  }

  /** Destroys a buffer as soon as no command that waits can use it. */
  destroy(buffer: GPUBuffer): void {
    if (this.#encoder) this.#unwanted.push(buffer);
    else buffer.destroy();
  }

  /** Submits what is left; whatever else reaches the queue comes after this. */
  flush(): void {
    this.#due = FIRST;
    if (this.#encoder) this.#submit();
  }

  #open(): GPUCommandEncoder {
    return this.#encoder ??= this.device.createCommandEncoder({ label: "stream" });
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #submit(): void {
    this.#endPass();
    const encoder = this.#encoder!;
    this.#encoder = undefined;
    this.#dispatches = 0;
    this.device.queue.submit([encoder.finish()]);
    for (const buffer of this.#unwanted) buffer.destroy();
    this.#unwanted = [];
  }
}
