import { deepEqual, equal, rejects } from "../../tests/assert.ts";
import { bytesRandomAccess } from "../io/random_access.ts";
import { readSafetensors } from "./safetensors.ts";
import { readStoredTensor } from "./stored_tensor.ts";
import { bytesOf, safetensorsBytes, withHeader } from "./testing/files.ts";

const read = (bytes: Uint8Array) => readSafetensors(bytesRandomAccess("a.safetensors", bytes));

const two = () => ({
  a: { dtype: "F32", shape: [2, 2], bytes: bytesOf(Float32Array.of(1, 2, 3, 4)) },
  b: { dtype: "F16", shape: [3], bytes: bytesOf(Float16Array.of(0.5, -1, 65504)) },
  c: { dtype: "I64", shape: [], bytes: bytesOf(BigInt64Array.of(7n)) },
  d: { dtype: "F32", shape: [0, 5], bytes: new Uint8Array(0) },
});

Deno.test("readSafetensors finds each tensor, empty ones and scalars too", async () => {
  const tensors = await read(safetensorsBytes(two()));
  deepEqual([...tensors.keys()], ["a", "b", "c", "d"]);
  deepEqual(await readStoredTensor(tensors.get("a")!), Float32Array.of(1, 2, 3, 4));
  deepEqual(await readStoredTensor(tensors.get("b")!), Float32Array.of(0.5, -1, 65504));
  equal(tensors.get("c")!.dtype, "I64");
  await rejects(async () => await readStoredTensor(tensors.get("c")!), TypeError);
  equal((await readStoredTensor(tensors.get("d")!)).length, 0);
});

Deno.test("readStoredTensor fills a longer array from its beginning and refuses a shorter one", async () => {
  const tensor = (await read(safetensorsBytes(two()))).get("b")!;
  const scratch = new Float32Array(5).fill(9);
  const result = await readStoredTensor(tensor, scratch);
  equal(result.buffer, scratch.buffer);
  deepEqual(scratch, Float32Array.of(0.5, -1, 65504, 9, 9));
  deepEqual(result, Float32Array.of(0.5, -1, 65504));
  await rejects(async () => await readStoredTensor(tensor, new Float32Array(2)), RangeError);
});

Deno.test("readStoredTensor converts tensors of more than one chunk", async () => {
  const values = Float64Array.from({ length: (1 << 19) + 3 }, (_, i) => i);
  const bytes = safetensorsBytes({
    big: { dtype: "F64", shape: [values.length], bytes: bytesOf(values) },
  });
  const found = await readStoredTensor((await read(bytes)).get("big")!);
  equal(found.length, values.length);
  equal(found.findIndex((value, i) => value !== i), -1);
});

const good = safetensorsBytes(two());
const lengthOf = (n: bigint) => {
  const bytes = good.slice();
  new DataView(bytes.buffer).setBigUint64(0, n, true);
  return bytes;
};
const damaged = "Cannot read a.safetensors as it must be an undamaged safetensors file: ";
const of = (field: string, name: string) =>
  `Cannot read a.safetensors as the ${field} of tensor "${name}" must be `;

// deno-lint-ignore no-explicit-any
const patched = (patch: (header: any) => void) => safetensorsBytes(two(), patch);

const malformed: [what: string, bytes: Uint8Array, message: string][] = [
  ["an empty file", new Uint8Array(0), damaged + "it has 0 bytes"],
  [
    "a header longer than the file",
    lengthOf(1n << 40n),
    damaged +
    `its header length is 1099511627776 where at most ${good.length - 8} bytes can follow`,
  ],
  [
    "a header length beyond 2^53",
    lengthOf((1n << 64n) - 1n),
    damaged + `its header length is ${(1n << 64n) - 1n} where at most ${good.length - 8} bytes ` +
    "can follow",
  ],
  ["a header that is no JSON", withHeader("{'a': 1}"), damaged + "its header is not JSON"],
  [
    "a header that is no text",
    Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe),
    damaged + "its header is not JSON",
  ],
  ["a header that is a list", withHeader("[1]"), damaged + "its header is not a JSON object"],
  [
    "an entry that is no object",
    patched((h) => h.a = 3),
    of("header entry", "a") + "an object: current value is 3",
  ],
  [
    "an unknown dtype",
    patched((h) => h.a.dtype = "Q4"),
    of("dtype", "a") + "one of F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL: " +
    'current value is "Q4"',
  ],
  [
    "a missing dtype",
    patched((h) => delete h.a.dtype),
    of("dtype", "a") + "one of F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL: " +
    "current value is absent",
  ],
  [
    "a negative extent",
    patched((h) => h.a.shape = [2, -2]),
    of("shape", "a") + "at most 8 whole numbers: current value is [2,-2]",
  ],
  [
    "a shape whose product overflows",
    patched((h) => h.a.shape = [1 << 30, 1 << 30]),
    of("shape", "a") + "at most 8 whole numbers: current value is [1073741824,1073741824]",
  ],
  [
    "one offset",
    patched((h) => h.a.data_offsets = [0]),
    of("data_offsets", "a") + "two ascending whole numbers: current value is [0]",
  ],
  [
    "descending offsets",
    patched((h) => h.a.data_offsets = [16, 0]),
    of("data_offsets", "a") + "two ascending whole numbers: current value is [16,0]",
  ],
  [
    "a shape that does not fit the bytes",
    patched((h) => h.a.shape = [2, 3]),
    of("data_offsets", "a") + "24 bytes apart, as shape [2, 3] needs: current value is [0,16]",
  ],
  [
    "a truncated file",
    good.subarray(0, good.length - 1),
    of("data_offsets", "c") + "within the 29 data bytes of the file (truncated?): " +
    "current value is [22,30]",
  ],
  [
    "overlapping tensors",
    patched((h) => h.b.data_offsets = [14, 20]),
    'Cannot read a.safetensors as its tensors must not overlap: "a" has bytes [0, 16], ' +
    '"b" has [14, 20]',
  ],
];

for (const [what, bytes, message] of malformed) {
  Deno.test(`readSafetensors refuses ${what}`, async () => {
    await rejects(() => read(bytes), { name: "UserError", message });
  });
}
