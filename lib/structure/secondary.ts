/** Secondary structure as a file states it: HELIX and SHEET records, or the mmCIF tables for these. */
import { cifCategory } from "./cif_category.ts";
import type { StructureFormat } from "./molecules.ts";

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

/** The helices and strands that the file states; none where it states nothing. */
export function secondarySpans(text: string, format: StructureFormat): SecondarySpan[] {
  return format === "pdb" ? fromRecords(text) : fromTables(text);
}

/** The format's columns; trailing blanks may be cut off. */
function fromRecords(text: string): SecondarySpan[] {
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

function fromTables(text: string): SecondarySpan[] {
  const spanOf = (kind: "H" | "E", row: Record<string, string>) => {
    const side = (which: "beg" | "end") => ({
      number: row[`${which}_auth_seq_id`] ?? row[`${which}_label_seq_id`] ?? "",
      insertion: row[`pdbx_${which}_pdb_ins_code`] ?? "",
    });
    const chain = row.beg_auth_asym_id ?? row.beg_label_asym_id ?? "";
    return span(kind, chain, side("beg"), side("end"));
  };
  return [
    ...cifCategory(text, "struct_conf").flatMap((row) => {
      const type = row.conf_type_id?.toUpperCase() ?? "";
      if (type.startsWith("STRN")) return spanOf("E", row);
      return type.startsWith("HELX") && !/_PP_P$/.test(type) ? spanOf("H", row) : [];
    }),
    ...cifCategory(text, "struct_sheet_range").flatMap((row) => spanOf("E", row)),
  ];
}

function span(
  kind: "H" | "E",
  chain: string,
  begin: { number: string; insertion: string },
  end: { number: string; insertion: string },
): SecondarySpan[] {
  // A record that cannot be read says nothing.
  if (!/^-?\d+$/.test(begin.number) || !/^-?\d+$/.test(end.number)) return [];
  const name = ({ number, insertion }: typeof begin) => ({
    number: Number(number),
    label: `${Number(number)}${insertion}`,
  });
  return [{ kind, chain, begin: name(begin), end: name(end) }];
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
