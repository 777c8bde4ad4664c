/** Long proteins by overlapping windows. */
import { CLS, EOS } from "../esm2/alphabet.ts";

/** Residues `begin` to `end` (exclusive), 0-based. */
export interface Window {
  begin: number;
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
 * One map f32[L, L] from those of windows: the mean of all windows that hold both residues, NaN where
 * none does.
 */
export function joinWindows(
  length: number,
  windows: readonly Window[],
  maps: readonly Float32Array[],
): Float32Array {
  if (windows.length === 1) return maps[0];
  const sum = new Float32Array(length * length), count = new Uint8Array(length * length);
  windows.forEach(({ begin, end }, w) => {
    const size = end - begin, map = maps[w];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const at = (begin + i) * length + begin + j;
        sum[at] += map[i * size + j];
        count[at]++;
      }
    }
  });
  for (let i = 0; i < sum.length; i++) sum[i] = count[i] === 0 ? NaN : sum[i] / count[i];
  return sum;
}
