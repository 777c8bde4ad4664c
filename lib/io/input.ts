/** The one opener of files that the user named: plain or gzip, from a disk, a pipe or standard input. */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { quote, UserError } from "../errors.ts";
import { fileKind, KIND_BYTES } from "./file_kind.ts";
import { fileReason, kindReason } from "./file_reason.ts";

/** Names of standard input; as a file Deno opens it only with every permission there is. */
const STANDARD_INPUT = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

/** What pipes gave, by name: they give it once, and some readers read twice. */
const pipes = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** Why a file's contents are not what they must be. */
export class Unreadable extends Error {}

/** What an input must be, and who hears of its encoding. */
export interface InputOptions {
  /** What the file must be, for messages. @default "a text file" */
  must?: string;
}

/**
 * The contents of a file in pieces, unpacked where they are gzip, whatever the file is called; `-` is
 * standard input.
 *
 * @throws {UserError} if it cannot be read, is cut off, or is plainly something else, which is named
 */
export async function* inputPieces(
  path: string,
  options: InputOptions = {},
): AsyncGenerator<Uint8Array> {
  try {
    const raw = await begun(rawPieces(path));
    const isGzip = raw.head[0] === 0x1f && raw.head[1] === 0x8b;
    const { head, pieces } = isGzip ? await begun(unpacked(raw.pieces)) : raw;
    const kind = fileKind(head);
    if (kind !== undefined) throw new Unreadable(`it is ${kind}`);
    yield* pieces;
  } catch (error) {
    throw inputError(error, path, options);
  }
}

/** The whole contents. @throws {UserError} as {@linkcode inputPieces}, and for half a gigabyte */
export async function readInput(
  path: string,
  options: InputOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of inputPieces(path, options)) {
    pieces.push(piece);
    length += piece.length;
    if (length <= MOST_BYTES) continue;
    const reason = new Unreadable(`it has more than ${MOST_BYTES} bytes`);
    throw inputError(reason, path, options);
  }
  return joined(pieces, length);
}

/** The engine's longest text has as many letters. */
export const MOST_BYTES = 2 ** 29 - 25;

/** What to call a file in a sentence. */
export const inputName = (path: string): string => path === "-" ? "standard input" : path;

/** The first bytes of a file on disk; undefined of what is no plain file, which gives them once. */
export async function fileHead(
  path: string,
  count: number,
  options: InputOptions = {},
): Promise<Uint8Array | undefined> {
  if (STANDARD_INPUT.has(path)) return undefined;
  try {
    if (!(await Deno.stat(path)).isFile) return undefined;
    using file = await Deno.open(path);
    const head = new Uint8Array(count);
    return head.subarray(0, await file.read(head) ?? 0);
  } catch (error) {
    throw inputError(error, path, options);
  }
}

/** Whether a file's bytes on disk are its text, which can then be read at any place. */
export async function isPlainText(path: string, options: InputOptions = {}): Promise<boolean> {
  const head = await fileHead(path, 2, options);
  if (!head) return false;
  return !(head[0] === 0x1f && head[1] === 0x8b) && !(head[0] >= 0xfe && head[1] >= 0xfe);
}

/** The error of a file that cannot be read as `must` says; others as they are. */
export function inputError(
  error: unknown,
  path: string,
  { must = "a text file" }: InputOptions = {},
): unknown {
  if (error instanceof UserError) return error;
  const reason = error instanceof Unreadable
    ? error.message
    : zipReason(error) ?? fileReason(error);
  if (reason === undefined) return error;
  const name = inputName(path);
  return new UserError(
    `Cannot read ${name === path ? quote(path, 200) : name} as it must be ${must}: ${reason}`,
  );
}

function zipReason(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  const isZip = typeof code === "string" && /^Z_/.test(code) ||
    error instanceof Error &&
      /unexpected end of file|incorrect (header|data) check/.test(error.message);
  return isZip ? "its gzip data are damaged or cut off" : undefined;
}

/** The first bytes, for a look at them, and all pieces from the first on. */
async function begun(
  source: AsyncGenerator<Uint8Array>,
): Promise<{ head: Uint8Array; pieces: AsyncGenerator<Uint8Array> }> {
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < KIND_BYTES) {
    const { done, value } = await source.next();
    if (done) break;
    first.push(value);
    length += value.length;
  }
  const head = joined(first, length);
  async function* pieces() {
    try {
      if (length > 0) yield head;
      yield* source;
    } finally {
      await source.return(undefined);
    }
  }
  return { head, pieces: pieces() };
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

async function* rawPieces(path: string): AsyncGenerator<Uint8Array> {
  const known = pipes.get(path);
  if (known) return yield await known;
  if (STANDARD_INPUT.has(path)) {
    const all = new Response(Deno.stdin.readable).bytes();
    pipes.set(path, all);
    return yield await all;
  }
  using file = await Deno.open(path);
  const info = await file.stat();
  if (info.isDirectory || info.isCharDevice || info.isBlockDevice) {
    throw new Unreadable(kindReason(info));
  }
  if (!info.isFile) {
    const all = new Response(file.readable).bytes();
    pipes.set(path, all);
    return yield await all;
  }
  for (;;) {
    const buffer = new Uint8Array(PIECE_BYTES);
    const count = await file.read(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}

const PIECE_BYTES = 1 << 16;

/** Unpacks gzip, also of several members after one another, as bgzip writes and `cat` makes. */
async function* unpacked(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(pieces, { objectMode: false }), gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    for await (const piece of gunzip) yield piece as Uint8Array;
  } finally {
    source.destroy();
    gunzip.destroy();
    await pieces.return(undefined);
  }
}
