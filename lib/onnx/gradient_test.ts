import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import { openBackend } from "../backend/mod.ts";
import { gradients, vjpGraph } from "./gradient.ts";
import { RULES } from "./gradient_rules.ts";
import { Graph, type Value } from "./graph.ts";
import * as op from "./ops.ts";
import type { Shape } from "./shape.ts";
import { checkGradients, differentiated, type Extents } from "./testing/check_gradients.ts";
import { evaluate } from "./testing/evaluate.ts";
import { erf } from "./testing/erf.ts";

type Build = (g: Graph, ...inputs: Value[]) => Value;

const one = (f: (g: Graph, x: Value) => Value): Build => (g, x) => f(g, x);
const two = (f: (g: Graph, a: Value, b: Value) => Value): Build => (g, a, b) => f(g, a, b);

/** Functions whose gradients are checked: shapes of their inputs, and what is made of them. */
const FUNCTIONS: Record<string, { inputs: Shape[]; build: Build; ops: string[] }> = {
  "a sum with broadcasting": {
    inputs: [["B", "T", 3], ["T", 1]],
    build: two(op.add),
    ops: ["Add"],
  },
  "a difference with broadcasting": {
    inputs: [["T", 1], ["B", 1, 3]],
    build: two(op.sub),
    ops: ["Sub"],
  },
  "a product with broadcasting": { inputs: [[3], ["B", "T", 3]], build: two(op.mul), ops: ["Mul"] },
  "a square of the same value": { inputs: [["T"]], build: (g, x) => op.mul(g, x, x), ops: [] },
  "a negation": { inputs: [["T", 2]], build: one(op.neg), ops: ["Neg"] },
  "an exponential": { inputs: [["T", 2]], build: one(op.exp), ops: ["Exp"] },
  "an error function": { inputs: [["T", 2]], build: one(op.erf), ops: ["Erf"] },
  "a gelu": { inputs: [["T", 5]], build: one(op.gelu), ops: ["Gelu"] },
  "a hyperbolic tangent": { inputs: [["T", 3]], build: one(op.tanh), ops: ["Tanh"] },
  "a rectifier of what is not 0": {
    inputs: [["T", 5]],
    // Apart from 0, where there is no slope to compare with: x² + 1 and its opposite.
    build: (g, x) => {
      const far = op.add(g, op.mul(g, x, x), g.scalar(1));
      return op.add(g, op.relu(g, far), op.relu(g, op.neg(g, far)));
    },
    ops: ["Relu"],
  },
  "a root of what is positive": {
    inputs: [["T", 2]],
    build: (g, x) => op.sqrt(g, op.exp(g, x)),
    ops: ["Sqrt"],
  },
  "a reciprocal": {
    inputs: [["T", 2]],
    build: (g, x) => op.reciprocal(g, op.exp(g, x)),
    ops: ["Reciprocal"],
  },
  "a sum over axes": {
    inputs: [["B", 3, "T"]],
    build: (g, x) => op.reduceSum(g, x, [0, 2]),
    ops: ["ReduceSum"],
  },
  "a mean over an axis": {
    inputs: [["B", 3, "T"]],
    build: (g, x) => op.reduceMean(g, x, [1]),
    ops: ["ReduceMean"],
  },
  "a gemm": {
    inputs: [["N", 3], [4, 3], [4]],
    build: (g, x, w, b) => op.gemm(g, x, w, b),
    ops: ["Gemm"],
  },
  "a product of matrices with broadcasting": {
    inputs: [["B", 2, "T", 3], [1, 2, 3, "S"]],
    build: two(op.matmul),
    ops: ["MatMul"],
  },
  "a product of matrices with a wide left side": {
    inputs: [[2, "T", "S"], ["S", 3]],
    build: two(op.matmul),
    ops: ["MatMul"],
  },
  "a product with a transposed matrix": {
    inputs: [["B", "T", 3], ["B", "S", 3]],
    build: (g, a, b) => op.matmul(g, a, op.transpose(g, b, [0, 2, 1])),
    ops: ["MatMul", "Transpose"],
  },
  "a softmax": { inputs: [["B", "T"]], build: one(op.softmax), ops: ["Softmax"] },
  "a layer norm": {
    inputs: [["B", "T", 5], [5], [5]],
    build: (g, x, w, b) => op.layerNormalization(g, x, w, b, 0.125),
    ops: ["LayerNormalization"],
  },
  "a rotation": {
    inputs: [["B", 2, "T", 4]],
    build: (g, x) => {
      const angles = g.input("angles", "float32", ["B", "T", 2]);
      // Any two tables will do: the rule is not allowed to assume cos² + sin² = 1.
      return op.rotaryEmbedding(g, x, angles, op.mul(g, angles, angles));
    },
    ops: ["RotaryEmbedding"],
  },
  "a transposition": {
    inputs: [["B", 2, "T", 3]],
    build: (g, x) => op.transpose(g, x, [3, 0, 2, 1]),
    ops: ["Transpose"],
  },
  "a reshape": {
    inputs: [["T", 6]],
    build: (g, x) => op.reshape(g, x, ["T", 2, 3]),
    ops: ["Reshape"],
  },
  "slices that tile": {
    inputs: [["T", 5]],
    build: (g, x) =>
      op.concat(g, [op.gelu(g, op.slice(g, x, 1, 2, 5)), op.slice(g, x, 1, 0, 2)], 1),
    ops: ["Slice", "Concat"],
  },
  "slices with gaps that overlap": {
    inputs: [["T", 5]],
    build: (g, x) => op.mul(g, op.slice(g, x, 1, 1, 4), op.exp(g, op.slice(g, x, 1, 2, 5))),
    ops: ["Slice"],
  },
  "a slice and the whole": {
    inputs: [[3, "T"]],
    build: (g, x) => op.mul(g, x, op.slice(g, x, 0, 1, 2)),
    ops: ["Slice"],
  },
  "a padding": { inputs: [["T", 3]], build: (g, x) => op.pad(g, x, 1, 2, 1), ops: ["Pad"] },
  "rows that repeat": {
    inputs: [["N", 3]],
    build: (g, x) => {
      // 0 · e^… + 1: row number 1 twice, whatever the sizes.
      const zero = op.mul(g, g.input("picks", "float32", [2]), g.scalar(0));
      return op.gatherRows(g, x, op.add(g, zero, g.scalar(1)));
    },
    ops: ["Gather"],
  },
  "one value on many ways": {
    inputs: [["T", 4], [4], [4]],
    build: (g, x, w, b) => {
      const y = op.layerNormalization(g, x, w, b);
      return op.add(g, x, op.mul(g, op.softmax(g, y), op.gelu(g, op.add(g, y, x))));
    },
    ops: [],
  },
};

const extents = fc.record({
  B: fc.integer({ min: 1, max: 3 }),
  T: fc.integer({ min: 1, max: 5 }),
  S: fc.integer({ min: 1, max: 4 }),
  N: fc.integer({ min: 2, max: 7 }),
});

for (const [name, { inputs, build }] of Object.entries(FUNCTIONS)) {
  Deno.test(`gradients of ${name} are its slopes`, () => {
    fc.assert(
      fc.property(extents, fc.integer(), (sizes: Extents, seed) => {
        checkGradients(inputs, build, sizes, seed);
      }),
      { numRuns: 8 },
    );
  });
  // The rule of Gather scatters, which has no rule of its own.
  if (name === "rows that repeat") continue;
  Deno.test(`gradients of gradients of ${name} are slopes too`, () => {
    const twice: Build = (g, ...values) => {
      const y = build(g, ...values);
      const [dx] = gradients(g, [{ value: y, cotangent: op.mul(g, y, y) }], [values[0]]);
      return op.mul(g, dx, dx);
    };
    checkGradients(inputs, twice, { B: 2, T: 3, S: 2, N: 4 }, 1);
  });
}

for (const backendName of ["wasm", "webgpu"] as const) {
  const skip = backendName === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `gradients: onnxruntime computes what the interpreter does: ${backendName}${
      skip ? gpuSkipped : ""
    }`,
    ignore: skip,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const { backend } = await openBackend(backendName);
      await using _ = backend;
      const sizes: Extents = { B: 2, T: 5, S: 3, N: 7 };
      for (const [name, { inputs, build }] of Object.entries(FUNCTIONS)) {
        const { graph, values, found } = differentiated(inputs, build, sizes, 3);
        const expected = evaluate(graph, values, found);
        // A gradient can be the cotangent itself, which an output cannot be.
        const one = graph.scalar(1);
        found.forEach((v, i) => graph.output(`gradient_${i}`, op.mul(graph, v, one)));
        graph.prune();
        await using program = await backend.compile(graph);
        using owned = new DisposableStack();
        const feeds = graph.inputs.map(({ name }) => {
          const { shape, data } = values[name];
          return [name, owned.use(backend.upload(name, shape, Float32Array.from(data)))];
        });
        const shapes = expected.map(({ shape }, i) => [`gradient_${i}`, shape]);
        const actual = await program.run(Object.fromEntries(feeds), Object.fromEntries(shapes));
        for (const [i, { data }] of expected.entries()) {
          using tensor = owned.use(actual[`gradient_${i}`]);
          // Single precision on values near 1.
          allClose(await tensor.read(), data, { atol: 5e-6, rtol: 5e-6 }, `${name}, input ${i}`);
        }
      }
    },
  });
}

Deno.test("RULES: every rule is checked by a function", () => {
  const checked = new Set(Object.values(FUNCTIONS).flatMap(({ ops }) => ops));
  deepEqual(Object.keys(RULES).filter((op) => !checked.has(op)), []);
});

Deno.test("erf agrees with tables", () => {
  // Abramowitz & Stegun, table 7.1
  const table = [[0.5, 0.5204998778], [1, 0.8427007929], [2, 0.9953222650], [-1, -0.8427007929]];
  for (const [x, y] of table) allClose([erf(x)], [y], { atol: 5e-11 });
  equal(erf(0), 0);
});

const fresh = (width = 3) => {
  const g = new Graph("g");
  return { g, x: g.input("x", "float32", ["N", width]), w: g.input("w", "float32", [4, width]) };
};

Deno.test("gradients adds only what is needed, and uses the forward pass again", () => {
  const { g, x, w } = fresh();
  const y = op.softmax(g, op.gemm(g, x, w, g.input("b", "float32", [4])));
  const before = g.nodes.length, cotangent = g.input("c", "float32", ["N", 4]);
  gradients(g, [{ value: y, cotangent }], [x]);
  const added = g.nodes.slice(before).map((node) => node.op);
  deepEqual(added, ["Mul", "ReduceSum", "Sub", "Mul", "MatMul"]);
});

Deno.test("gradients joins slices that tile instead of adding padded ones", () => {
  const g = new Graph("g"), x = g.input("x", "float32", ["T", 4]);
  const parts = [op.gelu(g, op.slice(g, x, 1, 0, 1)), op.gelu(g, op.slice(g, x, 1, 1, 4))];
  const cotangent = g.input("c", "float32", ["T", 4]);
  const [dx] = gradients(g, [{ value: op.concat(g, parts, 1), cotangent }], [x]);
  equal(dx.producer!.op, "Concat");
  ok(!g.nodes.some((node) => node.op === "Pad"));
});

Deno.test("gradients adds the seed of a value that is asked for", () => {
  const g = new Graph("g"), x = g.input("x", "float32", ["T"]);
  const own = g.input("own", "float32", ["T"]), c = g.input("c", "float32", ["T"]);
  const y = op.neg(g, x);
  const seeds = [{ value: y, cotangent: c }, { value: x, cotangent: own }];
  const [dx, dy] = gradients(g, seeds, [x, y]);
  equal(dy, c);
  equal(dx.producer!.op, "Add");
  ok(dx.producer!.inputs.includes(own));
});

Deno.test("gradients refuses what it cannot do, by name", () => {
  const { g, x, w } = fresh();
  const y = op.ceil(g, x, "round_up"), c = g.input("c", "float32", ["N", 3]);
  throws(() => gradients(g, [{ value: y, cotangent: c }], [x]), /Ceil "round_up" .*rule/);
  const z = op.neg(g, x);
  throws(() => gradients(g, [{ value: z, cotangent: c }], [w]), /"w" as a seed must depend on it/);
  throws(() => gradients(g, [{ value: z, cotangent: w }], [x]), /must be \[N, 3\]: .*\[4, 3\]/);
  const table = g.input("table", "float32", [1, "N", 2]);
  const heads = g.input("heads", "float32", [1, 2, "N", 4]);
  const turned = op.rotaryEmbedding(g, heads, table, table, "turn");
  const seed = { value: turned, cotangent: g.input("d", "float32", turned.shape) };
  throws(() => gradients(g, [seed], [table]), /RotaryEmbedding "turn" with respect to "table"/);
});

Deno.test("vjpGraph leaves only the inputs that it reads", () => {
  const { g, x, w } = fresh();
  g.output("y", op.gemm(g, x, w, g.input("b", "float32", [4])));
  g.output("unused", op.gelu(g, x));
  vjpGraph(g, ["y"], ["x"]);
  deepEqual(g.inputs.map((v) => v.name), ["w", "cotangent/y"]);
  deepEqual(g.outputs.map((v) => v.name), ["gradient/x"]);
  deepEqual(g.nodes.map((node) => node.op), ["MatMul"]);
  deepEqual(g.constants, []);
  throws(() => vjpGraph(g, ["y"], ["x"]), /has no "y"/);
});
