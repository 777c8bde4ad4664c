/** Where variants come from: all single substitutions, a list, or an assay; read as often as needed. */
import { quote, UserError } from "../errors.ts";
import { columnAt, csvField } from "../io/csv.ts";
import type { StreamedTable } from "../io/csv_stream.ts";
import { isInfinite, isMissing, NumberColumn } from "../io/numbers.ts";
import { readText } from "../io/text.ts";
import { splitVariants } from "./grammar.ts";
import { AMINO_ACIDS } from "./letters.ts";
import { residueOf } from "./resolve.ts";
import type { Target, VariantRow } from "./types.ts";

/** A list of variants that can be read as often as needed. */
export interface VariantSource {
  /** All single substitutions, a list, or an assay's table. */
  kind: "all" | "list" | "assay";
  /** Header of the input, or of the table that is made where there is none. */
  header: string;
  /** Names of the header. */
  columns: readonly string[];
  /** What stands between its cells. */
  delimiter: string;
  /** Which of them has the variant; undefined where its sequence says it. */
  mutantColumn?: string;
  /** Whether rows have a measured value. */
  hasMeasured: boolean;
  /** Reads from the top each time it is called. */
  rows(): AsyncIterable<VariantRow>;
}

const PLAIN = {
  ...{ header: "mutant", columns: ["mutant"], mutantColumn: "mutant", delimiter: "," },
} as const;

/** Every single substitution by one of the 20 amino acids, position by position. */
export function allSingles(target: Target): VariantSource {
  return {
    ...PLAIN,
    kind: "all",
    hasMeasured: false,
    async *rows() {
      for (let position = 1; position <= target.residues.length; position++) {
        const from = target.residues[position - 1];
        for (const to of AMINO_ACIDS) {
          if (to === from) continue;
          const text = `${from}${residueOf(position, target)}${to}`;
          yield { place: text, text, raw: text };
        }
      }
    },
  };
}

/**
 * The variants of `--mutations`: a list, or a file with one on each line (`,` then joins mutations), of
 * which blank lines, `#` comments and a heading are left out.
 *
 * @throws {UserError} if there is none, or the file cannot be read
 */
export async function listedOrFile(text: string): Promise<VariantSource> {
  return await isFile(text) ? ofList(await linesOf(text), text) : listed(text);
}

/** The variants of a list. @throws {UserError} if there is none */
export function listed(text: string): VariantSource {
  const rows = splitVariants(text)
    .map((variant) => ({ place: "--mutations", text: variant, raw: variant }));
  return ofList(rows, text);
}

function ofList(rows: readonly VariantRow[], text: string): VariantSource {
  if (rows.length === 0) {
    throw new UserError(
      `Cannot read --mutations as it must name a mutation such as A10G, or a file of some: ` +
        `current value is ${quote(text)}`,
    );
  }
  return {
    ...PLAIN,
    kind: "list",
    hasMeasured: false,
    async *rows() {
      yield* rows;
    },
  };
}

/** What tables call their column of mutations. */
const HEADING = /^"?(mutants?|mutations?|variants?|hgvs(_pro)?|aa_?change)"?$/i;

async function linesOf(path: string): Promise<VariantRow[]> {
  const rows: VariantRow[] = [];
  for (const [i, line] of (await readText(path)).split(/\r\n|\n|\r/).entries()) {
    const text = line.replace(/^\uFEFF/, "").replace(/\s*#.*$/, "").trim();
    if (text === "" || rows.length === 0 && HEADING.test(text)) continue;
    // The file's own commas are no separators of the table that is written.
    rows.push({ place: `${path} line ${i + 1}`, text, raw: csvField(text) });
  }
  return rows;
}

/** Whether a text names a file; asks only where that is allowed. */
async function isFile(text: string): Promise<boolean> {
  if (text.length > 1000) return false;
  if (Deno.permissions.querySync({ name: "read", path: text }).state !== "granted") return false;
  return await Deno.stat(text).then(({ isDirectory }) => !isDirectory, () => false);
}

/** Names of an assay's columns. */
export interface AssayColumns {
  mutant: string;
  sequence: string;
  measured: string;
  functional: string;
}

/**
 * The rows of an assay in ProteinGym's format or one with other column names.
 *
 * @param cutoff measured values above it are functional; the assay's own labels otherwise
 */
export function fromAssay(
  table: StreamedTable,
  names: AssayColumns,
  cutoff: number | undefined,
): VariantSource {
  const { columns, source, header, delimiter } = table;
  const column = (name: string) => columnAt(columns, name, source);
  const mutant = column(names.mutant), sequence = column(names.sequence);
  const measured = column(names.measured), functional = column(names.functional);
  return {
    kind: "assay",
    header,
    columns,
    delimiter,
    ...(mutant >= 0 && { mutantColumn: names.mutant }),
    hasMeasured: measured >= 0,
    async *rows() {
      const numbers = new NumberColumn(names.measured, delimiter);
      for await (const { line, raw, fields } of table.rows()) {
        const place = `${source} line ${line}`;
        const mutated = sequence < 0 ? "" : present(fields[sequence]).toUpperCase();
        const text = mutant < 0 ? "" : present(fields[mutant]);
        const value = measured < 0 ? NaN : numbers.read(fields[measured], place);
        const label = cutoff !== undefined
          ? value > cutoff
          : functional < 0
          ? undefined
          : readLabel(fields[functional], place, names.functional);
        yield {
          place,
          text,
          mutated: mutated || undefined,
          measured: value,
          functional: label,
          ...(measured >= 0 && isInfinite(fields[measured]) && { isInfinite: true }),
          raw,
        };
      }
    },
  };
}

/** A field, empty where it says that there is nothing. */
const present = (text: string) => isMissing(text) ? "" : text;

function readLabel(text: string, place: string, column: string): boolean | undefined {
  if (isMissing(text)) return undefined;
  if (/^(1(\.0*)?|true)$/i.test(text)) return true;
  if (/^(0(\.0*)?|false)$/i.test(text)) return false;
  throw new UserError(
    `Cannot read ${place} as column ${quote(column)} must hold 0, 1 or nothing: ` +
      `current value is ${quote(text)}`,
  );
}
