import { PickleFault } from "./pickle_fault.ts";
import {
  allowedGlobal,
  build,
  construct,
  persistent,
  type PickleValue,
  type TorchStorage,
} from "./pickle_values.ts";

/** The opcodes that torch.save writes (protocol 2), and protocol 4's forms of the same. */
const OP = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  BINFLOAT: 0x47,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  NONE: 0x4e,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  NEWOBJ: 0x81,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  SHORT_BINUNICODE: 0x8c,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
} as const;

/** The pickle of the 15B model has about 40 thousand opcodes; each may allocate a container. */
const MAX_STEPS = 1_000_000;

/**
 * Reads a pickle that holds tensors, containers, numbers and text, and nothing else.
 *
 * Work and memory are proportional to the length of the pickle: every opcode reads its own bytes or
 * takes values from the stack once, and shared values are shared, never copied or expanded.
 *
 * @param label the file's name for messages
 * @throws {UserError} naming what the pickle asks for that is not allowed, or what is damaged
 */
export function readPickle(bytes: Uint8Array, label: string): PickleValue {
  return new PickleMachine(bytes, new PickleFault(label)).run();
}

/**
 * Reads the pickle that begins at a place, of several one after another.
 *
 * @param storages gets the storages that it names, by key
 * @throws {UserError} as {@linkcode readPickle}
 */
export function readPickleAt(
  bytes: Uint8Array,
  start: number,
  label: string,
  storages?: Map<string, TorchStorage>,
): { value: PickleValue; end: number } {
  const rest = bytes.subarray(start);
  const machine = new PickleMachine(rest, new PickleFault(label), storages);
  return { value: machine.run(), end: start + machine.end };
}

class PickleMachine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fault: PickleFault;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at = 0;

  constructor(
    bytes: Uint8Array,
    fault: PickleFault,
    readonly storages?: Map<string, TorchStorage>,
  ) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fault = fault;
  }

  /** Where the pickle ends, once it was run. */
  get end(): number {
    return this.#at;
  }

  run(): PickleValue {
    let steps = 0;
    for (let op = this.#byte(); op !== OP.STOP; op = this.#byte()) {
      if (++steps > MAX_STEPS) this.#fault.refuse(`has more than ${MAX_STEPS} opcodes`);
      this.#step(op);
    }
    if (this.#stack.length !== 1 || this.#marks.length > 0) {
      this.#fault.damaged(`${this.#stack.length} values are left at its end`);
    }
    return this.#stack[0];
  }

  #step(op: number): void {
    const stack = this.#stack;
    switch (op) {
      case OP.PROTO: {
        const protocol = this.#byte();
        if (protocol < 2 || protocol > 5) {
          this.#fault.refuse(`is of protocol ${protocol} where torch writes 2`);
        }
        return;
      }
      case OP.FRAME:
        this.#take(8);
        return;
      case OP.MARK:
        this.#marks.push(stack.length);
        return;
      case OP.NONE:
        return this.#push(null);
      case OP.NEWTRUE:
        return this.#push(true);
      case OP.NEWFALSE:
        return this.#push(false);
      case OP.BININT1:
        return this.#push(this.#byte());
      case OP.BININT2:
        return this.#push(this.#view.getUint16(this.#take(2), true));
      case OP.BININT:
        return this.#push(this.#view.getInt32(this.#take(4), true));
      case OP.LONG1:
        return this.#push(this.#long(this.#byte()));
      case OP.BINFLOAT:
        return this.#push(this.#view.getFloat64(this.#take(8), false));
      case OP.BINUNICODE:
        return this.#push(this.#text(this.#uint32()));
      case OP.SHORT_BINUNICODE:
        return this.#push(this.#text(this.#byte()));
      case OP.EMPTY_TUPLE:
        return this.#push(Object.freeze([]));
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        return this.#push(Object.freeze(this.#popMany(op - OP.TUPLE1 + 1)));
      case OP.TUPLE:
        return this.#push(Object.freeze(this.#popToMark()));
      case OP.EMPTY_LIST:
        return this.#push([]);
      case OP.APPEND:
        return this.#append([this.#pop()]);
      case OP.APPENDS:
        return this.#append(this.#popToMark());
      case OP.EMPTY_DICT:
        return this.#push(new Map());
      case OP.SETITEM:
        return this.#setItems(this.#popMany(2));
      case OP.SETITEMS:
        return this.#setItems(this.#popToMark());
      case OP.BINPUT:
        return this.#put(this.#byte());
      case OP.LONG_BINPUT:
        return this.#put(this.#uint32());
      case OP.MEMOIZE:
        return this.#put(this.#memo.size);
      case OP.BINGET:
        return this.#push(this.#get(this.#byte()));
      case OP.LONG_BINGET:
        return this.#push(this.#get(this.#uint32()));
      case OP.GLOBAL:
        return this.#push(allowedGlobal(`${this.#line()}.${this.#line()}`, this.#fault));
      case OP.STACK_GLOBAL: {
        const [module, name] = this.#popMany(2);
        if (typeof module !== "string" || typeof name !== "string") {
          this.#fault.damaged("a global is not named by two texts");
        }
        return this.#push(allowedGlobal(`${module}.${name}`, this.#fault));
      }
      case OP.BINPERSID:
        return this.#push(this.#storage(this.#pop()));
      case OP.REDUCE:
      case OP.NEWOBJ: {
        const [callee, args] = this.#popMany(2);
        return this.#push(construct(callee, args, this.#fault));
      }
      case OP.BUILD: {
        const state = this.#pop();
        return build(this.#top(), state, this.#fault);
      }
      default:
        this.#fault.refuse(`uses opcode 0x${op.toString(16).padStart(2, "0")}`);
    }
  }

  #storage(id: PickleValue): TorchStorage {
    const storage = persistent(id, this.#fault);
    const known = this.storages?.get(storage.key);
    if (known && (known.dtype !== storage.dtype || known.length !== storage.length)) {
      this.#fault.damaged("a storage is named with two types or lengths");
    }
    this.storages?.set(storage.key, storage);
    return storage;
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  /** Values above the latest mark are free; those below it wait for their container. */
  #available(): number {
    return this.#stack.length - (this.#marks.at(-1) ?? 0);
  }

  #pop(): PickleValue {
    return this.#popMany(1)[0];
  }

  #popMany(count: number): PickleValue[] {
    if (this.#available() < count) this.#fault.damaged("its stack runs empty");
    return this.#stack.splice(this.#stack.length - count);
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) return this.#fault.damaged("a container has no mark");
    return this.#stack.splice(mark);
  }

  #top(): PickleValue {
    if (this.#available() < 1) this.#fault.damaged("its stack runs empty");
    return this.#stack[this.#stack.length - 1];
  }

  #append(items: PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list) || Object.isFrozen(list)) {
      return this.#fault.refuse("appends to something that is no list");
    }
    for (const item of items) list.push(item);
  }

  #setItems(items: PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map)) {
      return this.#fault.refuse("sets items of something that is no dict");
    }
    if (items.length % 2 !== 0) this.#fault.damaged("a dict has a key without value");
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  #put(index: number): void {
    this.#memo.set(index, this.#top());
  }

  #get(index: number): PickleValue {
    const value = this.#memo.get(index);
    return value === undefined
      ? this.#fault.damaged(`memo ${index} is used before it is set`)
      : value;
  }

  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) this.#fault.damaged("it ends early");
    this.#at += count;
    return start;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)];
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Two's complement, little-endian; small numbers stay numbers. */
  #long(count: number): number | bigint {
    const start = this.#take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = value << 8n | BigInt(this.#bytes[start + i]);
    value = BigInt.asIntN(8 * count, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #text(count: number): string {
    const start = this.#take(count);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + count));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.#fault.damaged("it ends early");
    return this.#text(end - this.#at + 1).slice(0, -1);
  }
}
