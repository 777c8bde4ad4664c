import { fileURLToPath } from "node:url";
import { deepEqual, equal, ok, rejects } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { bytesRandomAccess, openRandomAccess } from "./random_access.ts";
import {
  createZip,
  DEFLATED,
  listZip,
  readZipEntry,
  readZipStart,
  STORED,
  type ZipAddOptions,
  zipDataOffset,
} from "./zip.ts";

const text = (s: string) => new TextEncoder().encode(s);

async function archive(
  files: [string, Uint8Array | ReadableStream<Uint8Array>, ZipAddOptions?][],
): Promise<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const bytes = new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
  const zip = createZip(writable);
  for (const [name, contents, options] of files) await zip.add(name, contents, options);
  await zip.close();
  return await bytes;
}

Deno.test("createZip stores and deflates, and listZip and readZipEntry give the same files back", async () => {
  const zeros = new Uint8Array(100_000);
  const bytes = await archive([
    ["a.txt", text("stored")],
    ["dir/zeros.bin", zeros, { deflate: true }],
    ["empty", new Uint8Array(0)],
    ["streamed", new Blob(["from ", "a stream"]).stream(), { deflate: true }],
  ]);
  const source = bytesRandomAccess("test.zip", bytes);
  const entries = await listZip(source);
  deepEqual(
    entries.map(({ name, method, sizeBytes }) => [name, method, sizeBytes]),
    [["a.txt", STORED, 6], ["dir/zeros.bin", DEFLATED, 100_000], ["empty", STORED, 0], [
      "streamed",
      DEFLATED,
      13,
    ]],
  );
  ok(entries[1].compressedBytes < 1000);
  deepEqual(await readZipEntry(source, entries[0], 1e6), text("stored"));
  deepEqual(await readZipEntry(source, entries[1], 1e6), zeros);
  deepEqual(await readZipEntry(source, entries[2], 1e6), new Uint8Array(0));
  deepEqual(await readZipEntry(source, entries[3], 1e6), text("from a stream"));
});

Deno.test("zipDataOffset points at the first byte of a stored entry", async () => {
  const bytes = await archive([["first", text("0123456789")], ["second.bin", text("abc")]]);
  const source = bytesRandomAccess("test.zip", bytes);
  const found = new Uint8Array(3);
  const entries = await listZip(source);
  await source.read(await zipDataOffset(source, entries[1]), found);
  deepEqual(found, text("abc"));
});

Deno.test("createZip gives the same bytes for the same contents", async () => {
  const files: [string, Uint8Array, ZipAddOptions][] = [["x", text("abcabc"), { deflate: true }]];
  deepEqual(await archive(files), await archive(files));
});

Deno.test("listZip reads an archive that another program wrote, from disk", async () => {
  const fixture = new URL(
    "../../tests/fixtures/esm2_t4_800K_SP50/esm2_t4_800K_SP50.pt",
    import.meta.url,
  );
  using source = await openRandomAccess(fileURLToPath(fixture));
  const entries = await listZip(source);
  equal(entries.length, 79);
  const version = entries.find((e) => e.name.endsWith("/version"))!;
  const offset = await zipDataOffset(source, version);
  const line = new Uint8Array(version.sizeBytes);
  await source.read(offset, line);
  deepEqual(line, text("3\n"));
  deepEqual(await readZipEntry(source, version, 1e6), text("3\n"));
});

Deno.test("listZip, zipDataOffset and readZipEntry refuse damaged archives", async () => {
  const bytes = await archive([["a.txt", text("some contents")]]);
  const wanted = { name: "UserError", message: /^Cannot read bad\.zip as it must be an undamaged/ };
  for (const bad of [text("no archive"), new Uint8Array(0), bytes.subarray(0, bytes.length - 30)]) {
    await rejects(() => listZip(bytesRandomAccess("bad.zip", bad)), wanted);
  }
  const flipped = bytes.slice();
  flipped[36] ^= 1; // the second byte of the contents
  const source = bytesRandomAccess("bad.zip", flipped);
  await rejects(async () => await readZipEntry(source, (await listZip(source))[0], 100), wanted);
  const noHeader = bytes.slice();
  noHeader[0] = 0;
  const other = bytesRandomAccess("bad.zip", noHeader);
  await rejects(async () => {
    for (const entry of await listZip(other)) await zipDataOffset(other, entry);
  }, (error: Error) => error instanceof UserError && !error.message.includes("\n"));
});

/** An archive whose directory says other things than its writer knew. */
async function forged(
  contents: Uint8Array,
  change: (directory: DataView) => void,
): Promise<Uint8Array> {
  const bytes = await archive([["x", contents, { deflate: true }]]);
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  change(new DataView(bytes.buffer, view.getUint32(end + 16, true)));
  return bytes;
}
const SIZE_FIELD = 24;

Deno.test("readZipEntry refuses an entry by the size it declares, before it unpacks any", async () => {
  const bomb = await archive([["x", new Uint8Array(1 << 26), { deflate: true }]]);
  const source = bytesRandomAccess("bomb.zip", bomb.slice());
  const [entry] = await listZip(source);
  // The data are gone: whoever touched them would say so.
  const gutted = bytesRandomAccess("bomb.zip", bomb.slice().fill(0, 0, 1000));
  await rejects(() => readZipEntry(gutted, entry, 1000), {
    name: "UserError",
    message: 'Cannot read bomb.zip as its entry "x" must have at most 1000 bytes: ' +
      "current value is 67108864",
  });
  equal((await readZipStart(source, entry, 100)).length, 100);
});

Deno.test("readZipEntry takes no more bytes than an entry declares, and no fewer", async () => {
  const contents = new Uint8Array(1 << 20);
  for (const [declared, what] of [[1000, "more bytes"], [1 << 21, "ends early"]] as const) {
    const bytes = await forged(contents, (view) => view.setUint32(SIZE_FIELD, declared, true));
    const source = bytesRandomAccess("f.zip", bytes);
    const [entry] = await listZip(source);
    equal(entry.sizeBytes, declared);
    await rejects(() => readZipEntry(source, entry, 1 << 22), {
      name: "UserError",
      message: new RegExp(`^Cannot read f\\.zip as it must be an undamaged .*${what}`),
    });
  }
});

Deno.test("listZip refuses an archive of more files than any checkpoint has", async () => {
  const one = await archive([["x", new Uint8Array(0)]]);
  const end = one.length - 22;
  const directory = new DataView(one.buffer).getUint32(end + 16, true);
  const header = one.subarray(directory, end);
  const count = 40_000, all = new Uint8Array(directory + count * header.length + 22);
  all.set(one.subarray(0, directory));
  for (let i = 0; i < count; i++) all.set(header, directory + i * header.length);
  all.set(one.subarray(end), all.length - 22);
  const tail = new DataView(all.buffer, all.length - 22);
  for (const at of [8, 10]) tail.setUint16(at, count, true);
  tail.setUint32(12, count * header.length, true);
  await rejects(() => listZip(bytesRandomAccess("many.zip", all)), {
    name: "UserError",
    message: /^Cannot read many\.zip as it must be .*more than 32768 files/,
  });
});

Deno.test("RandomAccess of a file reads any range, in any order, and refuses ranges beyond the end", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, Uint8Array.from({ length: 5000 }, (_, i) => i % 251));
    using source = await openRandomAccess(path);
    equal(source.sizeBytes, 5000);
    const parts = [4000, 3, 250, 4999].map((offset) => ({ offset, bytes: new Uint8Array(1) }));
    await Promise.all(parts.map(({ offset, bytes }) => source.read(offset, bytes)));
    for (const { offset, bytes } of parts) equal(bytes[0], offset % 251);
    await rejects(async () => await source.read(4999, new Uint8Array(2)), RangeError);
    await rejects(async () => await source.read(-1, new Uint8Array(1)), RangeError);
  } finally {
    await Deno.remove(path);
  }
});
