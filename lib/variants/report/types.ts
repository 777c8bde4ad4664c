/** What the report of variant scoring is made from. */
import type { RunFacts } from "../../report/page.ts";
import type { Performance, ProteinMean } from "../evaluate.ts";
import type { ScoreMatrix } from "../matrix.ts";
import type { SampleCollector } from "../samples.ts";
import type { Scored } from "../tables.ts";

/** What the page shows of a protein. */
export interface ScoredProtein {
  matrix: ScoreMatrix;
  /** Whether all single substitutions were asked for, rather than some variants. */
  isScan: boolean;
  /** Variants with a score. */
  scored: number;
  /** Those that score 0 or more. */
  favoured: number;
  /** Variants from the lowest score, and from the highest. */
  lowest: readonly Scored[];
  highest: readonly Scored[];
  /** Statistics against the assay; empty without one. */
  performance: readonly Performance[];
  samples: SampleCollector;
}

/** A protein as a table of all of them has it. */
export interface ProteinLine {
  id: string;
  residues: number;
  variants: number;
  performance: readonly Performance[];
  low?: Scored;
  high?: Scored;
}

export interface VariantReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  /** Those that the page shows in full. */
  proteins: readonly ScoredProtein[];
  /** All of them. */
  lines: readonly ProteinLine[];
  /** Statistics over proteins. */
  summary: readonly ProteinMean[];
  labels: Labels;
  run: RunFacts;
}

/** Names of the columns of scores and of measured values. */
export interface Labels {
  score: string;
  measured: string;
}
