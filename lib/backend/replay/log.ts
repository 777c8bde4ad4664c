/** What onnxruntime told the device in one run, in order. */
import type { PipelineBook } from "./pipelines.ts";
import { type Calls, standIn } from "./stand_in.ts";

/** A buffer as a dispatch has it bound. */
export interface Bound {
  binding: number;
  buffer: GPUBuffer;
  offset: number;
  /** undefined: to the end */
  size?: number;
  /** What a uniform buffer held when the dispatch was submitted. */
  uniform?: Uint8Array;
  isWritten: boolean;
}

export interface Dispatch {
  kind: "dispatch";
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  bound: Bound[];
  groups: readonly [number, number, number];
  /** Of a kernel of our own: its numbers, in group 1. */
  params?: { layout: GPUBindGroupLayout; bytes: Uint8Array<ArrayBuffer> };
}

export interface Copy {
  kind: "copy";
  source: GPUBuffer;
  sourceOffset: number;
  target: GPUBuffer;
  targetOffset: number;
  size: number;
}

export interface Clear {
  kind: "clear";
  buffer: GPUBuffer;
  offset: number;
  size: number;
}

export type Command = Dispatch | Copy | Clear;

/** What a recording is made of. */
export interface LoggedRun {
  readonly commands: readonly Command[];
  /** Buffers made in the run, uniform ones aside. */
  readonly created: ReadonlySet<GPUBuffer>;
  /** What a replay could not repeat, if there is such a thing. */
  readonly obstacle?: string;
}

/** Buffers that a command changes. */
export function writtenBy(command: Command): GPUBuffer[] {
  if (command.kind === "clear") return [command.buffer];
  if (command.kind === "copy") return [command.target];
  return command.bound.filter(({ isWritten }) => isWritten).map(({ buffer }) => buffer);
}

/** Buffers that a command reads or changes. */
export function touchedBy(command: Command): GPUBuffer[] {
  if (command.kind === "clear") return [command.buffer];
  if (command.kind === "copy") return [command.source, command.target];
  return command.bound.map(({ buffer }) => buffer);
}

export class CommandLog implements LoggedRun {
  readonly commands: Command[] = [];
  readonly created = new Set<GPUBuffer>();
  #obstacle?: string;
  #groups = new Map<GPUBindGroup, GPUBindGroupDescriptor>();
  #written = new Map<GPUBuffer, Uint8Array>();
  #unsubmitted: Dispatch[] = [];
  #openEncoders = 0;

  constructor(readonly pipelines: Pick<PipelineBook, "written">) {}

  get obstacle(): string | undefined {
    const isOpen = this.#openEncoders > 0 || this.#unsubmitted.length > 0;
    return this.#obstacle ?? (isOpen ? "commands that were not submitted" : undefined);
  }

  onDevice(device: GPUDevice): Calls {
    return {
      createBindGroup: (descriptor: GPUBindGroupDescriptor) => {
        const group = device.createBindGroup(descriptor);
        this.#groups.set(group, descriptor);
        return group;
      },
      createBuffer: (descriptor: GPUBufferDescriptor) => {
        const buffer = device.createBuffer(descriptor);
        if (buffer.usage & (GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE)) {
          this.#stop("data exchanged with the host");
        }
        if (!isUniform(buffer)) this.created.add(buffer);
        return buffer;
      },
      createCommandEncoder: (descriptor?: GPUCommandEncoderDescriptor) => {
        const encoder = device.createCommandEncoder(descriptor);
        if (this.#openEncoders++ > 0) this.#stop("two command encoders at a time");
        const calls = this.#onEncoder(encoder);
        return standIn(encoder, (name) => calls[name]);
      },
    };
  }

  onQueue(queue: GPUQueue): Calls {
    return {
      writeBuffer: (buffer: GPUBuffer, offset: number, ...data: WriteArguments) => {
        queue.writeBuffer(buffer, offset, ...data);
        if (!isUniform(buffer) || offset !== 0) this.#stop("data written to a storage buffer");
        this.#written.set(buffer, bytesOf(...data));
      },
      submit: (commands: GPUCommandBuffer[]) => {
        queue.submit(commands);
        // What the queue was told to write comes before the commands submitted after it.
        for (const bound of this.#unsubmitted.flatMap((dispatch) => dispatch.bound)) {
          if (!isUniform(bound.buffer)) continue;
          bound.uniform = this.#written.get(bound.buffer);
          if (!bound.uniform) this.#stop("a uniform buffer written before the run");
          if (bound.offset !== 0) this.#stop("a part of a uniform buffer");
        }
        this.#unsubmitted = [];
      },
    };
  }

  #onEncoder(encoder: GPUCommandEncoder): Calls {
    return {
      beginComputePass: (descriptor?: GPUComputePassDescriptor) => {
        const pass = encoder.beginComputePass(descriptor);
        if (descriptor?.timestampWrites) this.#stop("timestamps");
        const calls = this.#onPass(pass);
        return standIn(pass, (name) => calls[name]);
      },
      clearBuffer: (buffer: GPUBuffer, offset = 0, size = buffer.size - offset) => {
        encoder.clearBuffer(buffer, offset, size);
        this.commands.push({ kind: "clear", buffer, offset, size });
      },
      copyBufferToBuffer: (
        source: GPUBuffer,
        sourceOffset: number,
        target: GPUBuffer,
        targetOffset: number,
        size: number,
      ) => {
        encoder.copyBufferToBuffer(source, sourceOffset, target, targetOffset, size);
        this.commands.push({ kind: "copy", source, sourceOffset, target, targetOffset, size });
      },
      resolveQuerySet: (...args: Parameters<GPUCommandEncoder["resolveQuerySet"]>) => {
        encoder.resolveQuerySet(...args);
        this.#stop("timestamps");
      },
      finish: (descriptor?: GPUCommandBufferDescriptor) => {
        this.#openEncoders--;
        return encoder.finish(descriptor);
      },
    };
  }

  #onPass(pass: GPUComputePassEncoder): Calls {
    let pipeline: GPUComputePipeline, group: GPUBindGroupDescriptor | undefined;
    return {
      setPipeline: (next: GPUComputePipeline) => {
        pass.setPipeline(next);
        pipeline = next;
      },
      setBindGroup: (index: number, next: GPUBindGroup, ...offsets: unknown[]) => {
        pass.setBindGroup(index, next);
        group = this.#groups.get(next);
        const hasOffsets = offsets.some((value) => (value as ArrayLike<number>)?.length > 0);
        if (index !== 0 || hasOffsets) this.#stop("a second bind group or dynamic offsets");
      },
      dispatchWorkgroups: (x: number, y = 1, z = 1) => {
        pass.dispatchWorkgroups(x, y, z);
        const written = this.pipelines.written(pipeline);
        if (!group || !written) return this.#stop("a pipeline or bind group made before");
        const bound = boundOf(group, written);
        const dispatch: Dispatch = {
          kind: "dispatch",
          pipeline,
          layout: group.layout,
          bound,
          groups: [x, y, z],
        };
        this.commands.push(dispatch);
        this.#unsubmitted.push(dispatch);
      },
      dispatchWorkgroupsIndirect: (buffer: GPUBuffer, offset: number) => {
        pass.dispatchWorkgroupsIndirect(buffer, offset);
        this.#stop("an indirect dispatch");
      },
    };
  }

  #stop(obstacle: string): void {
    this.#obstacle ??= obstacle;
  }
}

type WriteArguments = [
  data: ArrayBufferView<ArrayBuffer> | ArrayBuffer,
  begin?: number,
  size?: number,
];

const isUniform = ({ usage }: GPUBuffer): boolean => (usage & GPUBufferUsage.UNIFORM) !== 0;

function boundOf({ entries }: GPUBindGroupDescriptor, written: ReadonlySet<number>): Bound[] {
  return [...entries].map(({ binding, resource }) => {
    const { buffer, offset = 0, size } = resource as GPUBufferBinding;
    return { binding, buffer, offset, size, isWritten: written.has(binding) };
  });
}

/** A copy of what `writeBuffer` takes of `data`; positions in a typed array count its elements. */
function bytesOf(...[data, begin = 0, size]: WriteArguments): Uint8Array {
  const isView = ArrayBuffer.isView(data);
  const width = isView ? (data as Uint8Array).BYTES_PER_ELEMENT ?? 1 : 1;
  const whole = isView
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return whole.slice(begin * width, size === undefined ? undefined : (begin + size) * width);
}
