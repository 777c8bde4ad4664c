import { deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { UserError } from "../errors.ts";
import { readPickle } from "./pickle.ts";
import { PickleRecord, type PickleValue, TorchTensor } from "./pickle_values.ts";
import { ascii, parameter, pickle, type Py, tensor, tuple } from "./testing/pickle_writer.ts";

const read = (value: Py) => readPickle(pickle(value), "m.pt");
const code = (...ops: (number | string)[]) =>
  Uint8Array.from(ops.flatMap((op) => typeof op === "string" ? ascii(op) : [op]));
const field = (value: PickleValue, key: string) =>
  (value as Map<PickleValue, PickleValue>).get(key);

Deno.test("readPickle reads numbers, text, containers and what torch keeps beside tensors", () => {
  const value = read({
    dict: [
      ["numbers", [0, 255, 65535, 65536, -1, -(2 ** 31), 2 ** 40, { float: 0.1 }]],
      ["words", tuple("", "Å", true, false, null)],
      ["same", tuple("words")],
      ["one", [7]],
      ["three", tuple(1, 2, 3)],
      ["size", { call: "torch Size", args: [tuple(2, 3)] }],
      ["dtype", { global: "torch float16" }],
      ["device", { call: "torch device", args: ["cpu"] }],
      ["set", { call: "__builtin__ set", args: [[1, 2]] }],
      ["__proto__", { dict: [] }],
      ["space", { namespace: [["arch", "esm2"], ["nested", { namespace: [["x", 1]] }]] }],
      ["state", { ordered: [["w", 1], ["v", 2]], attributes: [["_metadata", { ordered: [] }]] }],
    ],
  });
  deepEqual(field(value, "numbers"), [0, 255, 65535, 65536, -1, -(2 ** 31), 2 ** 40, 0.1]);
  deepEqual(field(value, "words"), ["", "Å", true, false, null]);
  deepEqual(field(value, "same"), ["words"]);
  deepEqual(field(value, "one"), [7]);
  deepEqual(field(value, "three"), [1, 2, 3]);
  deepEqual(field(value, "size"), [2, 3]);
  deepEqual(field(value, "state"), new Map([["w", 1], ["v", 2]]));
  const space = field(value, "space");
  ok(space instanceof PickleRecord);
  equal(space.fields.get("arch"), "esm2");
  ok(space.fields.get("nested") instanceof PickleRecord);
  equal(Object.getPrototypeOf({}).x, undefined);
});

Deno.test("readPickle reads tensors and parameters as views of storages", () => {
  const value = read({
    dict: [
      ["w", tensor({ key: "4", type: "HalfStorage", length: 12, shape: [2, 3], offset: 6 })],
      ["p", parameter({ key: "5", type: "BFloat16Storage", length: 4, shape: [4] })],
    ],
  });
  const w = field(value, "w");
  ok(w instanceof TorchTensor);
  deepEqual([w.storage.key, w.storage.dtype, w.storage.length], ["4", "F16", 12]);
  deepEqual([w.offset, w.shape, w.strides], [6, [2, 3], [3, 1]]);
  const p = field(value, "p");
  ok(p instanceof TorchTensor);
  equal(p.storage.dtype, "BF16");
});

Deno.test("readPickle reads more than 256 memo entries", () => {
  const names = Array.from({ length: 600 }, (_, i) => `name${i % 300}`);
  deepEqual(read(names), names);
});

Deno.test("readPickle reads protocol 4, as torch writes when asked to", () => {
  // {"a": OrderedDict()} with frame, short text, memoize and stack global
  const bytes = code(0x80, 4, 0x95, ...new Array(8).fill(0), "}", 0x94, 0x8c, 1, "a", 0x94)
    .values().toArray()
    .concat(...code(0x8c, 11, "collections", 0x94, 0x8c, 11, "OrderedDict", 0x94, 0x93, 0x94))
    .concat(...code(0x29, "R", 0x94, "s."));
  deepEqual(readPickle(Uint8Array.from(bytes), "m.pt"), new Map([["a", new Map()]]));
});

Deno.test("readPickle keeps shared and cyclic values as they are: no expansion", () => {
  // Each list holds the one before it twice: 2^60 leaves if it were ever expanded.
  const ops: (number | string)[] = [0x80, 2, "]q", 0];
  for (let i = 1; i <= 60; i++) ops.push("]q", i, "(h", i - 1, "h", i - 1, "e");
  ops.push(0x85, "."); // the last list in a tuple; the other lists stay below it
  throws(() => readPickle(code(...ops), "m.pt"), {
    message: "Cannot read m.pt as its pickle must be undamaged: 61 values are left at its end",
  });
  const cycle = readPickle(code(0x80, 2, "]q", 0, "h", 0, "a."), "m.pt") as PickleValue[];
  equal(cycle[0], cycle);
});

Deno.test("readPickle bounds the number of opcodes", () => {
  const many = new Uint8Array(1_000_010).fill(0x7d); // each makes a dict
  throws(() => readPickle(many, "m.pt"), {
    message: "Cannot read m.pt as its pickle has more than 1000000 opcodes, " +
      "and a checkpoint may only hold tensors and containers",
  });
});

Deno.test("readPickle of damaged bytes gives a value or a UserError", () => {
  const spec = { key: "0", type: "FloatStorage", length: 6, shape: [2, 3] };
  const whole = pickle({
    dict: [["model", { dict: [["w", tensor(spec)]] }], ["n", [1, tuple(2)]]],
  });
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
    const bytes = whole.slice();
    for (const [at, byte] of changes) bytes[at] = byte;
    try {
      readPickle(bytes, "m.pt");
    } catch (error) {
      ok(error instanceof UserError && !error.message.includes("\n"), String(error));
    }
  }));
});
