/**
 * Reverse-mode differentiation of a {@link Graph}: adds the nodes that compute gradients to the graph
 * itself, from one rule per operator (`gradient_rules.ts`).
 */
import type { Graph, Node, Value } from "./graph.ts";
import { type Cotangent, type Part, RULES } from "./gradient_rules.ts";
import * as op from "./ops.ts";
import { sameShape, showShape } from "./shape.ts";

/** A value and dS/d(value), S being the scalar that is differentiated. */
export interface Seed {
  value: Value;
  /** Of the value's shape and type. */
  cotangent: Value;
}

/**
 * dS/dw for each w of `wrt`, where S changes with the seeds' values as their cotangents say.
 *
 * Values of the forward pass are used again, not computed again, and only what `wrt` needs is added.
 * A seed may be of any value, one of `wrt` included: its cotangent is added to what flows back to it.
 *
 * @throws {Error} if no seed depends on one of `wrt`, or an operator on the way has no rule
 */
export function gradients(g: Graph, seeds: readonly Seed[], wrt: readonly Value[]): Value[] {
  const reached = dependents(g, wrt);
  const received = new Map<Value, Cotangent[]>();
  const send = (value: Value, cotangent: Cotangent) =>
    received.set(value, [...received.get(value) ?? [], cotangent]);
  for (const { value, cotangent } of seeds) {
    if (!sameShape(value.shape, cotangent.shape)) {
      throw new Error(
        `Cannot differentiate "${value.name}" as its cotangent must be ` +
          `${showShape(value.shape)}: current shape is ${showShape(cotangent.shape)}`,
      );
    }
    if (reached.has(value)) send(value, cotangent);
  }
  return g.scope("backward", () => {
    const results = new Map<Value, Value>();
    const total = (value: Value): Value => {
      const sum = accumulate(g, value, received.get(value)!);
      results.set(value, sum);
      return sum;
    };
    // The nodes added on the way are no part of what is differentiated.
    for (const node of [...g.nodes].reverse()) {
      const [output] = node.outputs;
      if (!received.has(output)) continue;
      const dy = total(output);
      if (!node.inputs.some((input) => reached.has(input))) continue;
      g.scope(node.name, () => {
        const inputs = ruleOf(node)(g, node, dy);
        node.inputs.forEach((input, i) => {
          if (!reached.has(input)) return;
          if (!inputs[i]) throw new Error(`${cannot(node)} with respect to "${input.name}"`);
          send(input, inputs[i]());
        });
      });
    }
    return wrt.map((value) => {
      if (!received.has(value)) {
        throw new Error(
          `Cannot differentiate with respect to "${value.name}" as a seed must depend on it: ` +
            `seeds are ${seeds.map((s) => s.value.name).join(", ")}`,
        );
      }
      return results.get(value) ?? total(value);
    });
  });
}

/** Names of the inputs and outputs that {@link vjpGraph} makes. */
export const cotangentOf = (name: string): string => `cotangent/${name}`;
export const gradientOf = (name: string): string => `gradient/${name}`;

/** Name of the output of a forward pass, and of the input of its product, that is a kept value. */
export const keptOf = (name: string): string => `kept/${name}`;

/**
 * Turns a graph into its vector–Jacobian product: the inputs `cotangent/NAME` of the values named in
 * `seeds` → the outputs `gradient/NAME` of the inputs named in `wrt`. The forward pass is computed
 * inside, as far as it is needed; its outputs are no longer outputs, and inputs without use are gone.
 *
 * @param seeds names of outputs, or of inputs that reach the scalar by another way too
 * @param kept names of nodes whose values the forward pass has kept: inputs `kept/NAME` then, which are not
 *   computed again
 */
export function vjpGraph(
  g: Graph,
  seeds: readonly string[],
  wrt: readonly string[],
  kept: readonly string[] = [],
): Graph {
  const inputs = new Map(g.inputs.map((value) => [value.name, value]));
  const outputs = new Map(g.outputs.map(({ name, value }) => [name, value]));
  const find = (name: string): Value => {
    const value = outputs.get(name) ?? inputs.get(name);
    if (!value) throw new Error(`Cannot differentiate graph "${g.name}": it has no "${name}"`);
    return value;
  };
  const found = gradients(
    g,
    seeds.map((name) => {
      const value = find(name);
      return { value, cotangent: g.input(cotangentOf(name), value.dtype, value.shape) };
    }),
    wrt.map(find),
  );
  g.outputs.length = 0;
  found.forEach((value, i) => g.output(gradientOf(wrt[i]), value));
  for (const name of kept) g.feed(keptOf(name), g.find(name));
  g.prune();
  return g;
}

/** Every value that changes with one of `roots`, themselves included. */
function dependents(g: Graph, roots: readonly Value[]): Set<Value> {
  const reached = new Set(roots);
  for (const node of g.nodes) {
    if (node.inputs.some((v) => reached.has(v))) node.outputs.forEach((v) => reached.add(v));
  }
  return reached;
}

function ruleOf(node: Node) {
  const rule = RULES[node.op];
  if (!rule) throw new Error(`${cannot(node)} as the operator must have a rule: it has none`);
  return rule;
}

const cannot = (node: Node) => `Cannot differentiate ${node.op} "${node.name}"`;

/** Sum of what a value received; parts that lie side by side are joined instead of added. */
function accumulate(g: Graph, value: Value, received: readonly Cotangent[]): Value {
  const whole = received.filter((c): c is Value => !("axis" in c));
  const parts = received.filter((c): c is Part => "axis" in c);
  for (const axis of new Set(parts.map((part) => part.axis))) {
    whole.push(...assemble(g, value, parts.filter((part) => part.axis === axis)));
  }
  return whole.reduce((a, b) => op.add(g, a, b, `${value.name}/sum`));
}

function assemble(g: Graph, { shape }: Value, parts: readonly Part[]): Value[] {
  const { axis } = parts[0], size = shape[axis] as number;
  const sorted = parts.toSorted((a, b) => a.begin - b.begin);
  const tiles = sorted.every(({ begin }, i) => begin === (i === 0 ? 0 : sorted[i - 1].end)) &&
    sorted.at(-1)!.end === size;
  return tiles
    ? [op.concat(g, sorted.map((part) => part.value), axis)]
    : sorted.map((part) => op.pad(g, part.value, axis, part.begin, size - part.end));
}
