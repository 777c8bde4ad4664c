/**
 * Many words of Philox4x32-10 at once: the counters of a row run side by side in the lanes of a small
 * WebAssembly function, whose 64-bit products JavaScript's numbers lack. The same words as `philox4x32`.
 */
import type { PhiloxKey } from "./philox.ts";

/** Words of a block: four counters (draw, draw + 1, …) of four words, word-major. */
export const BLOCK_WORDS = 16;

/** Blocks that the function's memory, a page of 64 KiB, holds. */
export const MOST_BLOCKS = 1024;

/** Fills a block after block; the array is written over by the next call. */
export type PhiloxWords = (
  blocks: number,
  counter: { trial: number; firstBlock: number; stream: number },
  key: PhiloxKey,
) => Uint32Array;

let words: PhiloxWords | undefined;

/** The function, made once. */
export function philoxWords(): PhiloxWords {
  return words ??= instantiate();
}

function instantiate(): PhiloxWords {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()));
  const { memory, fill } = exports as {
    memory: WebAssembly.Memory;
    fill: (...values: number[]) => void;
  };
  const out = new Uint32Array(memory.buffer);
  return (blocks, { trial, firstBlock, stream }, [low, high]) => {
    if (blocks > MOST_BLOCKS) {
      throw new RangeError(
        `Cannot draw words as at most ${MOST_BLOCKS} blocks fit: current value is ${blocks}`,
      );
    }
    fill(trial, 4 * firstBlock, stream, low, high, 4 * BLOCK_WORDS * blocks);
    return out.subarray(0, BLOCK_WORDS * blocks);
  };
}

/** Instructions of WebAssembly (core specification 2.0, section 5.4) as bytes. */
type Code = readonly number[];

/** LEB128 of an integer; `signed` for operands that are 32-bit constants. */
function leb(value: number, signed = false): Code {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const ends = signed
      ? value === 0 && (low & 0x40) === 0 || value === -1 && (low & 0x40) !== 0
      : value === 0;
    if (ends) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const get = (local: number): Code => [0x20, ...leb(local)];
const set = (local: number, ...value: Code[]): Code => [...value.flat(), 0x21, ...leb(local)];
const int = (value: number): Code => [0x41, ...leb(value | 0, true)];
const addInt = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
const simd = (opcode: number, ...operands: Code[]): Code => [
  ...operands.flat(),
  0xfd,
  ...leb(opcode),
];
const splat = (value: Code) => simd(0x11, value);
const xor = (a: Code, b: Code) => simd(0x51, a, b);
const addLanes = (a: Code, b: Code) => simd(0xae, a, b);
const multiply = (a: Code, b: Code) => simd(0xb5, a, b);
/** The upper halves of the products of lanes: the odd lanes of both halves of 64-bit products. */
const upperProduct = (a: Code, b: Code): Code => [
  ...simd(0x0d, simd(0xde, a, b), simd(0xdf, a, b)),
  ...[4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31],
];
const lanes = (values: readonly number[]): Code => [
  ...simd(0x0c),
  ...new Uint8Array(Uint32Array.from(values).buffer),
];
/** Stores four lanes at a local's address plus an offset. */
const store = (address: number, offset: number, value: Code): Code => [
  ...simd(0x0b, get(address), value),
  ...[2, ...leb(offset)],
];

/** fill(trial, draw, stream, key low, key high, end): writes up to the address `end`. */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const [trial, draw, stream, low, high, end] = [0, 1, 2, 3, 4, 5], at = 6;
  // Counters c0 … c3, both keys, multipliers, and what a round keeps meanwhile.
  const [c0, c1, c2, c3, k0, k1, m0, m1, u0, u1, l0] = Array.from({ length: 11 }, (_, i) => 7 + i);
  const round = [
    set(u0, upperProduct(get(c0), get(m0))),
    set(u1, upperProduct(get(c2), get(m1))),
    set(l0, multiply(get(c0), get(m0))),
    set(c0, xor(xor(get(u1), get(c1)), get(k0))),
    set(c1, multiply(get(c2), get(m1))),
    set(c2, xor(xor(get(u0), get(c3)), get(k1))),
    set(c3, get(l0)),
    set(k0, addLanes(get(k0), splat(int(0x9e3779b9)))),
    set(k1, addLanes(get(k1), splat(int(0xbb67ae85)))),
  ].flat();
  const body = [
    set(m0, splat(int(0xd2511f53))),
    set(m1, splat(int(0xcd9e8d57))),
    [0x03, 0x40], // loop
    set(c0, splat(get(trial))),
    set(c1, addLanes(splat(get(draw)), lanes([0, 1, 2, 3]))),
    set(c2, splat(int(0))),
    set(c3, splat(get(stream))),
    set(k0, splat(get(low))),
    set(k1, splat(get(high))),
    ...Array.from({ length: 10 }, () => round),
    ...[c0, c1, c2, c3].map((word, i) => store(at, 16 * i, get(word))),
    set(draw, addInt(get(draw), int(4))),
    set(at, addInt(get(at), int(4 * BLOCK_WORDS))),
    [...get(at), ...get(end), 0x49, 0x0d, 0x00], // again while at < end
    [0x0b, 0x0b], // end of the loop, of the function
  ].flat();
  const vector = (items: readonly Code[]): Code => [...leb(items.length), ...items.flat()];
  const sized = (bytes: Code): Code => [...leb(bytes.length), ...bytes];
  const section = (id: number, content: Code): Code => [id, ...sized(content)];
  const name = (text: string): Code => sized([...new TextEncoder().encode(text)]);
  const i32 = 0x7f, v128 = 0x7b;
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    ...section(1, vector([[0x60, ...vector(Array(6).fill([i32])), ...vector([])]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0x00, 1]])),
    ...section(7, vector([[...name("memory"), 0x02, 0], [...name("fill"), 0x00, 0]])),
    ...section(10, vector([sized([...vector([[1, i32], [11, v128]]), ...body])])),
  ]);
}
