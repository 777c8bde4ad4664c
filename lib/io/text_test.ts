import { gzipSync } from "node:zlib";
import { deepEqual, equal, match, rejects } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { streamFasta } from "./fasta_stream.ts";
import { openTable } from "./csv_stream.ts";
import { lines } from "./lines.ts";
import { readText, TextReader } from "./text.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const utf16 = (text: string, bigEndian = false) =>
  Uint8Array.from([...text].flatMap((letter) => {
    const code = letter.charCodeAt(0), pair = [code & 255, code >> 8];
    return bigEndian ? pair.toReversed() : pair;
  }));
const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const bytes = (...parts: (Uint8Array | Uint8Array<ArrayBuffer>)[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

async function withFile(content: Uint8Array, use: (path: string) => Promise<void>): Promise<void> {
  // The name says nothing of what is in it.
  const path = await Deno.makeTempFile({ suffix: ".dat" });
  try {
    await Deno.writeFile(path, content);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

const TEXT = ">a café 1,9 Å\nMKTAYIAKQR\n";
const encodings: [name: string, bytes: Uint8Array, note: string | undefined, text?: string][] = [
  ["UTF-8", utf8(TEXT), undefined],
  ["UTF-8 with a mark", bytes(Uint8Array.of(0xef, 0xbb, 0xbf), utf8(TEXT)), undefined],
  ["Latin-1", latin1(TEXT), "Latin-1"],
  ["Windows-1252", bytes(utf8("5 "), Uint8Array.of(0x80), utf8("\n")), "Latin-1", "5 €\n"],
  ["UTF-16LE with a mark", bytes(Uint8Array.of(0xff, 0xfe), utf16(TEXT)), "UTF-16"],
  ["UTF-16BE with a mark", bytes(Uint8Array.of(0xfe, 0xff), utf16(TEXT, true)), "UTF-16"],
  ["UTF-16LE", utf16(TEXT), "UTF-16"],
  ["UTF-16BE", utf16(TEXT, true), "UTF-16"],
  ["nothing", new Uint8Array(0), undefined, ""],
  ["one letter", utf8("x"), undefined, "x"],
];
for (const [name, content, note, text = TEXT] of encodings) {
  Deno.test(`readText reads ${name}, packed or not, and says what is not UTF-8`, async () => {
    const half = content.length >> 1;
    const packed = [
      content,
      gzipSync(content),
      // Two members after one another, as bgzip writes.
      bytes(gzipSync(content.slice(0, half)), gzipSync(content.slice(half))),
    ];
    for (const each of packed) {
      await withFile(each, async (path) => {
        const notes: string[] = [];
        equal(await readText(path, { notes }), text);
        deepEqual(notes, note === undefined ? [] : [`${path} is read as ${note} text.`]);
        const rows = await Array.fromAsync(lines(path));
        deepEqual(rows, text === "" ? [] : text.replace(/\n$/, "").split("\n"));
      });
    }
  });
}

Deno.test("TextReader gives the same text wherever the bytes are cut", () => {
  const word = fc.constantFrom("a", "é", "→", "\n", "MK", "𝛼");
  fc.assert(fc.property(fc.array(word), fc.array(fc.nat(40)), fc.boolean(), (words, cuts, wide) => {
    // A letter first: what is in each second byte says nothing of one alone.
    const text = `abcd${words.join("")}`;
    const all = wide
      ? bytes(
        Uint8Array.of(0xff, 0xfe),
        new Uint8Array(
          Uint16Array.from(
            { length: text.length },
            (_, i) => text.charCodeAt(i),
          ).buffer,
        ),
      )
      : utf8(text);
    const reader = new TextReader(), at = [0, ...cuts.toSorted((a, b) => a - b), all.length];
    const pieces = at.slice(1).map((end, i) => reader.add(all.subarray(at[i], end)));
    equal(pieces.join("") + reader.end(), text);
  }));
});

Deno.test("streaming readers open gzip as whole readers do, and can read again", async () => {
  await withFile(gzipSync(utf8(">a\nMKT\n>b\nAYI\n")), async (path) => {
    for (const _ of [1, 2]) {
      deepEqual((await Array.fromAsync(streamFasta(path))).map((r) => r.sequence), ["MKT", "AYI"]);
    }
  });
  await withFile(gzipSync(utf16("\uFEFFa;b\r\n1;2\r\n")), async (path) => {
    const table = await openTable(path);
    deepEqual(table.columns, ["a", "b"]);
    for (const _ of [1, 2]) {
      deepEqual((await Array.fromAsync(table.rows())).map((r) => r.fields), [["1", "2"]]);
    }
  });
});

const others: [name: string, bytes: Uint8Array, says: RegExp][] = [
  ["zip", bytes(utf8("PK\x03\x04"), new Uint8Array(26), utf8("a.txt")), /a zip archive: unpack/],
  ["Excel", bytes(utf8("PK\x03\x04"), new Uint8Array(26), utf8("xl/workbook.xml")), /Excel .* CSV/],
  ["npz", bytes(utf8("PK\x03\x04"), new Uint8Array(26), utf8("map.npy")), /NumPy archive/],
  ["PDF", utf8("%PDF-1.7\n"), /a PDF document/],
  ["PNG", bytes(Uint8Array.of(0x89), utf8("PNG\r\n\x1a\n")), /a picture \(PNG\)/],
  ["a web page", utf8("\n<!DOCTYPE html><html></html>"), /a web page \(HTML\)/],
  ["XML", utf8('<?xml version="1.0"?>'), /an XML document/],
  ["safetensors", bytes(Uint8Array.of(64, 0, 0, 0, 0, 0, 0, 0), utf8('{"a":1}')), /a safetensors/],
  ["a pickle", bytes(Uint8Array.of(0x80, 2), utf8("}q.")), /a Python pickle/],
  ["HDF5", bytes(Uint8Array.of(0x89), utf8("HDF\r\n")), /an HDF5 file/],
  ["zstd", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0), /compressed by zstd: unpack/],
  ["gzip in gzip", gzipSync(gzipSync(utf8("x"))), /gzip twice/],
  ["a PDF in gzip", gzipSync(utf8("%PDF-1.7\n")), /a PDF document/],
  ["gzip cut off", gzipSync(utf8(TEXT)).slice(0, -6), /gzip data are damaged or cut off/],
  ["gzip damaged", gzipSync(utf8(TEXT.repeat(9))).fill(7, 14, 20), /gzip data are damaged/],
  ["bytes", Uint8Array.of(0xff, 0, 1, 2, 3), /not text: neither UTF-8 nor UTF-16 nor Latin-1/],
  ["half a UTF-16 letter", Uint8Array.of(0xff, 0xfe, 97, 0, 98), /not text/],
];
for (const [name, content, says] of others) {
  Deno.test(`readText refuses ${name} by its name in one line`, async () => {
    await withFile(content, async (path) => {
      await rejects(readText(path, { must: "a FASTA file" }), (error: Error) => {
        equal(error.name, "UserError");
        match(error.message, /^Cannot read "[^"\n]*" as it must be a FASTA file: [^\n]*$/);
        match(error.message, says);
        return true;
      });
    });
  });
}
