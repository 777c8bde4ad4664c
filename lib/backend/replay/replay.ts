/** A recording on a device: the same dispatches in one compute pass, on other inputs and outputs. */
import type { DispatchStep, Recording, Slot, SlotBinding, Step } from "./recording.ts";
import type { ScratchPool } from "./scratch.ts";

/** Bind groups kept for one recording, about 1 KiB each; a model of 36 blocks needs about 1200. */
const MOST_GROUPS = 4096;

export class Replay implements Disposable {
  readonly #device: GPUDevice;
  readonly #uniforms: GPUBuffer;
  /** Parameters of our own kernels, by step. */
  readonly #paramGroups: readonly GPUBindGroup[];
  /** Which arguments a step binds. */
  readonly #bound: readonly (readonly number[])[];
  /** Bind groups of each step by the arguments bound. */
  readonly #groups: readonly Map<string, GPUBindGroup>[];
  #groupCount = 0;
  #scratch: readonly GPUBuffer[] = [];
  #scratchVersion = NaN;

  constructor(readonly recording: Recording, readonly pool: ScratchPool) {
    const { steps, uniforms } = recording;
    this.#device = pool.device;
    this.#uniforms = this.#device.createBuffer({
      label: "uniforms",
      size: Math.max(16, uniforms.length),
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    // Deno panics where nothing is written, as for a graph of copies alone.
    if (uniforms.length > 0) this.#device.queue.writeBuffer(this.#uniforms, 0, uniforms);
    const paramGroups: GPUBindGroup[] = [];
    for (const [i, step] of steps.entries()) {
      if (step.kind !== "dispatch" || !step.params) continue;
      const { layout, size } = step.params;
      const resource = { buffer: this.#uniforms, size };
      paramGroups[i] = this.#device.createBindGroup({
        layout,
        entries: [{ binding: 0, resource }],
      });
    }
    this.#paramGroups = paramGroups;
    this.#bound = steps.map(boundArguments);
    this.#groups = steps.map(() => new Map());
  }

  /** Submits one run. @param args buffers of the inputs and outputs, in the order of the recording's */
  run(args: readonly GPUBuffer[]): void {
    this.#borrowScratch();
    const encoder = this.#device.createCommandEncoder({ label: "replay" });
    let pass: GPUComputePassEncoder | undefined;
    this.recording.steps.forEach((step, i) => {
      if (step.kind === "dispatch") {
        pass ??= encoder.beginComputePass();
        pass.setPipeline(step.pipeline);
        pass.setBindGroup(0, this.#group(i, step, args));
        if (step.params) pass.setBindGroup(1, this.#paramGroups[i], [step.params.offset]);
        pass.dispatchWorkgroups(...step.groups);
        return;
      }
      pass?.end();
      pass = undefined;
      const target = this.#buffer(step.target, args);
      if (step.kind === "clear") {
        encoder.clearBuffer(target, step.offset, step.size);
      } else {
        const source = this.#buffer(step.source, args);
        encoder.copyBufferToBuffer(source, step.sourceOffset, target, step.targetOffset, step.size);
      }
    });
    pass?.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  [Symbol.dispose](): void {
    this.#uniforms.destroy();
    this.#forgetGroups();
  }

  #borrowScratch(): void {
    if (this.#scratchVersion === this.pool.version) return;
    this.#scratch = this.pool.take(this.recording.scratch);
    this.#scratchVersion = this.pool.version;
    this.#forgetGroups();
  }

  #group(index: number, step: DispatchStep, args: readonly GPUBuffer[]): GPUBindGroup {
    let key = "";
    for (const argument of this.#bound[index]) key += `${idOf(args[argument])} `;
    const known = this.#groups[index].get(key);
    if (known) return known;
    if (this.#groupCount >= MOST_GROUPS) this.#forgetGroups();
    const group = this.#device.createBindGroup({
      layout: step.layout,
      entries: step.bindings.map((binding) => this.#entry(binding, args)),
    });
    this.#groups[index].set(key, group);
    this.#groupCount++;
    return group;
  }

  #entry({ binding, slot, offset, size }: SlotBinding, args: readonly GPUBuffer[]) {
    const begin = slot.kind === "uniform" ? slot.offset : offset;
    return { binding, resource: { buffer: this.#buffer(slot, args), offset: begin, size } };
  }

  #buffer(slot: Slot, args: readonly GPUBuffer[]): GPUBuffer {
    if (slot.kind === "argument") return args[slot.index];
    if (slot.kind === "scratch") return this.#scratch[slot.index];
    return slot.kind === "constant" ? slot.buffer : this.#uniforms;
  }

  #forgetGroups(): void {
    this.#groups.forEach((groups) => groups.clear());
    this.#groupCount = 0;
  }
}

function boundArguments(step: Step): number[] {
  if (step.kind !== "dispatch") return [];
  return step.bindings.flatMap(({ slot }) => slot.kind === "argument" ? [slot.index] : []);
}

const ids = new WeakMap<GPUBuffer, number>();
let lastId = 0;

/** A number of the buffer's own, as strings of them are quick to compare. */
function idOf(buffer: GPUBuffer): number {
  let id = ids.get(buffer);
  if (id === undefined) ids.set(buffer, id = ++lastId);
  return id;
}
