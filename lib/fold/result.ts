/** A protein's folds, and what is said of them. */
import type { FoldChains } from "./input.ts";
import type { ContactChange, Nearness } from "./nearness.ts";
import type { ScanRow } from "./tables.ts";
import type { FoldUnit, Trace } from "./unit.ts";

/** A fold that is written. */
export interface WrittenFold {
  readonly unit: FoldUnit;
  readonly trace: Trace;
  /** f32[L, L] Å, without linkers. */
  readonly pae: Float32Array;
}

/** One protein. */
export interface FoldResult {
  readonly chains: FoldChains;
  readonly plain: WrittenFold;
  /** After a change of the language model's pass, held against the plain fold. */
  readonly change?: {
    readonly fold: WrittenFold;
    readonly apart: Nearness;
    readonly contacts: ContactChange;
  };
  /** Held against the true structure. */
  readonly truth?: { readonly plain: Nearness; readonly changed?: Nearness };
  /** Of a scan, by rank. */
  readonly scan: readonly ScanRow[];
}

/** The four classes of pLDDT that AlphaFold's database has, the highest first. */
export const CLASSES = [
  { name: "very high", least: 90, colour: "plddt-highest" },
  { name: "confident", least: 70, colour: "plddt-high" },
  { name: "low", least: 50, colour: "plddt-low" },
  { name: "very low", least: 0, colour: "plddt-lowest" },
] as const;

/** The class of a pLDDT, 0 to 100. */
export const classOf = (plddt: number): typeof CLASSES[number] =>
  CLASSES.find(({ least }) => plddt >= least) ?? CLASSES[3];
