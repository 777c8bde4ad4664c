/** Contact maps of long proteins from those of windows. */
import type { Window } from "../esm2/mod.ts";

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
