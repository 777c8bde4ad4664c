/** One layer's loss and its gradient: KL(last ‖ lens), differentiated through the head. */
import type { Backend, Program } from "../../backend/types.ts";
import type { Esm2Config } from "../../checkpoint/mod.ts";
import {
  head,
  HEAD_WEIGHTS,
  type HeadWeight,
  headWeightShape,
  translate,
} from "../../esm2/head.ts";
import type { Esm2 } from "../../esm2/mod.ts";
import { gradientOf, gradients } from "../../onnx/gradient.ts";
import { Graph } from "../../onnx/graph.ts";
import * as op from "../../onnx/ops.ts";
import { VOCABULARY } from "../../../kernels/token_log_probs/types.ts";

/** The map of a layer: h + h · matrixᵀ + bias. */
export interface LayerMap {
  /** f32[D, D] */
  readonly matrix: Float32Array;
  /** f32[D] */
  readonly bias: Float32Array;
}

/** What a step finds. */
export interface StepResult {
  /** Mean over rows of KL(last ‖ lens) over all 33 tokens, nats. */
  readonly loss: number;
  /** Of `loss`. */
  readonly gradient: LayerMap;
}

/**
 * States x [N, D], the last layer's probabilities [N, 33] and 1/N, the map, the head's weights → the lens's
 * probabilities and the gradient of the mean KL, whose cotangent at the logits is (lens − last) / N.
 */
export function stepGraph(config: Esm2Config): Graph {
  const g = new Graph("lens_step"), { dModel } = config;
  const x = g.input("x", "float32", ["N", dModel]);
  const last = g.input("last", "float32", ["N", VOCABULARY]);
  const share = g.input("share", "float32", [1, 1]);
  const matrix = g.input("matrix", "float32", [dModel, dModel]);
  const bias = g.input("bias", "float32", [dModel]);
  const weights = new Map(
    HEAD_WEIGHTS.map((name) => [name, g.input(name, "float32", headWeightShape(name, config))]),
  );
  const { logits } = head(
    g,
    translate(g, x, matrix, bias),
    (name) => weights.get(name as HeadWeight)!,
  );
  const own = op.softmax(g, logits, "lens");
  const cotangent = op.mul(g, op.sub(g, own, last, "difference"), share, "cotangent");
  const [dMatrix, dBias] = gradients(g, [{ value: logits, cotangent }], [matrix, bias]);
  g.output("probabilities", own);
  g.output(gradientOf("matrix"), dMatrix);
  g.output(gradientOf("bias"), dBias);
  g.prune();
  return g;
}

/** Compiled once for all layers. */
export class LensStep implements AsyncDisposable {
  private constructor(readonly esm: Esm2, readonly program: Program) {}

  static async open(esm: Esm2): Promise<LensStep> {
    return new LensStep(esm, await esm.backend.compile(stepGraph(esm.config)));
  }

  /**
   * @param x f32[N, D]
   * @param last f32[N, 33], probabilities
   */
  async run(x: Float32Array, last: Float32Array, map: LayerMap): Promise<StepResult> {
    const { backend, config: { dModel }, weights } = this.esm, rows = x.length / dModel;
    using owned = new DisposableStack();
    const up = (...[name, shape, data]: Parameters<Backend["upload"]>) =>
      owned.use(backend.upload(name, shape, data));
    using set = await weights.head();
    const names = { matrix: gradientOf("matrix"), bias: gradientOf("bias") };
    const found = await this.program.run({
      ...set.tensors,
      x: up("x", [rows, dModel], x),
      last: up("last", [rows, VOCABULARY], last),
      share: up("share", [1, 1], Float32Array.of(1 / rows)),
      matrix: up("matrix", [dModel, dModel], map.matrix),
      bias: up("bias", [dModel], map.bias),
    }, {
      probabilities: [rows, VOCABULARY],
      [names.matrix]: [dModel, dModel],
      [names.bias]: [dModel],
    });
    for (const tensor of Object.values(found)) owned.use(tensor);
    const own = await found.probabilities.read();
    return {
      loss: meanDivergence(last, own, rows),
      gradient: {
        matrix: await found[names.matrix].read(),
        bias: await found[names.bias].read(),
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

/** Mean over rows of Σ p (log p − log q). */
function meanDivergence(p: Float32Array, q: Float32Array, rows: number): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] > 0) sum += p[i] * (Math.log(p[i]) - Math.log(Math.max(q[i], Number.MIN_VALUE)));
  }
  return sum / rows;
}
