/** Words of the page's sentences, and residues of its columns. */

/** `1 head`, `no heads`. */
export function count(n: number, noun: string): string {
  return `${n === 0 ? "no" : n} ${noun}${n === 1 ? "" : "s"}`;
}

/** A head in words. */
export const nameOf = ({ layer, head }: { layer: number; head: number }): string =>
  `layer ${layer} head ${head}`;

/** Residues of a profile, without `<cls>` and `<eos>` where these are columns too. */
export function residueColumns(values: Float32Array, length: number): Float32Array {
  const from = (values.length - length) / 2;
  return values.subarray(from, from + length);
}
