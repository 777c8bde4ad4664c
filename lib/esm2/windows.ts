/** Long proteins in overlapping windows. */
import { CLS, EOS } from "./alphabet.ts";

/** Residues `begin` to `end` (exclusive), 0-based. */
export interface Window {
  /** First residue. */
  begin: number;
  /** Residue after the last. */
  end: number;
}

/**
 * Windows of `size` residues that overlap by half and cover a sequence; one where it fits. The last
 * ends with the sequence.
 */
export function windowsOf(length: number, size: number): Window[] {
  if (length <= size) return [{ begin: 0, end: length }];
  const step = Math.max(1, Math.floor(size / 2)), windows: Window[] = [];
  for (let begin = 0;; begin += step) {
    if (begin + size >= length) {
      windows.push({ begin: length - size, end: length });
      return windows;
    }
    windows.push({ begin, end: begin + size });
  }
}

/** Tokens of a window as a sequence of its own. */
export function windowTokens(row: Int32Array, { begin, end }: Window): Int32Array<ArrayBuffer> {
  return Int32Array.from([CLS, ...row.subarray(begin + 1, end + 1), EOS]);
}

/**
 * For each window the residues to which it is the most central one: of all windows that hold a residue, that
 * whose nearer end is farthest from it; of equals the first. Together they are all residues, once.
 */
export function centralParts(windows: readonly Window[]): Window[] {
  return windows.map(({ begin, end }, w) => {
    const before = windows[w - 1], after = windows[w + 1];
    // Between two windows of one length the middle of their overlap divides.
    const middle = (one: Window, other: Window) => Math.ceil((one.end + other.begin) / 2);
    return {
      begin: before ? middle(before, { begin, end }) : begin,
      end: after ? middle({ begin, end }, after) : end,
    };
  });
}
