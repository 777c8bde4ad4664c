/** Whether a model that folds gives what is published of it, and chains that hold together. */
import { median, sorted } from "../stats/sorted.ts";
import type { Check } from "../variants/verify.ts";
import { ESMFOLD_V1 } from "./config.ts";
import { ATOM_NAMES, ATOMS_37, RESIDUE_TYPES } from "./constants.ts";
import { type FoldChains, foldChains } from "./input.ts";
import type { EsmFold } from "./model.ts";

/**
 * Hugging Face transformers, `test_modeling_esmfold.py`, slow integration test of facebook/esmfold_v1 in single
 * precision: numbers of residue types, and the first atom of the first structure block after four passes, Å.
 */
const PUBLISHED = {
  types: [0, 6, 4, 13, 5, 4, 16, 12, 11, 7, 2],
  recycles: 3,
  position: [2.5828, 0.7993, -10.9334],
};

/** That test allows 1e-4, on the kernels that made it; sums in another order differ more after 192 blocks. */
const TOLERANCE = 0.01;

/** Trp-cage (PDB 1L2Y), which every model that has learnt to fold makes a chain of. */
const PROTEIN = { id: "trp-cage", residues: "NLYIQWLKDGGPSSGRPPPS" };

/** Å between consecutive Cα atoms: 3.8 where the bond is trans, 2.95 before a cis proline. */
const ALPHAS = { median: 3.8, off: 0.15, least: 2.7, most: 4.2 };

/** What was compared, and what could not be. */
export interface FoldVerification {
  readonly checks: Check[];
  readonly notes: string[];
}

/** Folds what has published numbers, where the model is that one, and a small protein. */
export async function verifyFold(
  model: EsmFold,
  { signal, onBlock }: { signal?: AbortSignal; onBlock?: (done: number, all: number) => void } = {},
): Promise<FoldVerification> {
  const checks: Check[] = [], notes: string[] = [];
  const { config, esm } = model.checkpoint;
  const isPublished = JSON.stringify({ ...config, languageModel: "" }) ===
      JSON.stringify({ ...ESMFOLD_V1, languageModel: "" }) && esm.config.layers === 36;
  const chains = foldChains(PROTEIN);
  const recycles = isPublished ? PUBLISHED.recycles : 0;
  const each = (recycles + 1) * config.blocks, all = isPublished ? 2 * each : each;
  if (isPublished) {
    const residues = PUBLISHED.types.map((type) => RESIDUE_TYPES[type]).join("");
    let first: number[] = [];
    await model.fold(foldChains({ id: "published", residues }), {
      ...{ recycles, signal, onBlock: (done: number) => onBlock?.(done, all) },
      onPass: ({ blocks: [{ positions }] }) => first = [...positions.subarray(0, 3)],
    });
    checks.push(comparePublished(first));
  } else {
    const text = `trunk of ${config.blocks} blocks, widths ${config.single} and ${config.pair}`;
    notes.push(
      `No number is published for a model of this size (${text}): its positions cannot be compared, ` +
        "only whether they are those of a chain.",
    );
  }
  const fold = await model.fold(chains, {
    ...{ recycles, signal, onBlock: (done: number) => onBlock?.(all - each + done, all) },
  });
  checks.push(...chainChecks(fold.positions37, chains));
  return { checks, notes };
}

/** A check of the published position. */
export function comparePublished(found: readonly number[]): Check {
  const text = (values: readonly number[]) => values.map((x) => x.toFixed(4)).join(" ");
  return {
    name: "first atom of the published fold, Å",
    expected: `${text(PUBLISHED.position)} ± ${TOLERANCE}`,
    found: text(found),
    // A missing or NaN value must not pass.
    ok: PUBLISHED.position.every((x, i) => Math.abs(found[i] - x) <= TOLERANCE),
  };
}

/** Whether atoms f64[L, 37, 3] hold together as a chain: bonds within residues, and Cα to Cα. */
export function chainChecks(positions: Float64Array, { chains }: FoldChains): Check[] {
  const [n, alpha, c] = ["N", "CA", "C"].map((name) => ATOM_NAMES.indexOf(name));
  const distance = (i: number, a: number, j: number, b: number) => {
    let square = 0;
    for (let k = 0; k < 3; k++) {
      square += (positions[3 * (i * ATOMS_37 + a) + k] - positions[3 * (j * ATOMS_37 + b) + k]) **
        2;
    }
    return Math.sqrt(square);
  };
  const residues = [...chains.keys()], steps = residues.slice(1);
  const alphas = steps.filter((i) => chains[i] === chains[i - 1])
    .map((i) => distance(i - 1, alpha, i, alpha));
  const bonds = residues.flatMap((i) => [distance(i, n, i, alpha), distance(i, alpha, i, c)]);
  const three = (value: number) => value.toFixed(2);
  const range = (values: readonly number[]) =>
    `${three(Math.min(...values))} to ${three(Math.max(...values))}`;
  const middle = median(sorted(alphas));
  const { median: usual, off, least, most } = ALPHAS;
  return [
    {
      name: "bonds N–Cα and Cα–C, Å",
      ...{ expected: "1.40 to 1.60", found: range(bonds) },
      ok: bonds.every((bond) => bond >= 1.4 && bond <= 1.6),
    },
    {
      name: "consecutive Cα atoms, median, Å",
      ...{ expected: `${three(usual)} ± ${off}`, found: three(middle) },
      ok: Math.abs(middle - usual) <= off,
    },
    {
      name: "consecutive Cα atoms, all, Å",
      ...{ expected: `${three(least)} to ${three(most)}`, found: range(alphas) },
      ok: alphas.every((one) => one >= least && one <= most),
    },
  ];
}
