/** What is folded, and in which order: each fold is a unit of the run. */
import type { HeadName } from "../contacts/predict.ts";
import type { FoldChains } from "./input.ts";
import type { FoldTruth } from "./truth.ts";

/** What a run folds. */
export interface Plans {
  readonly proteins: readonly FoldChains[];
  readonly truth?: FoldTruth;
  /** What is changed, in words, where anything is. */
  readonly changed?: string;
  /** Heads that are ablated one by one. */
  readonly heads: readonly HeadName[];
}

/** A fold: of a protein as it is, after the change, or without a head. */
export type Job =
  & { readonly protein: number }
  & ({ readonly kind: "plain" | "changed" } | { readonly kind: "head"; readonly head: HeadName });

/** All folds, protein by protein; the number of a job is that of its unit. */
export const jobsOf = ({ proteins, changed, heads }: Plans): Job[] =>
  proteins.flatMap((_, protein): Job[] => [
    { protein, kind: "plain" },
    ...(changed === undefined ? [] : [{ protein, kind: "changed" as const }]),
    ...heads.map((head) => ({ protein, kind: "head" as const, head })),
  ]);
