/** A logged run made independent of the buffers it ran on. */
import type { Bound, Command, CommandLog } from "./log.ts";

/** What stands for a buffer of the logged run. */
export type Slot =
  /** The buffer given for an input or output. */
  | { kind: "argument"; index: number }
  /** A buffer between operators. */
  | { kind: "scratch"; index: number }
  /** A range of the recording's uniform values. */
  | { kind: "uniform"; offset: number }
  /** A buffer of the session that is only read, such as a constant of the graph. */
  | { kind: "constant"; buffer: GPUBuffer };

export interface SlotBinding {
  binding: number;
  slot: Slot;
  offset: number;
  /** undefined: to the end of an argument or constant, whose sizes do not change */
  size?: number;
}

export interface DispatchStep {
  kind: "dispatch";
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  bindings: readonly SlotBinding[];
  groups: readonly [number, number, number];
}

export interface CopyStep {
  kind: "copy";
  source: Slot;
  sourceOffset: number;
  target: Slot;
  targetOffset: number;
  size: number;
}

export interface ClearStep {
  kind: "clear";
  target: Slot;
  offset: number;
  size: number;
}

export type Step = DispatchStep | CopyStep | ClearStep;

export interface Recording {
  steps: readonly Step[];
  /** Bytes of each scratch buffer. */
  scratch: readonly number[];
  /** What all uniform buffers held, each at an offset that a binding may have. */
  uniforms: Uint8Array<ArrayBuffer>;
}

/**
 * The recording of a log, or why there can be none.
 *
 * @param args the buffers of the run's inputs and outputs, all different
 * @param alignment what a uniform binding's offset must be a multiple of
 */
export function makeRecording(
  log: CommandLog,
  args: readonly GPUBuffer[],
  alignment: number,
): Recording | string {
  if (log.obstacle) return log.obstacle;
  const argumentOf = new Map(args.map((buffer, index) => [buffer, index]));
  const commands = withoutReuseClears(log, argumentOf);
  const written = new Set(commands.flatMap(writtenBy));
  const early = readBeforeWritten(commands, (buffer) => {
    return written.has(buffer) && !argumentOf.has(buffer) && !log.created.has(buffer);
  });
  if (early) return `a ${early.size}-byte buffer that an earlier run filled`;

  const scratch = new Map<GPUBuffer, number>(), contents: Uint8Array[] = [];
  let uniformBytes = 0;
  const slotOf = (buffer: GPUBuffer): Slot => {
    const index = argumentOf.get(buffer);
    if (index !== undefined) return { kind: "argument", index };
    if (!written.has(buffer)) return { kind: "constant", buffer };
    if (!scratch.has(buffer)) scratch.set(buffer, scratch.size);
    return { kind: "scratch", index: scratch.get(buffer)! };
  };
  const bind = ({ binding, buffer, offset, size, uniform }: Bound): SlotBinding => {
    if (uniform) {
      const slot: Slot = { kind: "uniform", offset: uniformBytes };
      contents.push(uniform);
      uniformBytes += align(uniform.length, alignment);
      return { binding, slot, offset: 0, size: uniform.length };
    }
    const slot = slotOf(buffer);
    // A lent buffer can be larger than the one it stands for.
    const exact = slot.kind === "scratch" ? size ?? buffer.size - offset : size;
    return { binding, slot, offset, size: exact };
  };
  const steps = commands.map((command): Step => {
    if (command.kind === "clear") return { ...command, target: slotOf(command.buffer) };
    if (command.kind === "copy") {
      return { ...command, source: slotOf(command.source), target: slotOf(command.target) };
    }
    const { kind, pipeline, layout, groups, bound } = command;
    return { kind, pipeline, layout, groups, bindings: bound.map(bind) };
  });
  const uniforms = new Uint8Array(uniformBytes);
  let begin = 0;
  for (const content of contents) {
    uniforms.set(content, begin);
    begin += align(content.length, alignment);
  }
  return { steps, scratch: [...scratch.keys()].map(({ size }) => size), uniforms };
}

/**
 * The commands without the clearing of buffers that onnxruntime takes from its cache.
 *
 * It clears every buffer that it uses again, whether or not an operator needs zeros there: 20 times in
 * a block of 23 dispatches, and each time it ends the compute pass. An operator that needs zeros clears
 * once more, or clears a new buffer or an output; such a clear stays.
 */
function withoutReuseClears(
  log: CommandLog,
  args: ReadonlyMap<GPUBuffer, number>,
): readonly Command[] {
  /** Buffers that onnxruntime holds as taken, so that a clear is an operator's. */
  const taken = new Set<GPUBuffer>([...log.created, ...args.keys()]);
  return log.commands.filter((command) => {
    if (command.kind !== "clear") {
      // From here on a clear can mean that the buffer went back to the cache and was taken again.
      for (const buffer of touchedBy(command)) if (!args.has(buffer)) taken.delete(buffer);
      return true;
    }
    const { buffer, offset, size } = command;
    if (taken.has(buffer) || offset !== 0 || size !== buffer.size) return true;
    taken.add(buffer);
    return false;
  });
}

/** The first buffer of a kind that a command reads before a command wrote it. */
function readBeforeWritten(
  commands: readonly Command[],
  isOfKind: (buffer: GPUBuffer) => boolean,
): GPUBuffer | undefined {
  const filled = new Set<GPUBuffer>();
  for (const command of commands) {
    const writes = writtenBy(command);
    const early = touchedBy(command).find((buffer) =>
      isOfKind(buffer) && !filled.has(buffer) && !writes.includes(buffer)
    );
    if (early) return early;
    writes.forEach((buffer) => filled.add(buffer));
  }
  return undefined;
}

function touchedBy(command: Command): GPUBuffer[] {
  if (command.kind === "clear") return [command.buffer];
  if (command.kind === "copy") return [command.source, command.target];
  return command.bound.map(({ buffer }) => buffer);
}

function writtenBy(command: Command): GPUBuffer[] {
  if (command.kind === "clear") return [command.buffer];
  if (command.kind === "copy") return [command.target];
  return command.bound.filter(({ isWritten }) => isWritten).map(({ buffer }) => buffer);
}

const align = (bytes: number, alignment: number) => Math.ceil(bytes / alignment) * alignment;
