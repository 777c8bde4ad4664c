/** A recording on a device: the same dispatches on other inputs and outputs, without onnxruntime. */
import type { CommandStream } from "../../gpu/command_stream.ts";
import type { DispatchStep, Recording, Slot, SlotBinding, Step } from "./recording.ts";
import type { ScratchPool } from "./scratch.ts";

/** Bind groups kept for one recording, about 1 KiB each; a model of 36 blocks needs about 1200. */
const MOST_GROUPS = 4096;

/** Runs whose bind groups are found by one look: 33 blocks from one of four buffers into another, and as many again. */
const MOST_RUNS = 1024;

export class Replay implements Disposable {
  readonly #device: GPUDevice;
  readonly #stream: CommandStream;
  readonly #uniforms: GPUBuffer;
  readonly #kept: readonly GPUBuffer[];
  /** Parameters of our own kernels, by step. */
  readonly #paramGroups: readonly GPUBindGroup[];
  /** Where these lie, as a bind group is set with. */
  readonly #paramOffsets: readonly number[][];
  /** Which arguments a step binds. */
  readonly #bound: readonly (readonly number[])[];
  /** Bind groups of each step by the arguments bound. */
  readonly #groups: readonly Map<string, GPUBindGroup>[];
  /** Bind groups of all steps by all arguments: one look for a run that came before. */
  readonly #runs = new Map<string, readonly GPUBindGroup[]>();
  #groupCount = 0;
  #scratch: readonly GPUBuffer[] = [];
  #scratchVersion = NaN;

  constructor(readonly recording: Recording, readonly pool: ScratchPool) {
    const { steps, once, kept, uniforms } = recording;
    this.#device = pool.gpu.device;
    this.#stream = pool.gpu.stream;
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
    this.#paramOffsets = steps.map((step) =>
      step.kind === "dispatch" && step.params ? [step.params.offset] : []
    );
    this.#bound = steps.map(boundArguments);
    this.#groups = steps.map(() => new Map());
    this.#kept = kept.map((size, index) =>
      this.#device.createBuffer({ label: `kept ${index}`, size, usage: GPUBufferUsage.STORAGE })
    );
    for (const step of once) {
      const { pass } = this.#stream;
      pass.setPipeline(step.pipeline);
      pass.setBindGroup(0, this.#makeGroup(step, []));
      pass.dispatchWorkgroups(...step.groups);
    }
    this.#stream.added(once.length);
  }

  /** Encodes one run. @param args buffers of the inputs and outputs, in the order of the recording's */
  run(args: readonly GPUBuffer[]): void {
    this.#borrowScratch();
    const { steps } = this.recording, stream = this.#stream, groups = this.#groupsOf(args);
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i];
      if (step.kind === "dispatch") {
        const { pass } = stream;
        pass.setPipeline(step.pipeline);
        pass.setBindGroup(0, groups[i]);
        if (step.params) pass.setBindGroup(1, this.#paramGroups[i], this.#paramOffsets[i]);
        pass.dispatchWorkgroups(step.groups[0], step.groups[1], step.groups[2]);
        continue;
      }
      const { encoder } = stream, target = this.#buffer(step.target, args);
      if (step.kind === "clear") {
        encoder.clearBuffer(target, step.offset, step.size);
      } else {
        const source = this.#buffer(step.source, args);
        encoder.copyBufferToBuffer(source, step.sourceOffset, target, step.targetOffset, step.size);
      }
    }
    stream.added(steps.length);
  }

  [Symbol.dispose](): void {
    for (const buffer of [this.#uniforms, ...this.#kept]) this.#stream.destroy(buffer);
    this.#forgetGroups();
  }

  #borrowScratch(): void {
    if (this.#scratchVersion === this.pool.version) return;
    this.#scratch = this.pool.take(this.recording.scratch);
    this.#scratchVersion = this.pool.version;
    this.#forgetGroups();
  }

  #groupsOf(args: readonly GPUBuffer[]): readonly GPUBindGroup[] {
    let key = "";
    for (const buffer of args) key += `${idOf(buffer)} `;
    const known = this.#runs.get(key);
    if (known) return known;
    const { steps } = this.recording;
    // All of a run or none: half of them could be forgotten on the way.
    if (this.#groupCount + steps.length > MOST_GROUPS || this.#runs.size >= MOST_RUNS) {
      this.#forgetGroups();
    }
    const groups: GPUBindGroup[] = [];
    for (const [i, step] of steps.entries()) {
      if (step.kind === "dispatch") groups[i] = this.#group(i, step, args);
    }
    this.#runs.set(key, groups);
    return groups;
  }

  #group(index: number, step: DispatchStep, args: readonly GPUBuffer[]): GPUBindGroup {
    let key = "";
    for (const argument of this.#bound[index]) key += `${idOf(args[argument])} `;
    const known = this.#groups[index].get(key);
    if (known) return known;
    const group = this.#makeGroup(step, args);
    this.#groups[index].set(key, group);
    this.#groupCount++;
    return group;
  }

  #makeGroup({ layout, bindings }: DispatchStep, args: readonly GPUBuffer[]): GPUBindGroup {
    const entries = bindings.map((binding) => this.#entry(binding, args));
    return this.#device.createBindGroup({ layout, entries });
  }

  #entry({ binding, slot, offset, size }: SlotBinding, args: readonly GPUBuffer[]) {
    const begin = slot.kind === "uniform" ? slot.offset : offset;
    return { binding, resource: { buffer: this.#buffer(slot, args), offset: begin, size } };
  }

  #buffer(slot: Slot, args: readonly GPUBuffer[]): GPUBuffer {
    if (slot.kind === "argument") return args[slot.index];
    if (slot.kind === "scratch") return this.#scratch[slot.index];
    if (slot.kind === "kept") return this.#kept[slot.index];
    return slot.kind === "constant" ? slot.buffer : this.#uniforms;
  }

  #forgetGroups(): void {
    this.#runs.clear();
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
