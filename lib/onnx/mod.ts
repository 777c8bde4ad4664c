/**
 * Operators of a model as a data structure: what a program of a backend, or a reduction of attention
 * inside a block's graph, is written in.
 *
 * @example y = x · w
 * ```ts
 * import { Graph, op } from "./mod.ts";
 *
 * const g = new Graph("product");
 * const x = g.input("x", "float32", ["N", 4]);
 * g.output("y", op.matmul(g, x, g.initializer("w", [4, 1], new Float32Array(4).fill(1)), "product"));
 * if (g.nodes[0].op !== "MatMul") throw new Error(g.nodes[0].op);
 * ```
 *
 * @module
 */
export {
  type Attribute,
  type Constant,
  type DType as ValueType,
  type FilePart,
  Graph,
  type Node as GraphNode,
  type NodeSpec,
  type Value,
} from "./graph.ts";
/**
 * Typed operators: each adds a node to a graph and gives its output, and refuses shapes that do not
 * fit.
 */
export * as op from "./ops.ts";
export type { PatternReduction, ReductionInput, ReductionOutput } from "./reduction.ts";
export { type Count, type Dim, type Shape, SymbolTable } from "./shape.ts";
