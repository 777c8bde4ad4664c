/** A logged run made independent of the buffers it ran on. */
import { type Bound, type Command, type LoggedRun, touchedBy, writtenBy } from "./log.ts";

/** What stands for a buffer of the logged run. */
export type Slot =
  /** The buffer given for an input or output. */
  | { kind: "argument"; index: number }
  /** A buffer between operators. */
  | { kind: "scratch"; index: number }
  /** A buffer of the recording's own: it depends on no input and is filled once. */
  | { kind: "kept"; index: number }
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
  /** Of a kernel of our own: group 1, with its offset into the recording's uniform values. */
  params?: { layout: GPUBindGroupLayout; offset: number; size: number };
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
  /** What fills the kept buffers, such as the numbers of positions: the same in every run. */
  once: readonly DispatchStep[];
  steps: readonly Step[];
  /** Bytes of each kept buffer. */
  kept: readonly number[];
  /** Bytes of each scratch buffer. */
  scratch: readonly number[];
  /** What all uniform buffers held, each at an offset that a binding may have. */
  uniforms: Uint8Array<ArrayBuffer>;
}

/**
 * The recording of a log, or why there can be none.
 *
 * @param args the buffers of the run's inputs and outputs; those that are the same must always be
 * @param outputs those of `args` that the run must have written
 * @param alignment what a uniform binding's offset must be a multiple of
 */
export function makeRecording(
  log: LoggedRun,
  args: readonly GPUBuffer[],
  outputs: readonly GPUBuffer[],
  alignment: number,
): Recording | string {
  const { commands, obstacle } = log;
  if (obstacle) return obstacle;
  const argumentOf = new Map(args.map((buffer, index) => [buffer, index]));
  const written = new Set(commands.flatMap(writtenBy));
  if (outputs.some((buffer) => !written.has(buffer))) return "an output that was not seen written";
  const once = new Set(commands.filter((_, at) => isAlwaysSame(commands, at, argumentOf)));
  const kept = [...new Set([...once].flatMap(writtenBy))];
  const spans = spansOf(log, written, (buffer) => argumentOf.has(buffer) || kept.includes(buffer));
  if (typeof spans === "string") return spans;
  const { scratchOf, sizes } = share(spans);
  const uniforms = new UniformPacker(alignment);

  const slotOf = (buffer: GPUBuffer): Slot => {
    const index = argumentOf.get(buffer), scratch = scratchOf.get(buffer);
    if (kept.includes(buffer)) return { kind: "kept", index: kept.indexOf(buffer) };
    if (index !== undefined) return { kind: "argument", index };
    return scratch === undefined
      ? { kind: "constant", buffer }
      : { kind: "scratch", index: scratch };
  };
  const bind = ({ binding, buffer, offset, size, uniform }: Bound): SlotBinding => {
    if (uniform) {
      const slot: Slot = { kind: "uniform", offset: uniforms.add(uniform) };
      return { binding, slot, offset: 0, size: uniform.length };
    }
    const slot = slotOf(buffer);
    // A lent buffer can be larger than the one it stands for.
    const exact = slot.kind === "scratch" || slot.kind === "kept"
      ? size ?? buffer.size - offset
      : size;
    return { binding, slot, offset, size: exact };
  };
  const stepOf = (command: Command): Step => {
    if (command.kind === "clear") return { ...command, target: slotOf(command.buffer) };
    if (command.kind === "copy") {
      return { ...command, source: slotOf(command.source), target: slotOf(command.target) };
    }
    const { kind, pipeline, layout, groups, bound, params } = command;
    const own = params && {
      layout: params.layout,
      offset: uniforms.add(params.bytes),
      size: params.bytes.length,
    };
    return {
      ...{ kind, pipeline, layout, groups, bindings: bound.map(bind) },
      ...(own && { params: own }),
    };
  };
  return {
    once: [...once].map((command) => stepOf(command) as DispatchStep),
    steps: commands.filter((command) => !once.has(command)).map(stepOf),
    kept: kept.map(({ size }) => size),
    scratch: sizes,
    uniforms: uniforms.pack(),
  };
}

/** Whether a command reads nothing but numbers of the run's shape and alone writes what it writes. */
function isAlwaysSame(
  commands: readonly Command[],
  at: number,
  args: ReadonlyMap<GPUBuffer, number>,
): boolean {
  const command = commands[at];
  if (command.kind !== "dispatch") return false;
  const tensors = command.bound.filter(({ uniform }) => !uniform);
  return tensors.length > 0 &&
    tensors.every(({ isWritten, buffer }) =>
      isWritten && !args.has(buffer) &&
      commands.every((other) => other === command || !writtenBy(other).includes(buffer)) &&
      // What came before saw something else in it.
      commands.slice(0, at).every((other) => !touchedBy(other).includes(buffer))
    );
}

/** The first and last command that touch a buffer between operators. */
interface Span {
  buffer: GPUBuffer;
  first: number;
  last: number;
}

/**
 * Spans of the buffers that are written and no arguments, by their beginning; or why a replay would go
 * wrong: what a run reads, it must have been given or have written.
 */
function spansOf(
  { commands, created }: LoggedRun,
  written: ReadonlySet<GPUBuffer>,
  isOutside: (buffer: GPUBuffer) => boolean,
): Span[] | string {
  const spans = new Map<GPUBuffer, Span>();
  for (const [at, command] of commands.entries()) {
    const writes = writtenBy(command);
    for (const buffer of touchedBy(command)) {
      if (isOutside(buffer) || !(written.has(buffer) || created.has(buffer))) continue;
      const span = spans.get(buffer);
      if (span) span.last = at;
      else if (writes.includes(buffer)) spans.set(buffer, { buffer, first: at, last: at });
      else return `a buffer of ${buffer.size} bytes that is read before it is written`;
    }
  }
  return [...spans.values()];
}

/** Gives buffers whose spans do not meet the same scratch buffer. */
function share(spans: readonly Span[]): { scratchOf: Map<GPUBuffer, number>; sizes: number[] } {
  const scratchOf = new Map<GPUBuffer, number>(), sizes: number[] = [], busyUntil: number[] = [];
  for (const { buffer, first, last } of spans) {
    const free = sizes.map((_, i) => i).filter((i) => busyUntil[i] < first);
    // The smallest that is large enough, else the largest, which grows.
    const index = free.filter((i) =>
      sizes[i] >= buffer.size
    ).sort((a, b) => sizes[a] - sizes[b])[0] ??
      free.sort((a, b) => sizes[b] - sizes[a])[0] ?? sizes.length;
    sizes[index] = Math.max(sizes[index] ?? 0, buffer.size);
    busyUntil[index] = last;
    scratchOf.set(buffer, index);
  }
  return { scratchOf, sizes };
}

/** Puts the contents of uniform buffers into one. */
class UniformPacker {
  #contents: { offset: number; content: Uint8Array }[] = [];
  #end = 0;

  constructor(readonly alignment: number) {}

  /** The offset where the content will be. */
  add(content: Uint8Array): number {
    const offset = this.#end;
    this.#contents.push({ offset, content });
    this.#end += Math.ceil(content.length / this.alignment) * this.alignment;
    return offset;
  }

  pack(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#end);
    for (const { offset, content } of this.#contents) all.set(content, offset);
    return all;
  }
}
