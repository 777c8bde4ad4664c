/** Words of the page's sentences. */

/** `1 head`, `no heads`. */
export function count(n: number, noun: string): string {
  return `${n === 0 ? "no" : n} ${noun}${n === 1 ? "" : "s"}`;
}

/** A head in words. */
export const nameOf = ({ layer, head }: { layer: number; head: number }): string =>
  `layer ${layer} head ${head}`;
