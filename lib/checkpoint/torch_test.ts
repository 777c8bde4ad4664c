import { deepEqual, equal, rejects } from "../../tests/assert.ts";
import { bytesRandomAccess } from "../io/random_access.ts";
import type { PickleRecord, PickleValue, TorchTensor } from "./pickle_values.ts";
import { readStoredTensor } from "./stored_tensor.ts";
import { bytesOf, torchBytes, type TorchParts } from "./testing/files.ts";
import { pickle, tensor, type TensorSpec } from "./testing/pickle_writer.ts";
import { readTorchFile } from "./torch.ts";

const numbers = bytesOf(Float32Array.from({ length: 12 }, (_, i) => i));
const spec: TensorSpec = { key: "0", type: "FloatStorage", length: 12, shape: [3, 4] };

async function readOne(view: Partial<TensorSpec>, parts: Partial<TorchParts> = {}) {
  const root = {
    dict: [["w", tensor({ ...spec, ...view })]] as [string, ReturnType<typeof tensor>][],
  };
  const bytes = await torchBytes({ root, storages: { 0: numbers }, ...parts });
  const file = await readTorchFile(bytesRandomAccess("m.pt", bytes));
  const value = (file.root as Map<PickleValue, PickleValue>).get("w") as TorchTensor;
  const stored = await file.locate("w", value);
  return { stored, values: [...await readStoredTensor(stored)] };
}

Deno.test("readTorchFile reads contiguous tensors, with an offset into a shared storage", async () => {
  deepEqual((await readOne({})).values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const part = await readOne({ shape: [2, 2], offset: 5 });
  deepEqual(part.values, [5, 6, 7, 8]);
  equal(part.stored.strides, undefined);
  deepEqual((await readOne({ shape: [] })).values, [0]);
  deepEqual((await readOne({ shape: [0, 4], offset: 12 })).values, []);
});

Deno.test("readTorchFile reads transposed, sliced and stepped views in row-major order", async () => {
  deepEqual((await readOne({ shape: [4, 3], strides: [1, 4] })).values, [
    ...[0, 4, 8],
    ...[1, 5, 9],
    ...[2, 6, 10],
    ...[3, 7, 11],
  ]);
  deepEqual((await readOne({ shape: [3, 2], strides: [4, 2], offset: 1 })).values, [
    ...[1, 3],
    ...[5, 7],
    ...[9, 11],
  ]);
  deepEqual((await readOne({ shape: [2, 3, 2], strides: [1, 4, 2] })).values, [
    ...[0, 2, 4, 6, 8, 10],
    ...[1, 3, 5, 7, 9, 11],
  ]);
  deepEqual((await readOne({ shape: [2, 3], strides: [0, 1] })).values, [0, 1, 2, 0, 1, 2]);
  // A dimension of one element may have any stride and stays contiguous.
  const thin = await readOne({ shape: [1, 4], strides: [99, 1] });
  equal(thin.stored.strides, undefined);
  deepEqual(thin.values, [0, 1, 2, 3]);
});

Deno.test("readTorchFile reads half, bfloat16 and double storages", async () => {
  const of = async (type: string, array: ArrayBufferView, length: number) =>
    (await readOne({ type, length, shape: [length] }, { storages: { 0: bytesOf(array) } })).values;
  deepEqual(await of("HalfStorage", Float16Array.of(1.5, -2), 2), [1.5, -2]);
  deepEqual(await of("BFloat16Storage", Uint16Array.of(0x3fc0, 0xc000), 2), [1.5, -2]);
  deepEqual(await of("DoubleStorage", Float64Array.of(1.5, -2), 2), [1.5, -2]);
});

Deno.test("readTorchFile accepts the entries of newer torch versions", async () => {
  const extra = {
    ".format_version": "1",
    ".storage_alignment": "64",
    byteorder: "little",
    version: "3\n",
    ".data/serialization_id": "0123",
  };
  deepEqual((await readOne({ shape: [2] }, { extra, folder: "esm2/" })).values, [0, 1]);
});

Deno.test("readTorchFile reads a file that torch wrote", async () => {
  const url = new URL(
    "../../tests/fixtures/esm2_t4_800K_SP50/esm2_t4_800K_SP50.pt",
    import.meta.url,
  );
  const file = await readTorchFile(bytesRandomAccess("m.pt", await Deno.readFile(url)));
  const root = file.root as Map<PickleValue, PickleValue>;
  deepEqual([...root.keys()], ["args", "cfg", "model"]);
  const args = root.get("args") as PickleRecord;
  equal(args.type, "argparse.Namespace");
  equal(args.fields.get("encoder_embed_dim"), 128);
  equal((root.get("cfg") as Map<PickleValue, PickleValue>).get("model"), args);
  equal((root.get("model") as Map<PickleValue, PickleValue>).size, 77);
});

const refused: [
  what: string,
  view: Partial<TensorSpec>,
  parts: Partial<TorchParts>,
  message: string,
][] = [
  [
    "a missing storage",
    { key: "7" },
    {},
    'Cannot read m.pt as "data/7" must hold the 48 bytes of tensor "w": current value is absent',
  ],
  [
    "a short storage",
    {},
    { storages: { 0: numbers.subarray(0, 40) } },
    'Cannot read m.pt as "data/0" must hold the 48 bytes of tensor "w": current value is 40 bytes',
  ],
  [
    "a view beyond its storage",
    { offset: 1 },
    {},
    'Cannot read m.pt as "data/0" of 12 elements must cover the view of tensor "w": ' +
    "current value is offset 1, shape [3, 4], strides [4, 1]",
  ],
  [
    "a view that repeats elements without end",
    { shape: [1e9, 1e9], strides: [0, 0] },
    {},
    'Cannot read m.pt as "data/0" of 12 elements must cover the view of tensor "w": ' +
    "current value is offset 0, shape [1000000000, 1000000000], strides [0, 0]",
  ],
  [
    "a compressed storage",
    {},
    { deflate: ["data/0"] },
    'Cannot read m.pt as its entry "archive/data/0" must be stored, as torch.save does: ' +
    "it is compressed",
  ],
  [
    "a compressed pickle",
    {},
    { deflate: ["data.pkl"] },
    'Cannot read m.pt as its entry "archive/data.pkl" must be stored, as torch.save does: ' +
    "it is compressed",
  ],
  [
    "big-endian numbers",
    {},
    { extra: { byteorder: "big" } },
    'Cannot read m.pt as its byte order must be "little": current value is "big"',
  ],
  [
    "a TorchScript program",
    {},
    { extra: { "constants.pkl": "" } },
    "Cannot read m.pt as it must hold a state dict: it is a TorchScript program",
  ],
  [
    "an archive without pickle",
    {},
    { folder: "a/b/" },
    "Cannot read m.pt as an archive of torch.save must hold one data.pkl: current number is 0",
  ],
  [
    "an endless pickle",
    {},
    { root: new Uint8Array((32 << 20) + 1) },
    'Cannot read m.pt as its entry "archive/data.pkl" must have at most 33554432 bytes: ' +
    "current value is 33554433",
  ],
  [
    "a malicious pickle",
    {},
    { root: pickle({ call: "os system", args: ["id"] }) },
    "Cannot read m.pt as its pickle asks for os.system, " +
    "and a checkpoint may only hold tensors and containers",
  ],
];

for (const [what, view, parts, message] of refused) {
  Deno.test(`readTorchFile refuses ${what}`, async () => {
    await rejects(() => readOne(view, parts), { name: "UserError", message });
  });
}

Deno.test("readTorchFile refuses a file that ends early, in one line", async () => {
  const whole = await torchBytes({
    root: { dict: [["w", tensor(spec)]] },
    storages: { 0: numbers },
  });
  for (const bytes of [whole.subarray(0, whole.length - 40), whole.subarray(0, 100)]) {
    await rejects(() => readTorchFile(bytesRandomAccess("m.pt", bytes)), {
      name: "UserError",
      message: /^Cannot read m\.pt as it must be an undamaged zip archive: [^\n]+$/,
    });
  }
});
