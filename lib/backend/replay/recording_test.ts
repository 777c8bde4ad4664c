import { deepEqual, equal, match } from "../../../tests/assert.ts";
import type { Bound, Command, CommandLog } from "./log.ts";
import { makeRecording, type Recording } from "./recording.ts";

const STORAGE = GPUBufferUsage.STORAGE;

/** A buffer as far as recordings look at it. */
const buffer = (size: number) => ({ size, usage: STORAGE }) as GPUBuffer;

const input = buffer(64), output = buffer(64), large = buffer(256), small = buffer(128);
const constant = buffer(16), uniformBuffer = buffer(16);

const log = (
  commands: Command[],
  { obstacle, created = [] }: { obstacle?: string; created?: GPUBuffer[] } = {},
): CommandLog => ({ commands, obstacle, created: new Set(created) }) as unknown as CommandLog;

const read = (b: GPUBuffer): Bound => ({
  binding: 0,
  buffer: b,
  offset: 0,
  isWritten: false,
});
const write = (b: GPUBuffer): Bound => ({ ...read(b), binding: 1, isWritten: true });
const uniform = (...bytes: number[]): Bound => ({
  ...read(uniformBuffer),
  binding: 2,
  uniform: Uint8Array.from(bytes),
});

const dispatch = (...bound: Bound[]): Command => ({
  kind: "dispatch",
  pipeline: {} as GPUComputePipeline,
  layout: {} as GPUBindGroupLayout,
  bound,
  groups: [1, 2, 3],
});
const clear = (b: GPUBuffer, offset = 0, size = b.size): Command => ({
  kind: "clear",
  buffer: b,
  offset,
  size,
});

function made(commands: Command[]): Recording {
  const recording = makeRecording(log(commands), [input, output], [], 256);
  if (typeof recording === "string") throw new Error(recording);
  return recording;
}

/** The scratch buffer that each dispatch writes. */
const written = ({ steps }: Recording) =>
  steps.map((step) => {
    const slot = step.kind === "dispatch" &&
      step.bindings.find(({ binding }) => binding === 1)?.slot;
    return slot && slot.kind === "scratch" ? slot.index : undefined;
  });

Deno.test("makeRecording gives every buffer its slot", () => {
  const { steps, scratch, uniforms } = made([
    dispatch(read(input), write(large), uniform(1, 2, 3, 4)),
    dispatch(read(constant), write(small), uniform(5)),
    dispatch(read(large), write(output), uniform(6)),
  ]);
  const slots = steps.map((step) =>
    step.kind === "dispatch" ? step.bindings.map(({ slot }) => slot) : []
  );
  deepEqual(slots, [
    [
      { kind: "argument", index: 0 },
      { kind: "scratch", index: 0 },
      { kind: "uniform", offset: 0 },
    ],
    [
      { kind: "constant", buffer: constant },
      { kind: "scratch", index: 1 },
      { kind: "uniform", offset: 256 },
    ],
    [
      { kind: "scratch", index: 0 },
      { kind: "argument", index: 1 },
      { kind: "uniform", offset: 512 },
    ],
  ]);
  deepEqual(scratch, [256, 128]);
  equal(uniforms.length, 768);
  deepEqual([...uniforms.subarray(0, 5)], [1, 2, 3, 4, 0]);
  deepEqual([uniforms[256], uniforms[512]], [5, 6]);
});

Deno.test("makeRecording binds as much of a lent buffer as the logged one had", () => {
  const { steps } = made([dispatch({ ...write(large), offset: 64 }, read(input))]);
  const [scratch, argument] = steps[0].kind === "dispatch" ? steps[0].bindings : [];
  deepEqual([scratch.offset, scratch.size], [64, 192]);
  deepEqual([argument.offset, argument.size], [0, undefined]);
});

Deno.test("makeRecording shares scratch between buffers that are not needed at the same time", () => {
  const [a, b, c, d] = [96, 64, 32, 80].map(buffer);
  const recording = made([
    dispatch(read(input), write(a)),
    dispatch(read(a), write(b)),
    // a is free: c fits in it, and b is still needed.
    dispatch(read(b), write(c)),
    // b's is the only free one, and grows.
    dispatch(read(c), write(d)),
    dispatch(read(c), read(d), write(output)),
  ]);
  deepEqual(written(recording), [0, 1, 0, 1, undefined]);
  deepEqual(recording.scratch, [96, 80]);
});

Deno.test("makeRecording never gives what a dispatch reads to what it writes", () => {
  const chain = Array.from({ length: 6 }, () => buffer(16));
  const { scratch } = made(chain.map((b, i) => dispatch(read(chain[i - 1] ?? input), write(b))));
  deepEqual(scratch, [16, 16]);
});

Deno.test("makeRecording keeps the clearing that an operator asked for", () => {
  const { steps, scratch } = made([
    clear(large),
    dispatch(read(input), write(large)),
    clear(output, 0, 32),
    dispatch(read(large), write(output)),
  ]);
  deepEqual(steps.map(({ kind }) => kind), ["clear", "dispatch", "clear", "dispatch"]);
  deepEqual(steps[0], { ...clear(large), target: { kind: "scratch", index: 0 } });
  deepEqual(steps[2], { ...clear(output, 0, 32), target: { kind: "argument", index: 1 } });
  deepEqual(scratch, [256]);
});

Deno.test("makeRecording keeps copies", () => {
  const copy: Command = {
    kind: "copy",
    source: input,
    sourceOffset: 4,
    target: large,
    targetOffset: 8,
    size: 16,
  };
  const { steps, scratch } = made([copy, dispatch(read(large), write(output))]);
  deepEqual(steps[0], {
    ...copy,
    source: { kind: "argument", index: 0 },
    target: { kind: "scratch", index: 0 },
  });
  deepEqual(scratch, [256]);
});

Deno.test("makeRecording says why a run cannot be repeated", () => {
  const stale = log([dispatch(read(large)), dispatch(write(large))]);
  match(
    String(makeRecording(stale, [], [], 256)),
    /a buffer of 256 bytes that is read before it is/,
  );
  const fresh = log([dispatch(read(small), write(output))], { created: [small, large] });
  match(String(makeRecording(fresh, [output], [], 256)), /of 128 bytes that is read before it is/);
  const partial = log([dispatch(read(input), write(large))]);
  equal(makeRecording(partial, [output], [output], 256), "an output that was not seen written");
  equal(makeRecording(log([], { obstacle: "timestamps" }), [], [], 256), "timestamps");
});

Deno.test("makeRecording fills once what depends on no input, and keeps it", () => {
  const positions = buffer(32);
  const { once, steps, kept, scratch } = made([
    dispatch(write(positions), uniform(7)),
    dispatch(read(input), write(small)),
    dispatch(read(positions), read(small), write(output)),
  ]);
  equal(once.length, 1);
  deepEqual(once[0].bindings.map(({ slot }) => slot), [
    { kind: "kept", index: 0 },
    { kind: "uniform", offset: 0 },
  ]);
  deepEqual([kept, scratch], [[32], [128]]);
  const [, last] = steps.map((step) => step.kind === "dispatch" ? step.bindings : []);
  deepEqual(last[0].slot, { kind: "kept", index: 0 });
  const isKept = (...commands: Command[]) => made(commands).once.length > 0;
  const fill = dispatch(write(large), uniform(1)), use = dispatch(read(large), write(output));
  equal(isKept(fill, use), true);
  equal(isKept(fill, use, dispatch(read(input), write(large))), false, "it serves something else");
  equal(isKept(dispatch(write(output)), use), false, "an output is anew in every run");
});
