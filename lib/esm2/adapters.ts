/**
 * Low-rank adapters beside linear maps (LoRA, Hu et al. 2021, arXiv:2106.09685; DoRA, Liu et al. 2024,
 * arXiv:2402.09353), as graphs have them. Names of inputs begin with the linear map's own.
 *
 *   lora_A                 f32[r, in]
 *   lora_B                 f32[out, r]
 *   lora_B.bias            f32[out]     where there is one
 *   lora_magnitude_vector  f32[out]     DoRA: the length of each row of W + s·B·A
 *   lora_scale             f32[1]       s
 *   lora_inverse_norm      f32[out]     DoRA: 1 ÷ that length as it is, held fixed when differentiated
 *   lora_dropout           f32[N, in]   0 or 1 ÷ (1 − p) for each number that the adapter reads
 */
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import type { Shape } from "../onnx/shape.ts";

/** Linear maps of a block, as fair-esm has them after "layers.{i}.". */
export const BLOCK_LINEARS = [
  "self_attn.q_proj",
  "self_attn.k_proj",
  "self_attn.v_proj",
  "self_attn.out_proj",
  "fc1",
  "fc2",
] as const;

/** One of {@linkcode BLOCK_LINEARS}. */
export type BlockLinear = typeof BLOCK_LINEARS[number];
/** The linear map of the head that may carry an adapter. */
export type HeadLinear = "lm_head.dense";
/** A linear map that may carry an adapter. */
export type Linear = BlockLinear | HeadLinear;

/** What of an adapter is trained, in this order. */
export const ADAPTER_PARTS = ["lora_A", "lora_B", "lora_B.bias", "lora_magnitude_vector"] as const;
/** One of {@linkcode ADAPTER_PARTS}. */
export type AdapterPart = typeof ADAPTER_PARTS[number];
/** An adapter's weight by the name that graphs have for it. */
export type AdapterWeight<L extends Linear = Linear> = `${L}.${AdapterPart}`;

type Given = "lora_scale" | "lora_inverse_norm" | "lora_dropout";
/** All that a graph reads of a linear map. */
export type LinearInput<L extends Linear = Linear> = `${L}.${
  | "weight"
  | "bias"
  | AdapterPart
  | Given}`;

/** What a graph is specialised to. */
export interface AdapterForm {
  readonly rank: number;
  /** Whether `lora_B` has a bias. */
  readonly bias: boolean;
  /** Whether rows have the lengths that are learnt (DoRA). */
  readonly magnitude: boolean;
  /** Whether numbers are dropped before the adapter reads them. @default false */
  readonly dropout?: boolean;
}

/** Forms by linear map; those without an adapter are absent. */
export type AdapterForms<L extends Linear = Linear> = Readonly<Partial<Record<L, AdapterForm>>>;

/** Shape of an adapter's graph input. @param extents [out, in] of the linear map */
export function adapterShape(
  part: AdapterPart | Given,
  [out, width]: readonly number[],
  { rank }: Pick<AdapterForm, "rank">,
  rows: string = "N",
): Shape {
  if (part === "lora_A") return [rank, width];
  if (part === "lora_B") return [out, rank];
  if (part === "lora_dropout") return [rows, width];
  return part === "lora_scale" ? [1] : [out];
}

/** The trained parts that an adapter of a form has. */
export const partsOf = ({ bias, magnitude }: AdapterForm): AdapterPart[] =>
  ADAPTER_PARTS.filter((part) =>
    part === "lora_B.bias" ? bias : part !== "lora_magnitude_vector" || magnitude
  );

/**
 * x · Wᵀ + b, and what an adapter adds: s · B · A · x. With DoRA each unit's share of W and of the adapter
 * is scaled by m ÷ ‖row‖. Only what the adapter reads is dropped (with DoRA also what the rescaling reads, as
 * in PEFT).
 */
export function linear<L extends Linear>(
  g: Graph,
  x: Value,
  w: (name: LinearInput<L>) => Value,
  module: L,
  forms: AdapterForms | undefined,
  label: string,
): Value {
  const form = forms?.[module];
  const weight = w(`${module}.weight`), bias = w(`${module}.bias`);
  if (!form) return op.gemm(g, x, weight, bias, label);
  return g.scope(label, () => {
    const read = form.dropout ? op.mul(g, x, w(`${module}.lora_dropout`), "dropout") : x;
    const narrow = op.mul(
      g,
      op.gemm(g, read, w(`${module}.lora_A`), undefined, "lora_A"),
      w(`${module}.lora_scale`),
      "scaled",
    );
    const added = op.gemm(g, narrow, w(`${module}.lora_B`), undefined, "lora_B");
    if (!form.magnitude) {
      const whole = form.bias
        ? op.add(g, bias, op.mul(g, w(`${module}.lora_B.bias`), w(`${module}.lora_scale`)))
        : bias;
      return op.add(g, op.gemm(g, x, weight, whole, "base"), added, "adapted");
    }
    const factor = op.mul(
      g,
      w(`${module}.lora_magnitude_vector`),
      w(`${module}.lora_inverse_norm`),
      "row_factor",
    );
    if (!form.dropout) {
      const sum = op.add(g, op.gemm(g, x, weight, undefined, "base"), added, "sum");
      return op.add(g, op.mul(g, sum, factor, "adapted"), bias, "biased");
    }
    const base = op.gemm(g, read, weight, undefined, "base_of_dropped");
    // f · (W x̃ + s B A x̃) − W x̃ + W x + b
    const rescaled = op.sub(g, op.mul(g, op.add(g, base, added), factor), base, "rescaled");
    return op.add(g, op.gemm(g, x, weight, bias, "base"), rescaled, "adapted");
  });
}

/** Graph weight, lora_A, lora_B, lora_scale → 1 ÷ the length of each row of W + s·B·A, f32[out]. */
export function inverseNormGraph(extents: readonly number[], rank: number): Graph {
  const g = new Graph("row_norms");
  const input = (part: "lora_A" | "lora_B" | "lora_scale") =>
    g.input(part, "float32", adapterShape(part, extents, { rank }));
  const weight = g.input("weight", "float32", extents);
  const product = op.matmul(g, input("lora_B"), input("lora_A"), "product");
  const merged = op.add(g, weight, op.mul(g, product, input("lora_scale")), "merged");
  const squares = op.reduceSum(g, op.mul(g, merged, merged), [1], "squares");
  const inverse = op.reciprocal(g, op.sqrt(g, squares));
  g.output("lora_inverse_norm", op.reshape(g, inverse, [extents[0]]));
  return g;
}
