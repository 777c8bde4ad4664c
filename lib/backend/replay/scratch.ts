import type { GpuContext } from "../../gpu/mod.ts";

/**
 * Buffers between operators, shared by all replays: their runs follow one another on the queue.
 *
 * The pool holds no more than its largest borrower needs.
 */
export class ScratchPool implements Disposable {
  /** Largest first. */
  #buffers: GPUBuffer[] = [];
  #version = 0;

  constructor(readonly gpu: GpuContext) {}

  /** Changes when buffers taken before are no longer valid. */
  get version(): number {
    return this.#version;
  }

  /** All buffers, largest first. */
  get buffers(): readonly GPUBuffer[] {
    return this.#buffers;
  }

  /** A different buffer for each size, of that size or larger, in the same order. */
  take(sizes: readonly number[]): GPUBuffer[] {
    const taken: GPUBuffer[] = [];
    const largestFirst = sizes.map((_, i) => i).sort((a, b) => sizes[b] - sizes[a]);
    largestFirst.forEach((i, rank) => taken[i] = this.#atLeast(rank, sizes[i]));
    return taken;
  }

  [Symbol.dispose](): void {
    this.#buffers.forEach((buffer) => this.gpu.stream.destroy(buffer));
    this.#buffers = [];
    this.#version++;
  }

  #atLeast(rank: number, size: number): GPUBuffer {
    const old = this.#buffers.at(rank);
    if (old && old.size >= size) return old;
    if (old) {
      this.#version++;
      this.gpu.stream.destroy(old);
    }
    return this.#buffers[rank] = this.gpu.device.createBuffer({
      label: `scratch ${rank}`,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
  }
}
