/** What a model is taught: tasks, heads, and labelled proteins as tokens. */

/** What is to be told of a protein or its residues. */
export const TASKS = ["sequence", "residue", "regression", "multilabel"] as const;
/** One of {@linkcode TASKS}. */
export type Task = typeof TASKS[number];

/** What of the model is trained beside the head; in the order in which several run. */
export const MODES = ["frozen", "lora", "full"] as const;
/** One of {@linkcode MODES}. */
export type Mode = typeof MODES[number];

/**
 * How states become logits. Of proteins: `cls` (Hugging Face's: `<cls>` → dense → tanh → out), `mean`
 * (mean over residues → linear), `attention` (weighted mean, weights by a learnt score → linear), `mlp`
 * (mean → half the width → ReLU → linear). Of residues: `token` (Hugging Face's: linear), and `mlp`.
 */
export const HEADS = ["mean", "cls", "attention", "mlp", "token"] as const;
/** One of {@linkcode HEADS}. */
export type HeadKind = typeof HEADS[number];

/** What a head is. */
export interface HeadSpec {
  readonly kind: HeadKind;
  /** What it tells something of. */
  readonly per: "protein" | "residue";
  /** Width of the states it reads, which have been through the final LayerNorm. */
  readonly width: number;
  /** Logits of a row. */
  readonly outputs: number;
}

/** A protein that is learnt from or tested with. */
export interface Example {
  /** Token ids between `<cls>` and `<eos>`. */
  readonly ids: Int32Array;
  /**
   * Of a protein: its class, its number, or 0 and 1 for each class. Of residues: the class of each that
   * has tokens, NaN where there is no label.
   */
  readonly targets: Float64Array;
}
