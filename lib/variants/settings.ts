/** How variants are scored, and which combinations have a meaning. */
import { quote, UserError } from "../errors.ts";
import type { Scan } from "./scan.ts";
import type { Legacy, Mode, Multi } from "./types.ts";
import { WINDOW_TOKENS, type WindowKind, type WindowOptions } from "./windows.ts";

/** Which score. */
export interface ScoreSettings {
  /** How the model is asked. */
  mode: Mode;
  /** What several substitutions together are: the sum of their scores, or read off one run. */
  multi: Multi;
  /** How a protein longer than 1022 residues is cut. */
  window: WindowKind;
  /** Reproduces a published tool. */
  legacy?: Legacy;
}

/**
 * The windows that settings lead to. `proteingym` cuts them from the token row and runs wild-type
 * marginals whole unless they overlap; its pseudo-perplexity and all of `fair-esm` know no windows.
 */
export function windowOptions({ mode, window, legacy }: ScoreSettings): WindowOptions {
  const whole = legacy === "fair-esm" ||
    legacy === "proteingym" &&
      (mode === "pseudo-perplexity" || mode === "wt-marginal" && window === "optimal");
  return { kind: whole ? "full" : window, cropped: legacy === "proteingym" };
}

/** @throws {UserError} if a published tool could not do what is asked of it */
export function checkLegacy({ mode, multi, window, legacy }: ScoreSettings, scan: Scan): void {
  if (!legacy) return;
  const refuse = (requirement: string, value: string) => {
    throw new UserError(
      `Cannot use --legacy ${legacy} as ${requirement}: current value is ${value}`,
    );
  };
  if (mode === "mutant-marginal") refuse("that tool must know the mode", `--mode ${mode}`);
  if (multi === "joint") refuse("that tool adds single mutations", "--multi joint");
  if (scan.indels > 0) refuse("that tool scores substitutions only", `${scan.indels} indels`);
  if (legacy === "fair-esm" && scan.multiple > 0) {
    refuse("that tool scores one substitution at a time", `${scan.multiple} multiple mutants`);
  }
  if (legacy === "proteingym" && mode === "masked-marginal" && window === "overlapping") {
    refuse("that tool has no overlapping windows for masked marginals", "--window overlapping");
  }
}

/** What a reader of the scores should know of how they came about. */
export function settingNotes(settings: ScoreSettings, length: number): string[] {
  const { mode, legacy } = settings;
  const notes: string[] = [];
  const long = length + 2 > WINDOW_TOKENS;
  if (long && windowOptions(settings).kind === "full") {
    notes.push(
      `The protein has ${length} residues and is run whole; ESM-2 was trained on parts of at most ` +
        `${WINDOW_TOKENS - 2}.`,
    );
  }
  if (legacy && mode === "pseudo-perplexity") {
    notes.push(
      `Legacy mode ${legacy}: at each masked residue the probability of the next residue's letter ` +
        "is summed, and the last two residues are left out, as that tool does by mistake.",
    );
  }
  if (legacy === "proteingym" && long) {
    notes.push(
      "Legacy mode proteingym: windows are cut from the token row, so inner ones lack <cls> and <eos>.",
    );
  }
  return notes;
}

/** Positions from a list of residues. @throws {UserError} if one is not in the target */
export function checkPositions(
  positions: readonly number[],
  length: number,
  offset: number,
): number[] {
  const wrong = positions.find((p) => p < 1 || p > length);
  if (wrong === undefined) return [...positions];
  throw new UserError(
    `Cannot score --positions as residues must be in ${offset}..${length + offset - 1}: ` +
      `current value is ${quote(wrong + offset - 1)}`,
  );
}
