/** What a file is that was taken for text, by its first bytes. */

const UNPACK = "unpack it first", AS_CSV = "save its sheet as CSV first";

/** By the bytes that such a file begins with, as Latin-1. */
const MAGIC: [begin: string, kind: string][] = [
  ["%PDF-", "a PDF document"],
  ["\x89PNG", "a picture (PNG)"],
  ["\xff\xd8\xff", "a picture (JPEG)"],
  ["GIF8", "a picture (GIF)"],
  ["BZh", `compressed by bzip2: ${UNPACK}`],
  ["\xfd7zXZ", `compressed by xz: ${UNPACK}`],
  ["\x28\xb5\x2f\xfd", `compressed by zstd: ${UNPACK}`],
  ["\x1f\x9d", `compressed by compress (.Z): ${UNPACK}`],
  ["\x1f\x8b", `compressed by gzip twice: ${UNPACK}`],
  ["7z\xbc\xaf", `a 7z archive: ${UNPACK}`],
  ["Rar!", `a RAR archive: ${UNPACK}`],
  ["\xd0\xcf\x11\xe0", `an old Office document (.xls, .doc): ${AS_CSV}`],
  ["{\\rtf", "an RTF document: save it as plain text first"],
  ["\x93NUMPY", "a NumPy array (.npy)"],
  ["\x89HDF", "an HDF5 file"],
  ["PAR1", "a Parquet table: save it as CSV first"],
  ["SQLite format 3", "an SQLite database"],
  ["\x7fELF", "a program"],
  ["version https://git-lfs", "a pointer of Git LFS, not the file itself: git lfs pull fetches it"],
];

/** How many bytes {@linkcode fileKind} looks at. */
export const KIND_BYTES = 512;

/**
 * What a file that begins with these bytes is, where it is no text that any reader here takes; with a
 * word what to do, where something can be done.
 */
export function fileKind(head: Uint8Array): string | undefined {
  // One letter a byte: the web's Latin-1 is Windows-1252.
  const text = String.fromCharCode(...head.subarray(0, KIND_BYTES));
  if (text.startsWith("PK\x03\x04") || text.startsWith("PK\x05\x06")) return zipKind(text);
  const found = MAGIC.find(([begin]) => text.startsWith(begin));
  if (found) return found[1];
  if (text.slice(257, 262) === "ustar") return `a tar archive: ${UNPACK}`;
  // Eight bytes of a length, then its header.
  if (/^[^]{4}\0{4}\{"/.test(text)) return "a safetensors file";
  if (head[0] === 0x80 && head[1] >= 2 && head[1] <= 5) return "a Python pickle";
  const start = text.replace(/^\xef\xbb\xbf/, "").trimStart().slice(0, 16).toLowerCase();
  if (/^<(!doctype html|html|head|body)/.test(start)) {
    return "a web page (HTML), as servers send where they do not have the file";
  }
  if (start.startsWith("<?xml")) return "an XML document";
  return undefined;
}

function zipKind(text: string): string {
  if (/\[Content_Types\]\.xml|xl\//.test(text)) return `an Excel or Word document: ${AS_CSV}`;
  if (text.includes("opendocument")) return `an OpenDocument file: ${AS_CSV}`;
  if (/^[^]{30}[^]*?\.npy/.test(text)) return "a NumPy archive (.npz)";
  return `a zip archive: ${UNPACK}`;
}
