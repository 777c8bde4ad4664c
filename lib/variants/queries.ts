/** What is asked of the model, and how it becomes forward passes. */
import { MASK } from "../esm2/alphabet.ts";
import { cutWindow, localToken, type Window, type WindowOptions, windowsOf } from "./windows.ts";

/** One token whose probabilities are wanted. */
export interface Read {
  /** Place in the whole row. */
  token: number;
  /** Token that the others are compared with. */
  reference: number;
  /** Which of the values that `tokenLogProbs` gives is kept; all, unless said. */
  value?: number;
}

/** A sequence with some tokens masked, and the tokens to read. */
export interface Query {
  /** `<cls>` residues `<eos>`, nothing masked. */
  ids: Int32Array;
  masked: readonly number[];
  reads: readonly Read[];
}

/** One row of tokens to run. */
export interface Pass {
  ids: Int32Array;
  choices: Choice[];
}

interface Choice {
  /** Place in the row. */
  at: number;
  reference: number;
  /** Query and read that it answers, with the weight of this answer. */
  query: number;
  read: number;
  weight: number;
}

/** Passes of queries: each read in every window that sees it; one pass per window of a query. */
export function planPasses(queries: readonly Query[], options: WindowOptions): Pass[] {
  const passes: Pass[] = [];
  queries.forEach(({ ids, masked, reads }, query) => {
    const byWindow = new Map<string, { window: Window; choices: Choice[] }>();
    reads.forEach(({ token, reference }, read) => {
      for (const { window, weight } of windowsOf(token, ids.length, options)) {
        const key = `${window.begin}-${window.end}`;
        let found = byWindow.get(key);
        if (!found) byWindow.set(key, found = { window, choices: [] });
        const at = localToken(window, token);
        found.choices.push({ at, reference, query, read, weight });
      }
    });
    for (const { window, choices } of byWindow.values()) {
      const row = cutWindow(ids, window);
      for (const token of masked) {
        if (token >= window.begin && token < window.end) row[localToken(window, token)] = MASK;
      }
      passes.push({ ids: row, choices });
    }
  });
  return passes;
}
