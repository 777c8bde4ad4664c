/**
 * Writes a {@link Graph} as an ONNX ModelProto.
 *
 * Field numbers are those of onnx.proto (onnx/onnx, IR version 8); the wire format is protobuf:
 * https://protobuf.dev/programming-guides/encoding/.
 */
import { basename } from "node:path";
import type { Attribute, DType, Graph, Value } from "./graph.ts";
import type { Shape } from "./shape.ts";

const IR_VERSION = 8;
const ELEMENT_TYPE: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};
const EXTERNAL = 1;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;

/** Serialized model, ready for `InferenceSession.create`. */
export function serialize(graph: Graph): Uint8Array<ArrayBuffer> {
  const opset = new Message().string(1, "").int(2, graph.opset);
  const model = new Message().int(1, IR_VERSION).string(2, "esmscope")
    .message(7, graphBody(graph)).message(8, opset);
  for (const domain of new Set(domainsOf(graph))) {
    model.message(8, new Message().string(1, domain).int(2, 1));
  }
  return model.finish();
}

/** Domains of operators beside ONNX's own, of subgraphs too. */
const domainsOf = ({ nodes }: Graph): string[] =>
  nodes.flatMap(({ domain, attributes }) => [
    ...domain ? [domain] : [],
    ...Object.values(attributes).flatMap((a) => a.kind === "graph" ? domainsOf(a.value) : []),
  ]);

function graphBody(graph: Graph): Message {
  const renamed = new Map<Value, string>();
  for (const { name, value } of graph.outputs) {
    if (renamed.has(value)) {
      throw new Error(`Cannot serialize "${graph.name}" as "${value.name}" is output twice`);
    }
    renamed.set(value, name);
  }
  const nameOf = (value: Value) => renamed.get(value) ?? value.name;

  const body = new Message();
  for (const node of graph.nodes) {
    const m = new Message();
    for (const input of node.inputs) m.string(1, nameOf(input));
    for (const output of node.outputs) m.string(2, nameOf(output));
    m.string(3, node.name).string(4, node.op);
    for (const [name, value] of Object.entries(node.attributes)) {
      m.message(5, attribute(name, value));
    }
    if (node.domain) m.string(7, node.domain);
    body.message(1, m);
  }
  body.string(2, graph.name);
  for (const { value, data } of graph.constants) {
    const m = new Message();
    for (const dim of value.shape) m.int(1, dim as number);
    m.int(2, ELEMENT_TYPE[value.dtype]).string(8, value.name);
    if (data instanceof Uint8Array) m.bytes(9, data);
    else {
      const { path, offset, length } = data;
      for (const [key, part] of Object.entries({ location: basename(path), offset, length })) {
        m.message(13, new Message().string(1, key).string(2, `${part}`));
      }
      m.int(14, EXTERNAL);
    }
    body.message(5, m);
  }
  for (const v of graph.inputs) body.message(11, valueInfo(v.name, v.dtype, v.shape));
  for (const { name, value } of graph.outputs) {
    body.message(12, valueInfo(name, value.dtype, value.shape));
  }
  return body;
}

function attribute(name: string, a: Attribute): Message {
  const m = new Message().string(1, name);
  if (a.kind === "int") m.int(3, a.value);
  else if (a.kind === "float") m.float(2, a.value);
  else if (a.kind === "string") m.string(4, a.value);
  else if (a.kind === "graph") m.message(6, graphBody(a.value));
  else a.value.forEach((v) => m.int(8, v));
  return m.int(20, ATTRIBUTE_TYPE[a.kind]);
}

function valueInfo(name: string, dtype: DType, shape: Shape): Message {
  const dims = new Message();
  for (const d of shape) {
    dims.message(1, typeof d === "number" ? new Message().int(1, d) : new Message().string(2, d));
  }
  const tensor = new Message().int(1, ELEMENT_TYPE[dtype]).message(2, dims);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}

/** Protobuf message under construction; payloads are kept as parts and joined once. */
class Message {
  #parts: Uint8Array[] = [];
  #length = 0;
  static #text = new TextEncoder();

  int(field: number, value: number): this {
    return this.#push(varint(field << 3)).#push(varint(value));
  }

  float(field: number, value: number): this {
    return this.#push(varint(field << 3 | 5)).#push(
      new Uint8Array(Float32Array.of(value).buffer),
    );
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(field << 3 | 2)).#push(varint(value.length)).#push(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, Message.#text.encode(value));
  }

  message(field: number, value: Message): this {
    this.#push(varint(field << 3 | 2)).#push(varint(value.#length));
    value.#parts.forEach((part) => this.#push(part));
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

/** Base-128 integer; negative numbers take ten bytes, as protobuf's int64 does. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
