/** What the input says of proteins, as a map colours it. */

/** A column of the input, a value per protein, "" where it has none. */
export interface InputColumn {
  name: string;
  values: readonly string[];
}

/** Colours with forms that can be told apart; beyond, labels share the grey of the rest. */
export const MOST_CATEGORIES = 25;

/** A column that colours a map. */
export type ColourColumn =
  | {
    kind: "labels";
    name: string;
    /** The most frequent first. */
    labels: readonly string[];
    counts: readonly number[];
    /** Which label each protein has; −1 for none. */
    of: readonly number[];
  }
  | { kind: "numbers"; name: string; values: readonly number[] };

/**
 * Columns that tell proteins apart: quantities with more than twelve values, and labels that some
 * proteins share. Names of proteins, or one label for all, do not.
 */
export function colourColumns(columns: readonly InputColumn[]): ColourColumn[] {
  return columns.flatMap(({ name, values }): ColourColumn[] => {
    const given = values.filter((value) => value !== ""), distinct = new Set(given);
    if (distinct.size < 2) return [];
    const numbers = values.map((value) => value === "" ? NaN : Number(value));
    if (
      distinct.size > 12 && values.every((value, i) => value === "" || Number.isFinite(numbers[i]))
    ) {
      return [{ kind: "numbers", name, values: numbers }];
    }
    if (distinct.size === given.length) return [];
    const counts = new Map<string, number>();
    for (const value of given) counts.set(value, (counts.get(value) ?? 0) + 1);
    const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const place = new Map(sorted.map(([label], i) => [label, i]));
    return [{
      kind: "labels",
      name,
      labels: sorted.map(([label]) => label),
      counts: sorted.map(([, count]) => count),
      of: values.map((value) => place.get(value) ?? -1),
    }];
  });
}
