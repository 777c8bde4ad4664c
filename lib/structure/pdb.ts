/** PDB files by their columns (format 3.30), with the habits of the programs that write them. */
import { type Atom, type AtomResidue, isKept } from "./atoms.ts";

/** What a PDB file says; atoms of its first model. */
export interface PdbFile {
  atoms: Atom[];
  /** Three-letter names of SEQRES by chain. */
  sequences: Map<string, string[]>;
  /** REMARK 465: residues of a chain that have no coordinates. */
  missing: Map<string, Pick<AtomResidue, "name" | "number" | "insertion">[]>;
  /** MODRES: what modified residues were made of. */
  parents: Map<string, string>;
  models: number;
}

/** A line that is not what it must be, or a file that ends too early. */
export class PdbError extends Error {}

/** Text as its columns are: an indented copy moved back. */
export function pdbText(text: string): string {
  const indent = /^([ \t]+)(?:ATOM {2}|HETATM)/m.exec(text)?.[1];
  return indent ? text.replace(new RegExp(`^${indent}`, "gm"), "") : text;
}

/** Whether a text has atoms as PDB files have them. */
export const isPdb = (text: string): boolean => /^[ \t]*(ATOM {2}|HETATM)/m.test(text);

/** @throws {PdbError} with the line, if a record cannot be read or the file is cut off */
export function parsePdb(text: string): PdbFile {
  const lines = text.split(/\r\n|\n|\r/);
  const found: PdbFile = {
    atoms: [],
    sequences: new Map(),
    missing: new Map(),
    parents: new Map(),
    models: 0,
  };
  const ended = new Set<string>();
  let chain = "", isFirst = true, stretch = 0;
  checkEnd(lines);
  for (const [i, line] of lines.entries()) {
    const record = line.slice(0, 6).trimEnd();
    if (record === "ATOM" || record === "HETATM") {
      if (!isFirst) continue;
      const atom = atomOf(line, i + 1, `${stretch}`);
      if (!atom) continue;
      chain = atom.chain;
      // Standard residues after it go on with the chain: some programs end it at every gap.
      if (record === "ATOM") ended.delete(chain);
      found.atoms.push({ ...atom, isAfterEnd: ended.has(chain) });
    } else if (record === "TER") {
      ended.add(chain);
      stretch++;
    } else if (record === "MODEL") isFirst = found.models++ === 0;
    else if (record === "ENDMDL") isFirst = false;
    else if (record === "SEQRES") {
      const names = line.slice(19).trim().split(/\s+/).filter((name) => name !== "");
      add(found.sequences, line.slice(11, 12).trim(), names);
    } else if (record === "MODRES") {
      const parent = line.slice(24, 27).trim();
      if (parent) found.parents.set(line.slice(12, 15).trim().toUpperCase(), parent);
    } else if (line.startsWith("REMARK 465")) addMissing(found, line);
  }
  if (found.models > 0 && isFirst && !lines.some((line) => ENDS.test(line))) {
    throw new PdbError("its MODEL must end with ENDMDL; the file may be cut off");
  }
  return found;
}

/** Records behind the last atom of a whole file. */
const ENDS = /^(END|MASTER|CONECT)/;

function add<T>(map: Map<string, T[]>, key: string, items: readonly T[]): void {
  const list = map.get(key) ?? [];
  map.set(key, list);
  list.push(...items);
}

const NUMBER = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*$/;

/** An atom of a residue's backbone; undefined for others, whose coordinates are checked as well. */
function atomOf(
  line: string,
  number: number,
  segment: string,
): Omit<Atom, "isAfterEnd"> | undefined {
  const point = (["x", "y", "z"] as const).map((axis, i) => {
    const begin = 30 + 8 * i, field = line.slice(begin, begin + 8);
    // The last field of a line that was cut off can still be a number.
    if (NUMBER.test(field) && (line.length >= begin + 8 || i < 2 || /\.\d{3}$/.test(field))) {
      return Number(field);
    }
    throw new PdbError(
      `line ${number} must have a number as ${axis} in columns ${begin + 1}-${begin + 8}: ` +
        `current value is ${JSON.stringify(field.trim()).slice(0, 60)}`,
    );
  });
  const atom = line.slice(12, 16).trim();
  // The column between name and chain belongs to a name of four letters, or to a chain of two.
  const between = line.slice(20, 21).trim(), column = line.slice(21, 22).trim();
  const name = line.slice(17, column === "" ? 21 : 20).trim();
  if (!isKept(atom, name)) return undefined;
  const [field, insertion] = /^\d/.test(line.slice(26, 27))
    ? [line.slice(22, 27), ""]
    : [line.slice(22, 26), line.slice(26, 27).trim()];
  const residue = residueNumber(field);
  if (Number.isNaN(residue)) {
    throw new PdbError(
      `line ${number} must have a residue number in columns 23-26: ` +
        `current value is ${JSON.stringify(field.trim())}`,
    );
  }
  const occupancy = Number(line.slice(54, 60).trim() || "1");
  return {
    // Where chains have no names, programs of simulation tell them by segments.
    chain: column === "" ? line.slice(72, 76).trim() : between + column,
    segment,
    name,
    number: residue,
    insertion,
    atom,
    alternate: line.slice(16, 17).trim(),
    occupancy: Number.isFinite(occupancy) ? occupancy : 1,
    point: point as unknown as Atom["point"],
    isHetero: line.startsWith("HETATM"),
  };
}

/**
 * A residue number of four columns; from 10 000 on letters help (hybrid-36, cctbx `hybrid_36.py`): `A000`
 * is 10 000, `a000` follows `ZZZZ`.
 */
export function residueNumber(field: string): number {
  const text = field.trim();
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const upper = /^[A-Z][0-9A-Z]{3}$/.test(text), lower = /^[a-z][0-9a-z]{3}$/.test(text);
  if (!upper && !lower) return NaN;
  const block = 26 * 36 ** 3;
  return parseInt(text, 36) - 10 * 36 ** 3 + 10_000 + (lower ? block : 0);
}

function addMissing({ missing }: PdbFile, line: string): void {
  const [, name, chain, number, insertion] =
    /^REMARK 465 +(?:\d+ +)?([A-Z0-9]{1,3}) +(\S?) +(-?\d+)([A-Z]?) *$/.exec(line) ?? [];
  if (name === undefined) return;
  add(missing, chain, [{ name, number: Number(number), insertion }]);
}

/**
 * Files of the Protein Data Bank end with END; one with its HEADER whose last line is an atom was cut
 * off between lines. One cut within a line ends without a line end, with a line shorter than the others.
 */
function checkEnd(lines: readonly string[]): void {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  if (last < 0) return;
  if (last > 0 && /^(AT?O?|HE?T?A?T?|AN?I?S?O?|TE?)$/.test(lines[last])) {
    throw new PdbError(`line ${last + 1} must be a whole record; the file may be cut off`);
  }
  if (!/^(ATOM {2}|HETATM|ANISOU)/.test(lines[last])) return;
  const isAtom = (line: string) => /^(ATOM {2}|HETATM)/.test(line);
  const isCut = last === lines.length - 1 && isAtom(lines[last]) &&
    lines.slice(0, last).every((line) =>
      !isAtom(line) || lines[last].length < line.trimEnd().length
    ) &&
    lines.slice(0, last).some(isAtom);
  const isWhole = !lines.some((line) => /^HEADER .{43,53}\d\d-[A-Z]{3}-\d\d/.test(line)) ||
    lines.some((line) => ENDS.test(line));
  if (isWhole && !isCut) return;
  throw new PdbError(
    `line ${last + 1} must not be the last: ` +
      (isCut ? "it is shorter than the others; " : "a file with a HEADER ends with END; ") +
      "the file may be cut off",
  );
}
