/** Files of alignments, as the programs that search sequence databases write them. */
import { quote, UserError } from "../errors.ts";
import { parseFasta } from "../io/fasta.ts";
import { readText, type TextOptions } from "../io/text.ts";

/** An alignment as its file has it. */
export interface Msa {
  /** The file, for messages. */
  source: string;
  /** Rows of equal length, in upper case; columns that are insertions are gone. */
  rows: string[];
  /** What else the file says of its rows, for people. */
  notes: string[];
}

const FORMATS = "FASTA, A3M, A2M, Stockholm, CLUSTAL, or one row a line";

/** A row as the file has it, and where. */
interface Row {
  letters: string;
  line: number;
}

/**
 * Reads an alignment of at least two rows: FASTA, A3M and A2M (HHblits, HH-suite, ColabFold, MMseqs2),
 * Stockholm (JackHMMER, Pfam), CLUSTAL, or rows alone (PSICOV).
 *
 * @throws {UserError} if it is none of these, or its rows are not equally long
 */
export async function readMsa(path: string, options: TextOptions = {}): Promise<Msa> {
  const must = `an alignment: ${FORMATS}`;
  return parseMsa(await readText(path, { must, ...options }), path);
}

/** Reads the text of an alignment. @throws {UserError} as {@linkcode readMsa} */
export function parseMsa(text: string, source: string): Msa {
  const notes: string[] = [], rows = rowsOf(text, source, notes);
  const letters = joinedColumns(rows, source);
  if (letters.length < 2) {
    throw new UserError(
      `Cannot read ${quote(source, 200)} as an alignment must have at least 2 rows: ` +
        `current value is ${letters.length}`,
    );
  }
  return { source, rows: letters, notes };
}

function rowsOf(text: string, source: string, notes: string[]): Row[] {
  const first = text.split(/\r\n|\n|\r/).find((line) => /[^\s\0]/.test(line))?.trim() ?? "";
  if (/^# STOCKHOLM/i.test(first)) return fromBlocks(text, source, /^#/);
  if (/^(CLUSTAL|MUSCLE|PROBCONS|MAFFT|KALIGN|T-COFFEE)\b/i.test(first)) {
    // The line below a block, which says where its rows agree, has no name.
    return fromBlocks(text.replace(/^.*$/m, ""), source, /^[\s*:.]/);
  }
  if (/^[A-Za-z.*~-]+$/.test(first)) return plainRows(text, source);
  if (/^\S+\s+[A-Za-z.*~-]+$/.test(first) && !/^[>;#]/.test(first)) {
    return fromBlocks(text, source, /^$/);
  }
  if (first !== "" && !/^>/m.test(text)) {
    throw new UserError(
      `Cannot read ${quote(source, 200)} as an alignment must be ${FORMATS}: current value is ` +
        quote(first),
    );
  }
  return fromFasta(text, source, notes);
}

/** Names and pieces of rows, block after block, until `//`. */
function fromBlocks(text: string, source: string, skipped: RegExp): Row[] {
  const rows = new Map<string, { parts: string[]; line: number }>();
  const lines = text.split(/\r\n|\n|\r/);
  // Names may repeat within a block; their order tells such rows apart.
  let inBlock = new Map<string, number>();
  for (const [i, line] of lines.entries()) {
    if (line.startsWith("//")) break;
    if (line.trim() === "") inBlock = new Map();
    if (line.trim() === "" || skipped.test(line)) continue;
    const [, name, piece] = /^\s*(\S+)\s+(\S+)(?:\s+\d+)?\s*$/.exec(line) ?? [];
    if (piece === undefined) {
      throw new UserError(
        `Cannot read ${quote(source, 200)} line ${
          i + 1
        } as it must have a name and a piece of its ` +
          `row: current value is ${quote(line.trim())}`,
      );
    }
    const count = inBlock.get(name) ?? 0, key = `${count} ${name}`;
    inBlock.set(name, count + 1);
    const row = rows.get(key) ?? { parts: [], line: i + 1 };
    rows.set(key, row);
    row.parts.push(piece);
  }
  return [...rows.values()].map(({ parts, line }) => ({ letters: parts.join(""), line }));
}

function plainRows(text: string, source: string): Row[] {
  return text.split(/\r\n|\n|\r/).flatMap((written, i): Row[] => {
    const letters = written.trim();
    if (letters === "") return [];
    if (/^[A-Za-z.*~-]+$/.test(letters)) return [{ letters, line: i + 1 }];
    throw new UserError(
      `Cannot read ${quote(source, 200)} line ${i + 1} as a row must have letters and gaps only: ` +
        `current value is ${quote(letters)}`,
    );
  });
}

/** Rows of HH-suite that are no proteins: secondary structure, accessibility, consensus. */
const ANNOTATION = /^>\s*((ss|sa|aa)_(pred|conf|dssp)\b|sa_|\S*_consensus\b|Consensus\b)/;

function fromFasta(text: string, source: string, notes: string[]): Row[] {
  let count = 0, annotations = 0, isAnnotation = false;
  // ColabFold puts alignments of several queries after one another, with a zero byte between.
  const [own, ...others] = text.split("\0").filter((part) => part.trim() !== "");
  const kept = (own ?? "").split(/\r\n|\n|\r/).map((line) => {
    // Left out are lines, not their numbers.
    if (line.startsWith("#")) return "";
    if (line.startsWith(">")) {
      isAnnotation = ANNOTATION.test(line);
      if (isAnnotation) annotations++;
      // Databases repeat names within a family.
      return isAnnotation ? "" : `>${++count} ${line.slice(1)}`;
    }
    return isAnnotation ? "" : line;
  });
  if (annotations > 0) {
    notes.push(
      `${source}: ${annotations} row${
        annotations === 1 ? "" : "s"
      } of structure or consensus, no ` +
        "proteins, left out.",
    );
  }
  if (others.length > 0) {
    notes.push(`${source}: the first of ${others.length + 1} alignments is taken.`);
  }
  return parseFasta(kept.join("\n"), source).map(({ sequence, line }) => ({
    letters: sequence,
    line,
  }));
}

/**
 * Columns that all rows share. Rows as long as one another are aligned letter by letter (A2M, Stockholm,
 * dotted FASTA): of their columns those without a capital or `-` are insertions. Of others (A3M) lower
 * case is what a row has beside them.
 */
function joinedColumns(rows: readonly Row[], source: string): string[] {
  const texts = rows.map(({ letters }) => letters.replaceAll("~", "-"));
  const width = texts[0]?.length ?? 0;
  if (texts.every((text) => text.length === width)) {
    const hasCapitals = texts.some((text) => /[A-Z]/.test(text));
    const kept = Array.from({ length: width }, (_, column) => column).filter((column) =>
      !hasCapitals || texts.some((text) => /[A-Z-]/.test(text[column]))
    );
    if (kept.length === width) return texts.map((text) => text.replaceAll(".", "-").toUpperCase());
    return texts.map((text) =>
      kept.map((column) => text[column] === "." ? "-" : text[column].toUpperCase()).join("")
    );
  }
  const found = texts.map((text) => text.replace(/[a-z.]/g, ""));
  const odd = found.findIndex((text) => text.length !== found[0].length);
  if (odd < 0) return found;
  throw new UserError(
    `Cannot read ${quote(source, 200)} as rows of an alignment must be equally long: ` +
      `row ${odd + 1} has ${found[odd].length} columns, the first ${found[0].length} ` +
      `(lines ${rows[odd].line} and ${rows[0].line})`,
  );
}
