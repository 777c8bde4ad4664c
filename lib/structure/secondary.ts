/** Secondary structure as a file states it: HELIX and SHEET records, or the mmCIF tables for these. */
import { type CifBlock, type CifTable, tableOf } from "./cif.ts";
import { residueNumber } from "./pdb.ts";

/** A stretch of a chain, from one residue to another, both by the authors' numbers. */
export interface SecondarySpan {
  kind: "H" | "E";
  chain: string;
  begin: ResidueName;
  end: ResidueName;
}

interface ResidueName {
  /** Number with insertion code. */
  label: string;
  number: number;
}

/** PDB helix class of polyproline, which is no helix of hydrogen bonds. */
const POLYPROLINE = "10";

/**
 * The helices and strands that a PDB file states, none where it states nothing; by the format's columns,
 * whose trailing blanks may be cut off.
 */
export function secondaryFromRecords(text: string): SecondarySpan[] {
  return [...text.matchAll(/^(HELIX |SHEET ).*/gm)].flatMap(([line]): SecondarySpan[] => {
    const isHelix = line.startsWith("HELIX");
    const field = (begin: number, end: number) => line.slice(begin, end).trim();
    if (isHelix && field(38, 40) === POLYPROLINE) return [];
    const [chain, number, insertion] = isHelix ? [19, 21, 25] : [21, 22, 26];
    return span(
      isHelix ? "H" : "E",
      field(chain, chain + 1),
      { number: field(number, number + 4), insertion: field(insertion, insertion + 1) },
      { number: field(33, 37), insertion: field(37, 38) },
    );
  });
}

/** The same of an mmCIF file's tables. */
export function secondaryFromTables(block: CifBlock): SecondarySpan[] {
  const spanOf = (kind: "H" | "E", table: CifTable, row: number) => {
    const first = (...items: string[]) =>
      items.map((item) => table.value(item, row)).find((value) => value !== "") ?? "";
    const side = (which: "beg" | "end") => ({
      number: first(`${which}_auth_seq_id`, `${which}_label_seq_id`),
      insertion: first(`pdbx_${which}_pdb_ins_code`),
    });
    return span(kind, first("beg_auth_asym_id", "beg_label_asym_id"), side("beg"), side("end"));
  };
  const found: SecondarySpan[] = [];
  const helices = tableOf(block, "struct_conf"), strands = tableOf(block, "struct_sheet_range");
  for (let row = 0; row < helices.rows; row++) {
    const type = helices.value("conf_type_id", row).toUpperCase();
    if (type.startsWith("STRN")) found.push(...spanOf("E", helices, row));
    if (type.startsWith("HELX") && !/_PP_P$/.test(type)) found.push(...spanOf("H", helices, row));
  }
  for (let row = 0; row < strands.rows; row++) found.push(...spanOf("E", strands, row));
  return found;
}

function span(
  kind: "H" | "E",
  chain: string,
  begin: { number: string; insertion: string },
  end: { number: string; insertion: string },
): SecondarySpan[] {
  // A record that cannot be read says nothing.
  const name = ({ number: field, insertion }: typeof begin) => {
    const number = residueNumber(field);
    return { number, label: `${number}${insertion}` };
  };
  const [from, to] = [name(begin), name(end)];
  if (Number.isNaN(from.number) || Number.isNaN(to.number)) return [];
  return [{ kind, chain, begin: from, end: to }];
}

/**
 * H, E or - for the residues of a chain in the file's order; where a helix and a strand overlap, the
 * helix.
 */
export function secondaryOf(
  spans: readonly SecondarySpan[],
  chain: string,
  residues: readonly ResidueName[],
): ("H" | "E" | "-")[] {
  const found = residues.map((): "H" | "E" | "-" => "-");
  const first = (wanted: ResidueName) => {
    const exact = residues.findIndex(({ label }) => label === wanted.label);
    return exact >= 0 ? exact : residues.findIndex(({ number }) => number >= wanted.number);
  };
  const last = (wanted: ResidueName) => {
    const exact = residues.findIndex(({ label }) => label === wanted.label);
    return exact >= 0 ? exact : residues.findLastIndex(({ number }) => number <= wanted.number);
  };
  // Helices last: E < H.
  const own = spans.filter((each) => each.chain === chain).toSorted((a, b) =>
    a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0
  );
  for (const { kind, begin, end } of own) {
    // Either end may lack coordinates.
    const from = first(begin);
    if (from >= 0) found.fill(kind, from, last(end) + 1);
  }
  return found;
}
