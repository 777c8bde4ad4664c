/** Writes pickles as Python's protocol 2 pickler does (memo included), from a small value language. */

export type Py =
  | null
  | boolean
  | number
  | string
  | Py[]
  | { float: number }
  | { tuple: Py[] }
  | { dict: [Py, Py][] }
  | { ordered: [Py, Py][]; attributes?: [Py, Py][] }
  | { namespace: [Py, Py][] }
  | { global: string }
  | { call: string; args: Py[] }
  | { persistent: Py }
  | { build: Py; state: Py }
  | { raw: number[] };

/** State-dict tensor of torch: a view of the storage `key`, whose element type is `torch.<type>`. */
export interface TensorSpec {
  key: string;
  type: string;
  length: number;
  shape: number[];
  strides?: number[];
  offset?: number;
}

export const tuple = (...items: Py[]): Py => ({ tuple: items });

/** What torch.save writes for a tensor. */
export function tensor({ key, type, length, shape, strides, offset = 0 }: TensorSpec): Py {
  strides ??= shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const storage = tuple("storage", { global: `torch ${type}` }, key, "cpu", length);
  return {
    call: "torch._utils _rebuild_tensor_v2",
    args: [
      { persistent: storage },
      offset,
      tuple(...shape),
      tuple(...strides),
      false,
      { ordered: [] },
    ],
  };
}

/** What torch.save writes for a torch.nn.Parameter. */
export function parameter(spec: TensorSpec): Py {
  return { call: "torch._utils _rebuild_parameter", args: [tensor(spec), true, { ordered: [] }] };
}

/** The bytes of a whole pickle. */
export function pickle(value: Py): Uint8Array {
  const writer = new Writer();
  writer.emit(0x80, 2);
  writer.value(value);
  writer.emit(0x2e);
  return Uint8Array.from(writer.bytes);
}

export const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];

class Writer {
  readonly bytes: number[] = [];
  readonly #memo = new Map<string, number>();
  #next = 0;

  emit(...bytes: number[]) {
    for (const byte of bytes) this.bytes.push(byte & 255);
  }

  value(v: Py): void {
    if (v === null) return this.emit(0x4e);
    if (typeof v === "boolean") return this.emit(v ? 0x88 : 0x89);
    if (typeof v === "number") return this.#integer(v);
    if (typeof v === "string") return this.#text(v);
    if (Array.isArray(v)) return this.#list(v);
    if ("float" in v) return this.emit(0x47, ...float64(v.float));
    if ("tuple" in v) return this.#tuple(v.tuple);
    if ("dict" in v) return this.#dict(v.dict);
    if ("ordered" in v) return this.#ordered(v.ordered, v.attributes);
    if ("namespace" in v) return this.#namespace(v.namespace);
    if ("global" in v) return this.#global(v.global);
    if ("call" in v) return this.#call(v.call, v.args);
    if ("persistent" in v) return this.#then(v.persistent, 0x51);
    if ("build" in v) return this.#build(v.build, v.state);
    this.emit(...v.raw);
  }

  #integer(v: number) {
    if (v >= 0 && v < 1 << 8) return this.emit(0x4b, v);
    if (v >= 0 && v < 1 << 16) return this.emit(0x4d, v, v >> 8);
    if (v === (v | 0)) return this.emit(0x4a, ...uint32(v));
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigInt64(0, BigInt(v), true);
    this.emit(0x8a, 8, ...bytes);
  }

  #text(v: string) {
    if (this.#recall(`text ${v}`)) return;
    const bytes = ascii(v);
    this.emit(0x58, ...uint32(bytes.length), ...bytes);
    this.#remember(`text ${v}`);
  }

  #global(name: string) {
    if (this.#recall(`global ${name}`)) return;
    this.emit(0x63, ...ascii(name.replace(" ", "\n") + "\n"));
    this.#remember(`global ${name}`);
  }

  #list(items: Py[]) {
    this.emit(0x5d);
    this.#remember();
    if (items.length === 1) return this.#then(items[0], 0x61);
    if (items.length > 1) this.#marked(items, 0x65);
  }

  #tuple(items: Py[]) {
    if (items.length === 0) return this.emit(0x29);
    if (items.length > 3) {
      this.#marked(items, 0x74);
    } else {
      for (const item of items) this.value(item);
      this.emit(0x84 + items.length);
    }
    this.#remember();
  }

  #dict(entries: [Py, Py][]) {
    this.emit(0x7d);
    this.#remember();
    this.#items(entries);
  }

  #ordered(entries: [Py, Py][], attributes?: [Py, Py][]) {
    this.#call("collections OrderedDict", []);
    this.#items(entries);
    if (attributes !== undefined) this.#then({ dict: attributes }, 0x62);
  }

  #namespace(entries: [Py, Py][]) {
    this.#global("argparse Namespace");
    this.emit(0x29, 0x81);
    this.#remember();
    this.#then({ dict: entries }, 0x62);
  }

  #call(name: string, args: Py[]) {
    this.#global(name);
    this.#tuple(args);
    this.emit(0x52);
    this.#remember();
  }

  #build(target: Py, state: Py) {
    this.value(target);
    this.#then(state, 0x62);
  }

  #items(entries: [Py, Py][]) {
    if (entries.length === 0) return;
    if (entries.length > 1) return this.#marked(entries.flat(), 0x75);
    this.value(entries[0][0]);
    this.#then(entries[0][1], 0x73);
  }

  #marked(items: Py[], op: number) {
    this.emit(0x28);
    for (const item of items) this.value(item);
    this.emit(op);
  }

  #then(value: Py, op: number) {
    this.value(value);
    this.emit(op);
  }

  #recall(key: string): boolean {
    const index = this.#memo.get(key);
    if (index === undefined) return false;
    if (index < 256) this.emit(0x68, index);
    else this.emit(0x6a, ...uint32(index));
    return true;
  }

  #remember(key?: string) {
    const index = this.#next++;
    if (key !== undefined) this.#memo.set(key, index);
    if (index < 256) this.emit(0x71, index);
    else this.emit(0x72, ...uint32(index));
  }
}

function uint32(v: number): number[] {
  return [v & 255, (v >> 8) & 255, (v >> 16) & 255, (v >>> 24) & 255];
}

function float64(v: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, v, false);
  return [...bytes];
}
