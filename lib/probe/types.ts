/** What a probe is asked to read out of a model. */

/** Where a protein stands in a split. */
export const SETS = ["train", "validation", "test"] as const;
/** One of {@linkcode SETS}. */
export type SetName = typeof SETS[number];

/** A protein with what is known of it. */
export interface LabelledProtein {
  /** Its name. */
  readonly id: string;
  /** One letter a residue. */
  readonly residues: string;
  /**
   * Of the protein one value, or one of each residue: the class by its place among the problem's
   * classes, or the number; NaN where there is no label. Of sets 0 or 1 for each class.
   */
  readonly labels: Float64Array;
  /** What it must not be parted from, where that is given. */
  readonly group?: string;
  /** Where the input puts it. */
  readonly set?: SetName;
}

/** Labelled proteins, and what the labels are. */
export interface Problem {
  /** What a label is of. */
  readonly per: "protein" | "residue";
  /** Whether labels are names of classes, numbers to be predicted, or any of the classes at once. */
  readonly kind: "classes" | "numbers" | "sets";
  /** What is trained, in messages. @default a probe */
  readonly learner?: string;
  /** Whether the proteins are variants of one, measured together. */
  readonly isAssay?: boolean;
  /** The classes by name, in their order; none for numbers. */
  readonly classes: readonly string[];
  /** What the labels are called: a column, a file. */
  readonly label: string;
  /** In the order of the input. */
  readonly proteins: readonly LabelledProtein[];
}

/** A problem whose proteins are in sets. */
export interface SplitProblem extends Problem {
  /** Where each protein stands. */
  readonly sets: readonly SetName[];
  /** How they came there, in words. */
  readonly split: string;
}

/** How messages of what cannot be learnt from begin. */
export const cannotTrain = ({ learner = "a probe" }: Pick<Problem, "learner">): string =>
  `Cannot train ${learner} as`;
