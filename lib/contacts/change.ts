/** Which contacts an adapter makes appear or vanish. */
import { printable } from "../errors.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { contactRows, pairsApart } from "./tables.ts";
import { type ContactRecord, type ContactResult, type Method, rangeOf } from "./types.ts";

/** Probability from which a pair counts as a contact. */
export const LIKELY = 0.5;

/** A pair that is predicted with the adapter or without, and not both. */
export interface ChangedPair {
  /** 1-based. */
  i: number;
  /** 1-based. */
  j: number;
  range: string;
  before: number;
  after: number;
  what: "appeared" | "vanished";
  /** Whether it is a contact; undefined where that is not known. */
  contact?: boolean;
}

/** What counts as predicted, in words. */
export const ruleOf = (method: Method): string =>
  method === "head" ? `probability above ${LIKELY}` : "among the L highest pairs";

/** Pairs at least 6 apart whose prediction an adapter changes, the largest change first. */
export function changedPairs(result: ContactResult, method: Method): ChangedPair[] {
  const { before, map, residues: { length }, truth } = result;
  if (!before) return [];
  const predicted = (values: Float32Array): Set<number> =>
    new Set(
      method === "head"
        ? [...pairsApart(values, length).filter((pair) => values[pair] > LIKELY)]
        : contactRows({ ...result, map: values }, 1).map(({ i, j }) => (i - 1) * length + j - 1),
    );
  const now = predicted(map), once = predicted(before.map);
  return [...now.symmetricDifference(once)].map((pair): ChangedPair => {
    const i = Math.floor(pair / length), j = pair % length;
    return {
      ...{ i: i + 1, j: j + 1, range: rangeOf(j - i) },
      ...{ before: before.map[pair], after: map[pair] },
      what: now.has(pair) ? "appeared" : "vanished",
      ...(truth && truth.known[i] && truth.known[j] && { contact: truth.contacts[pair] === 1 }),
    };
  }).sort((a, b) =>
    Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || a.i - b.i || a.j - b.j
  );
}

/** Largest size of a change of pairs at least 6 apart. */
export function largestChange({ map, before, residues: { length } }: ContactResult): number {
  return pairsApart(map, length).reduce(
    (most, pair) => Math.max(most, Math.abs(map[pair] - before!.map[pair]) || 0),
    0,
  );
}

type ChangedRow = ChangedPair & Pick<ContactRecord, "id" | "residues">;
const { text, integer, number } = columnsOf<ChangedRow>();

/** changed_contacts.csv */
export const CHANGED: TableOf<ChangedRow> = {
  name: "changed_contacts",
  rows:
    "one row per pair at least 6 apart that is predicted with the adapter or without, and not both: " +
    `its ${ruleOf("head")} with --method head, else it is ${ruleOf("attention")}`,
  when: "with --adapter",
  columns: [
    text("protein", "its id", "id"),
    integer("i", "first residue", "i"),
    integer("j", "second residue", "j"),
    text("residue_i", "letter of the first", ({ i, residues }) => residues[i - 1]),
    text("residue_j", "letter of the second", ({ j, residues }) => residues[j - 1]),
    text("range", "short, medium or long", "range"),
    text("what", "appeared (with the adapter only) or vanished", "what"),
    number("before", "the prediction without the adapter", "before"),
    number("after", "with it", "after"),
    number("change", "after − before", ({ before, after }) => after - before),
    integer(
      "contact",
      "1, 0, or empty where it is not known",
      ({ contact }) => contact === undefined ? null : Number(contact),
    ),
  ],
};

/** One protein's rows. */
export const changedRows = (
  { id, residues }: ContactRecord,
  pairs: readonly ChangedPair[],
): ChangedRow[] => pairs.map((pair) => ({ ...pair, id, residues }));

/** How many of each, and how many of them are true. */
export function countChanged(pairs: readonly ChangedPair[]) {
  const of = (what: ChangedPair["what"]) => {
    const own = pairs.filter((pair) => pair.what === what);
    return {
      count: own.length,
      known: own.filter(({ contact }) => contact !== undefined).length,
      right: own.filter(({ contact }) => contact).length,
    };
  };
  return { appeared: of("appeared"), vanished: of("vanished") };
}

/** What is said of an adapter in a sentence. */
export function changeText(name: string, pairs: readonly ChangedPair[], method: Method): string {
  const { appeared, vanished } = countChanged(pairs);
  const part = (
    { count, known, right }: typeof appeared,
    one: string,
    many: string,
  ) =>
    `${count === 0 ? "no" : count} contact${count === 1 ? ` ${one}` : `s ${many}`}` +
    (known > 0 ? ` (${right} of ${known} true)` : "");
  return `With the adapter ${printable(name)} ${part(appeared, "appears", "appear")} and ` +
    `${part(vanished, "vanishes", "vanish")} (${ruleOf(method)}).`;
}
