import { deepEqual, equal, match } from "../../../tests/assert.ts";
import type { Bound, Command, CommandLog } from "./log.ts";
import { makeRecording, type Recording } from "./recording.ts";

const STORAGE = GPUBufferUsage.STORAGE;

/** A buffer as far as recordings look at it. */
const buffer = (size: number) => ({ size, usage: STORAGE }) as GPUBuffer;

const input = buffer(64), output = buffer(64), cached = buffer(256), fresh = buffer(128);
const constant = buffer(16), uniformBuffer = buffer(16);

const log = (commands: Command[], created: GPUBuffer[] = []): CommandLog =>
  ({ commands, created: new Set(created), obstacle: undefined }) as unknown as CommandLog;

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

function made(commands: Command[], created: GPUBuffer[] = []): Recording {
  const recording = makeRecording(log(commands, created), [input, output], 256);
  if (typeof recording === "string") throw new Error(recording);
  return recording;
}

const kinds = ({ steps }: Recording) => steps.map(({ kind }) => kind).join(" ");

Deno.test("makeRecording gives every buffer its slot", () => {
  const { steps, scratch, uniforms } = made([
    dispatch(read(input), write(cached), uniform(1, 2, 3, 4)),
    dispatch(read(constant), write(fresh), uniform(5)),
    dispatch(read(cached), write(output), uniform(6)),
  ], [fresh]);
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
  const { steps } = made([dispatch({ ...write(cached), offset: 64 }, read(input))]);
  const [scratch, argument] = steps[0].kind === "dispatch" ? steps[0].bindings : [];
  deepEqual([scratch.offset, scratch.size], [64, 192]);
  deepEqual([argument.offset, argument.size], [0, undefined]);
});

Deno.test("makeRecording drops the clearing of a buffer that is used again", () => {
  const used = dispatch(read(input), write(cached));
  equal(kinds(made([clear(cached), used, clear(cached), used])), "dispatch dispatch");
});

Deno.test("makeRecording keeps the clearing that an operator asked for", () => {
  const used = dispatch(read(input), write(cached));
  equal(kinds(made([clear(cached), clear(cached), used])), "clear dispatch", "on top");
  equal(kinds(made([clear(fresh), dispatch(write(fresh))], [fresh])), "clear dispatch", "new");
  equal(kinds(made([clear(output), dispatch(write(output))])), "clear dispatch", "output");
  equal(kinds(made([clear(cached, 0, 16), used])), "clear dispatch", "a part");
  const target = { kind: "argument", index: 1 };
  deepEqual(made([clear(output)]).steps, [{ ...clear(output), target }]);
});

Deno.test("makeRecording keeps copies", () => {
  const copy: Command = {
    kind: "copy",
    source: input,
    sourceOffset: 4,
    target: cached,
    targetOffset: 8,
    size: 16,
  };
  const { steps, scratch } = made([copy, dispatch(read(cached), write(output))]);
  deepEqual(steps[0], {
    ...copy,
    source: { kind: "argument", index: 0 },
    target: { kind: "scratch", index: 0 },
  });
  deepEqual(scratch, [256]);
});

Deno.test("makeRecording says why a run cannot be repeated", () => {
  const stale = makeRecording(log([dispatch(read(cached)), dispatch(write(cached))]), [], 256);
  match(String(stale), /a 256-byte buffer that an earlier run filled/);
  const refused = { ...log([]), obstacle: "timestamps" } as unknown as CommandLog;
  equal(makeRecording(refused, [], 256), "timestamps");
});
