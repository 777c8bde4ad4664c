import { assert, deepEqual, equal, match, rejects, throws } from "../../tests/assert.ts";
import { hasNumpy, numpySkipped, runPython } from "../../tests/python.ts";
import { UserError } from "../errors.ts";
import { bytesOf, decodeNpy, dtypeOf, encodeNpyHeader, type NpyArray } from "./npy.ts";
import { NpzWriter, openNpz, readNpz } from "./npz.ts";
import { bytesRandomAccess, openRandomAccess } from "./random_access.ts";
import { createZip } from "./zip.ts";

const examples: Record<string, NpyArray> = {
  f2: { shape: [2], data: new Float16Array([0.1, -65504]) },
  f4: { shape: [2, 3], data: new Float32Array([0, -0, 1.5, NaN, Infinity, -1e-40]) },
  f8: { shape: [1], data: new Float64Array([0.1 + 0.2]) },
  i4: { shape: [3, 1, 1], data: new Int32Array([-(2 ** 31), 0, 2 ** 31 - 1]) },
  i8: { shape: [], data: new BigInt64Array([-(2n ** 63n)]) },
  u1: { shape: [0, 4], data: new Uint8Array(0) },
};

/** A whole .npy file. */
const npy = ({ shape, data }: NpyArray) =>
  Uint8Array.of(...encodeNpyHeader(dtypeOf(data), shape), ...bytesOf(data));

Deno.test("encodeNpyHeader gives the bytes that NumPy documents", () => {
  // numpy.save of zeros((2, 3), "<f4"), numpy 1.24.
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  const expected = "\x93NUMPY\x01\x00\x76\x00" + text.padEnd(117) + "\n";
  deepEqual(String.fromCharCode(...encodeNpyHeader("f4", [2, 3])), expected);
  match(String.fromCharCode(...encodeNpyHeader("u1", [5])), /'\|u1'.*'shape': \(5,\), /);
  equal(encodeNpyHeader("f8", new Array(30).fill(1000)).length % 64, 0);
});

Deno.test("decodeNpy returns the array behind the header, for every dtype and rank", () => {
  for (const [name, array] of Object.entries(examples)) {
    assert.deepEqual(decodeNpy(npy(array), name), array, name);
  }
});

Deno.test("decodeNpy refuses what it cannot represent", () => {
  const bytes = npy(examples.f4);
  const edit = (from: string, to: string) => {
    const text = String.fromCharCode(...bytes).replace(from, to);
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  };
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(3), /"x\.npy".*magic bytes/],
    [edit("<f4", ">f4"), /little-endian.*">f4"/],
    [edit("<f4", "<c8"), /little-endian.*"<c8"/],
    [edit("False", "True "), /C order/],
    [edit("(2, 3)", "(2, 4)"), /\(2, 4\) of f4 must have 32 bytes: current value is 24/],
    [bytes.slice(0, 40), /header must be whole/],
  ];
  for (const [broken, pattern] of cases) {
    throws(
      () => decodeNpy(broken, "x.npy"),
      (error: unknown) => error instanceof UserError && pattern.test(error.message),
      pattern.source,
    );
  }
});

async function withDir(body: (dir: string) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Element i of the streamed test array; a prime keeps rows from repeating. */
const element = (i: number) => (i % 10_007) / 16;

/** [layers 2, heads 3, 300, 300] in pieces of one head plus an odd rest, 2.2 MB in all. */
async function writeArchive(path: string) {
  await using npz = await NpzWriter.create(path);
  for (const [name, array] of Object.entries(examples)) await npz.add(name, array);
  const shape = [2, 3, 300, 300], total = 540_000, block = new Float32Array(90_001);
  const array = npz.start("attention", "f4", shape);
  for (let at = 0; at < total; at += block.length) {
    const chunk = block.subarray(0, Math.min(block.length, total - at));
    for (let i = 0; i < chunk.length; i++) chunk[i] = element(at + i);
    await array.write(chunk); // the same memory each time
  }
  await array.close();
  await npz.close();
}

Deno.test("readNpz returns what NpzWriter streamed", () =>
  withDir(async (dir) => {
    await writeArchive(`${dir}/a.npz`);
    using source = await openRandomAccess(`${dir}/a.npz`);
    const arrays = await readNpz(source);
    deepEqual([...arrays.keys()], [...Object.keys(examples), "attention"]);
    for (const [name, array] of Object.entries(examples)) {
      assert.deepEqual(arrays.get(name), array, name);
    }
    const { shape, data } = arrays.get("attention")!;
    deepEqual(shape, [2, 3, 300, 300]);
    deepEqual(
      data,
      Float32Array.from({ length: 540_000 }, (_, i) => element(i)),
    );
  }));

Deno.test("openNpz unpacks what is asked for, once its header fits the size that is declared", () =>
  withDir(async (dir) => {
    const path = `${dir}/x.npz`;
    const good: NpyArray = { shape: [3], data: new Float32Array([1, 2, 3]) };
    const file = await Deno.open(path, { write: true, create: true });
    const zip = createZip(file.writable);
    await zip.add("good.npy", npy(good));
    await zip.add("damaged.npy", npy({ shape: [50], data: new Float32Array(50).fill(7) }));
    await zip.add("liar.npy", encodeNpyHeader("f8", [2 ** 20, 2 ** 20]));
    await zip.close();
    const bytes = await Deno.readFile(path);
    // The last element of the second array.
    const at = new TextDecoder("latin1").decode(bytes).lastIndexOf("\0\0\xe0\x40");
    bytes[at] ^= 1;
    const source = bytesRandomAccess("x.npz", bytes);
    const archive = await openNpz(source);
    deepEqual(archive.names, ["good", "damaged", "liar"]);
    equal(await archive.look("none"), undefined);
    deepEqual(await (await archive.look("good"))!.read(), good);
    const damaged = (await archive.look("damaged"))!;
    deepEqual(damaged.shape, [50]);
    await rejects(
      () => damaged.read(),
      /undamaged zip archive: "damaged\.npy" has another checksum/,
    );
    await rejects(
      () => archive.look("liar"),
      /shape \(1048576, 1048576\) of f8 must have 8796093022208 bytes: current value is 0/,
    );
    await rejects(() => openNpz(source, 300), /"damaged\.npy" must have at most 300 bytes/);
  }));

Deno.test("NpzWriter refuses too many, too few and doubled elements", () =>
  withDir(async (dir) => {
    await using npz = await NpzWriter.create(`${dir}/a.npz`);
    const array = npz.start("a", "f4", [2, 2]);
    await array.write(new Float32Array(3));
    await rejects(() => array.close(), /got only 3/);
    throws(() => npz.start("b", "f4", [1]), /"a" is not closed/);
    await rejects(() => array.write(new Float32Array(2)), /got 5 elements/);
    await rejects(() => array.write(new Float64Array(1)), /must get f4/);
  }));

Deno.test({
  name: `NumPy reads the archives of NpzWriter${numpySkipped}`,
  ignore: !hasNumpy,
  fn: () =>
    withDir(async (dir) => {
      await writeArchive(`${dir}/a.npz`);
      const script = `
import numpy, sys
z = numpy.load(sys.argv[1])
for k in z.files: print(k, z[k].dtype.str, z[k].shape, z[k].flags.c_contiguous)
i = numpy.arange(540000)
print(numpy.array_equal(z["attention"].ravel(), ((i % 10007) / 16).astype("f4")))
print(repr(float(z["f8"][0])), int(z["i8"]), z["i4"].ravel().tolist(), z["f4"].tolist())
`;
      deepEqual((await runPython(script, `${dir}/a.npz`)).split(/\r?\n/), [
        "f2 <f2 (2,) True",
        "f4 <f4 (2, 3) True",
        "f8 <f8 (1,) True",
        "i4 <i4 (3, 1, 1) True",
        "i8 <i8 () True",
        "u1 |u1 (0, 4) True",
        "attention <f4 (2, 3, 300, 300) True",
        "True",
        "0.30000000000000004 -9223372036854775808 [-2147483648, 0, 2147483647] " +
        "[[0.0, -0.0, 1.5], [nan, inf, -9.99994610111476e-41]]",
      ]);
    }),
});
