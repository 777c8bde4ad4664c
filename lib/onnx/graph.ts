/**
 * An ONNX graph as an inspectable data structure.
 *
 * Values know their type, shape and producer, nodes know their inputs and attributes, so a graph can
 * be printed, checked, differentiated and only at the end serialized (`serialize.ts`). The typed
 * operators that build nodes are in `ops.ts`.
 */
import { type Dim, type Shape, showShape, SymbolTable } from "./shape.ts";

/** What a value's elements are, as ONNX names it. */
export type DType = "float32" | "float16" | "int64" | "int32" | "int8" | "uint8" | "bool";

/** A constant of a node. */
export type Attribute =
  | { kind: "int"; value: number }
  | { kind: "ints"; value: readonly number[] }
  | { kind: "float"; value: number }
  | { kind: "string"; value: string }
  | { kind: "graph"; value: Graph };

/** One tensor of the graph: an input, a constant, or the output of a node. */
export interface Value {
  /** Unique within the graph. */
  readonly name: string;
  /** What its elements are. */
  readonly dtype: DType;
  /** Extents; a name stands for one known at run time only. */
  readonly shape: Shape;
  /** The node that computes it; absent for inputs and constants. */
  readonly producer?: Node;
}

/** Stands among a node's inputs for an optional one that is left out: ONNX's empty name. */
export const ABSENT: Value = { name: "", dtype: "float32", shape: [] };

/** One operation. Its name is what onnxruntime prints in its own errors. */
export interface Node {
  /** Unique within the graph. */
  readonly name: string;
  /** ONNX's name of the operator. */
  readonly op: string;
  /** Whose operator it is, where it is none of ONNX's own. */
  readonly domain?: string;
  /** What it reads, in order. */
  readonly inputs: readonly Value[];
  /** What it makes, in order. */
  readonly outputs: Value[];
  /** Its constants by name. */
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Little-endian elements, row-major, as they lie in a file. */
export interface FilePart {
  /** The file; those of one graph lie in one folder. */
  readonly path: string;
  /** First byte. */
  readonly offset: number;
  /** Number of bytes. */
  readonly length: number;
}

/** A tensor whose values are known before the graph runs. */
export interface Constant {
  /** The tensor it is the content of. */
  readonly value: Value;
  /** Little-endian elements, row-major, stored in the graph, or where they are. */
  readonly data: Uint8Array | FilePart;
}

/** A node to be, of one output. */
export interface NodeSpec {
  /** ONNX's name of the operator. */
  op: string;
  /** Whose operator it is. @default ONNX's own */
  domain?: string;
  /** What it reads, in order. */
  inputs: readonly Value[];
  /** Type and shape of the single output. */
  dtype: DType;
  /** Extents of the output. */
  shape: Shape;
  /** Its constants by name. */
  attributes?: Record<string, Attribute>;
  /** Last part of the node's name; the operator's name by default. */
  label?: string;
}

/** A graph under construction; every method checks its arguments and throws on a mistake. */
export class Graph {
  /** In an order in which they can run. */
  readonly nodes: Node[] = [];
  /** What is fed. */
  readonly inputs: Value[] = [];
  /** What is handed out, by name. */
  readonly outputs: { name: string; value: Value }[] = [];
  /** What is stored in the graph. */
  readonly constants: Constant[] = [];
  /** What its named extents stand for. */
  symbols: SymbolTable = new SymbolTable();
  /** Extents known at run time only, as int64[1], for reshapes to several of them. */
  extents: Map<string, Value> = new Map();
  #names = new Set<string>();
  #scope: string[] = [];
  #constantByKey = new Map<string, Value>();
  #outer?: Graph;

  /** Opset 23 is the first with RotaryEmbedding. */
  constructor(readonly name: string, readonly opset = 23) {}

  /**
   * A graph that a node of this one runs when it is its turn: it reads values of this one, and its own
   * have names that no other has. What `build` gives is its output.
   */
  branch(name: string, build: (inner: Graph) => Value): Graph {
    const inner = new Graph(this.#claim([...this.#scope, name].join("/"), true), this.opset);
    inner.#outer = this;
    inner.#names = this.#names;
    inner.#scope = [inner.name];
    inner.symbols = this.symbols;
    // What it puts together of extents is its own: this graph cannot read it.
    inner.extents = new Map(this.extents);
    inner.outputs.push({ name: this.#claim(`${inner.name}/result`), value: build(inner) });
    return inner;
  }

  /** Runs `build` with `label` prefixed to the names of the nodes it adds. */
  scope<R>(label: string, build: () => R): R {
    this.#scope.push(label);
    try {
      return build();
    } finally {
      this.#scope.pop();
    }
  }

  /** Adds an input. @throws {Error} if the name is taken */
  input(name: string, dtype: DType, shape: Shape): Value {
    const value = { name: this.#claim(name), dtype, shape };
    this.inputs.push(value);
    return value;
  }

  /** Declares `value` as an output under `name`; the value is renamed, no copy is made. */
  output(name: string, value: Value): void {
    if (!value.producer) {
      throw new Error(`Cannot output "${name}" as "${value.name}" must be computed by a node`);
    }
    this.#claim(name);
    this.outputs.push({ name, value });
  }

  /** Adds a node and gives its output. @throws {Error} if the name is taken */
  node(spec: NodeSpec): Value {
    const label = spec.label ?? spec.op;
    const name = this.#claim([...this.#scope, label].join("/"), true);
    for (const input of spec.inputs) {
      if (input !== ABSENT && !this.#names.has(input.name)) {
        throw new Error(`Cannot add ${spec.op} "${name}" as "${input.name}" is of another graph`);
      }
    }
    const node: Node = {
      name,
      op: spec.op,
      ...(spec.domain && { domain: spec.domain }),
      inputs: spec.inputs,
      outputs: [],
      attributes: spec.attributes ?? {},
    };
    const value: Value = { name, dtype: spec.dtype, shape: spec.shape, producer: node };
    node.outputs.push(value);
    this.nodes.push(node);
    return value;
  }

  /** A 1-D int64 constant; equal constants are stored once. */
  int64(values: readonly number[]): Value {
    const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#constant(`i64[${values}]`, "int64", [values.length], data);
  }

  /** A scalar of a byte; equal constants are stored once. */
  uint8(value: number): Value {
    return this.#constant(`u8(${value})`, "uint8", [], Uint8Array.of(value));
  }

  /** A float scalar; equal constants are stored once. */
  scalar(value: number): Value {
    return this.#constant(
      `f32(${value})`,
      "float32",
      [],
      new Uint8Array(Float32Array.of(value).buffer),
    );
  }

  /** A named tensor stored in the graph, or in a file, for graphs with weights. The data is not copied. */
  initializer(
    name: string,
    shape: readonly number[],
    data: Float32Array | Int8Array | FilePart,
  ): Value {
    const size = shape.reduce((a, b) => a * b, 1), isArray = ArrayBuffer.isView(data);
    const count = isArray ? data.length : data.length / Float32Array.BYTES_PER_ELEMENT;
    if (size !== count) {
      throw new Error(
        `Cannot store "${name}" as ${showShape(shape)} must have ${size} elements: ` +
          `current count is ${count}`,
      );
    }
    const dtype = data instanceof Int8Array ? "int8" : "float32";
    const value: Value = { name: this.#claim(name), dtype, shape };
    const bytes = isArray
      ? new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
      : data;
    this.constants.push({ value, data: bytes });
    return value;
  }

  /**
   * The value of a node by its name; with `<` before it, what the node reads first.
   *
   * @throws {Error} if there is no such node
   */
  find(name: string): Value {
    const reads = name.startsWith("<"), own = reads ? name.slice(1) : name;
    const node = this.nodes.find((node) => node.name === own);
    if (!node) {
      throw new Error(`Cannot find "${own}" in graph "${this.name}": no node has the name`);
    }
    return reads ? node.inputs[0] : node.outputs[0];
  }

  /**
   * Makes an input that is read wherever a value was, which nobody computes any more then; of one that
   * joins others, their parts are cut from it again.
   */
  feed(name: string, value: Value): Value {
    const input = this.input(name, value.dtype, value.shape);
    const instead = new Map([[value, input]]), added = this.nodes.length;
    const joined = value.producer?.op === "Concat" ? value.producer : undefined;
    if (joined) {
      const axis = (joined.attributes.axis as { value: number }).value;
      let begin = 0;
      for (const part of joined.inputs) {
        const end = begin + (part.shape[axis] as number);
        const bounds = [[begin], [end], [axis]].map((one) => this.int64(one));
        const inputs = [input, ...bounds];
        const spec = { op: "Slice", inputs, dtype: part.dtype, shape: part.shape };
        instead.set(part, this.node({ ...spec, label: `${name}_${begin}` }));
        begin = end;
      }
    }
    // What is cut from an input can run before all else.
    this.nodes.unshift(...this.nodes.splice(added));
    this.nodes.forEach((node, i) => {
      if (!node.inputs.some((one) => instead.has(one)) || node.inputs[0] === input) return;
      const inputs = node.inputs.map((one) => instead.get(one) ?? one);
      this.nodes[i] = { ...node, inputs };
    });
    return input;
  }

  /** Removes the nodes, inputs and constants that no output needs. */
  prune(): void {
    const needed = new Set<Value>(this.outputs.map(({ value }) => value));
    for (const node of this.nodes.toReversed()) {
      if (node.outputs.some((v) => needed.has(v))) readBy(node).forEach((v) => needed.add(v));
    }
    const keep = <T>(list: T[], isNeeded: (item: T) => boolean) =>
      list.splice(0, list.length, ...list.filter(isNeeded));
    keep(this.nodes, (node) => node.outputs.some((v) => needed.has(v)));
    keep(this.inputs, (v) => needed.has(v));
    keep(this.constants, ({ value }) => needed.has(value));
    for (const [key, value] of this.#constantByKey) {
      if (!needed.has(value)) {
        this.#constantByKey.delete(key);
        this.#names.delete(value.name);
      }
    }
  }

  /** The graph as text, one node a line, for error messages and debugging. */
  toString(): string {
    const show = (v: Value) => `${v.name}:${showShape(v.shape)}`;
    const lines = [`${this.name}(${this.inputs.map(show).join(", ")})`];
    for (const n of this.nodes) {
      lines.push(`  ${show(n.outputs[0])} = ${n.op}(${n.inputs.map((v) => v.name).join(", ")})`);
    }
    lines.push(`  return ${this.outputs.map((o) => `${o.name}=${o.value.name}`).join(", ")}`);
    return lines.join("\n");
  }

  #constant(key: string, dtype: DType, shape: Dim[], data: Uint8Array): Value {
    if (this.#outer) return this.#outer.#constant(key, dtype, shape, data);
    let value = this.#constantByKey.get(key);
    if (!value) {
      value = { name: this.#claim(`constant/${key}`), dtype, shape };
      this.constants.push({ value, data });
      this.#constantByKey.set(key, value);
    }
    return value;
  }

  #claim(name: string, unique = false): string {
    let free = name;
    for (let i = 1; this.#names.has(free); i++) {
      if (!unique) throw new Error(`Cannot add "${name}" to graph "${this.name}" twice`);
      free = `${name}.${i}`;
    }
    this.#names.add(free);
    return free;
  }
}

/** What a node reads, the nodes of its branches included. */
function readBy({ inputs, attributes }: Node): readonly Value[] {
  const branches = Object.values(attributes).filter((a) => a.kind === "graph");
  return [
    ...inputs,
    ...branches.flatMap(({ value: { nodes, outputs } }) => [
      ...nodes.flatMap(readBy),
      ...outputs.map(({ value }) => value),
    ]),
  ];
}

/** Declares inputs when they are first asked for: those without use would cost time on a GPU. */
export function inputsOnDemand<Name extends string>(
  g: Graph,
  shapeOf: (name: Name) => Shape,
  dtypeOf: (name: Name) => DType = () => "float32",
): (name: Name) => Value {
  const declared = new Map<Name, Value>();
  return (name) => {
    let value = declared.get(name);
    if (!value) declared.set(name, value = g.input(name, dtypeOf(name), shapeOf(name)));
    return value;
  };
}
