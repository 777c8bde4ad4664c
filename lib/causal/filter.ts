/** Which rows of an input a person wants: `DMS_score < -3 and DMS_score_bin = 0`. */
import { quote, UserError } from "../errors.ts";
import { columnAt, parseRecord } from "../io/csv.ts";
import { decimal, isMissing } from "../io/numbers.ts";
import type { VariantSource } from "../variants/source.ts";

type Operator = "<=" | ">=" | "!=" | "==" | "<" | ">" | "=";

interface Comparison {
  column: string;
  operator: Operator;
  value: string;
}

/**
 * Comparisons of columns with numbers or words, joined by `and`; names and words with `and` or
 * operators in them stand in quotes, double or single.
 *
 * @throws {UserError} if the text is none
 */
export function parseFilter(text: string): Comparison[] {
  const pieces = split(text);
  return pieces.map((piece) => {
    const found =
      /^\s*(?:(["'])((?:(?!\1).)+)\1|([^<>=!"'\s][^<>=!"]*?))\s*(<=|>=|!=|==|<|>|=)\s*(?:(["'])((?:(?!\5).)*)\5|([^<>=!"'\s][^<>=!"]*?))\s*$/
        .exec(piece);
    if (!found) {
      throw new UserError(
        `Cannot read --filter as it must compare columns with values, such as "DMS_score < -3": ` +
          `current value is ${quote(piece.trim() || text)}`,
      );
    }
    const [, , quotedColumn, column, operator, , quotedValue, value] = found;
    return {
      column: quotedColumn ?? column,
      operator: operator as Operator,
      value: quotedValue ?? value,
    };
  });
}

/**
 * The rows of a source that pass a filter.
 *
 * Numbers compare as numbers where both sides are; a missing value passes no comparison but `!=`.
 *
 * @throws {UserError} if the source lacks a column, or order is asked of a column's words
 */
export function filterRows(source: VariantSource, text: string): VariantSource {
  const comparisons = parseFilter(text);
  const tests = comparisons.map(({ column, operator, value }) => {
    const at = columnAt(source.columns, column, "the input");
    if (at < 0) {
      throw new UserError(
        `Cannot use --filter as column ${quote(column)} must be one of the input's: ` +
          `current value is ${quote(source.columns.join(", "), 120)}`,
      );
    }
    const number = Number(value);
    if (/[<>]/.test(operator)) {
      if (value === "" || !Number.isFinite(number)) {
        throw new UserError(
          `Cannot use --filter as ${operator} must be followed by a number: ` +
            `current value is ${quote(value)}`,
        );
      }
    }
    return (fields: readonly string[], place: string) =>
      passes(
        fields[at],
        source.delimiter,
        operator,
        value,
        () => `column ${quote(column)} of ${place}`,
      );
  });
  return {
    ...source,
    async *rows() {
      for await (const row of source.rows()) {
        const fields = parseRecord(row.raw, source.delimiter, row.place, 1);
        if (tests.every((test) => test(fields, row.place))) yield row;
      }
    },
  };
}

function passes(
  field: string,
  delimiter: string,
  operator: Operator,
  value: string,
  where: () => string,
): boolean {
  const a = decimal(field, delimiter), b = Number(value);
  const numeric = field !== "" && value !== "" && !Number.isNaN(a) && !Number.isNaN(b);
  if (operator === "=" || operator === "==") return numeric ? a === b : field === value;
  if (operator === "!=") return numeric ? a !== b : field !== value;
  if (isMissing(field)) return false;
  if (!numeric) {
    throw new UserError(
      `Cannot use --filter as ${where()} must hold a number or nothing: ` +
        `current value is ${quote(field)}`,
    );
  }
  if (operator === "<") return a < b;
  if (operator === ">") return a > b;
  return operator === "<=" ? a <= b : a >= b;
}

/** At `and` or `&&` outside quotes; an apostrophe within a word (it's) is none. */
function split(text: string): string[] {
  const pieces = [""];
  for (const [i, part] of text.split(/("[^"]*"|(?<![^\s<>=!&])'[^']*')/).entries()) {
    if (i % 2 === 1) {
      pieces[pieces.length - 1] += part;
      continue;
    }
    const [first, ...others] = part.split(/\s+and\b|&&/i);
    pieces[pieces.length - 1] += first;
    pieces.push(...others);
  }
  return pieces;
}
