/** Numbers as tables hold them, whether programs or spreadsheets wrote them. */
import { quote, UserError } from "../errors.ts";

/** Nothing, in the words of pandas, R and SQL, and the errors that spreadsheets leave in cells. */
const MISSING =
  /^(nan|na|n\/a|null|none|-|#n\/?a|#nv|#div\/0!|#value!|#ref!|#num!|#name\?|#null!)?$/i;
const INFINITE = /^[+-]?(inf|infinity|∞)$/i;
const DECIMAL_COMMA = /^[+-]?\d*,\d+(e[+-]?\d+)?$/i;
/** Groups of three digits; a lone `1.234` is a decimal, and so is `1,234` where commas part no columns. */
const THOUSANDS = /^[+-]?\d{1,3}(?:([,. '’\u00a0\u202f])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d+)?$/;

/** Whether a field says that there is nothing. */
export const isMissing = (text: string): boolean => MISSING.test(text);

/** The number of a field, with a decimal comma where commas part no columns; NaN where it is none. */
export function decimal(text: string, delimiter: string): number {
  if (text === "") return NaN;
  const comma = delimiter !== "," && DECIMAL_COMMA.test(text);
  const value = Number(comma ? text.replace(",", ".") : text);
  return Number.isFinite(value) ? value : NaN;
}

/** One column of numbers, all with the same decimal sign. */
export class NumberColumn {
  #withComma?: string;
  #withPoint?: string;

  constructor(readonly name: string, readonly delimiter: string) {}

  /**
   * The number of a field; NaN where there is nothing, or an infinite value, which stands for something
   * that could not be measured.
   *
   * @throws {UserError} if it is no number, has thousands separators, or another decimal sign than others
   */
  read(text: string, place: string): number {
    if (isMissing(text) || isInfinite(text)) return NaN;
    const value = decimal(text, this.delimiter);
    if (Number.isNaN(value)) {
      return this.#fail(
        THOUSANDS.test(text) ? "numbers without thousands separators" : "a number or nothing",
        text,
        place,
      );
    }
    if (text.includes(",")) this.#withComma ??= text;
    else if (text.includes(".")) this.#withPoint ??= text;
    if (this.#withComma !== undefined && this.#withPoint !== undefined) {
      return this.#fail(
        `numbers with one decimal sign (others are like ${
          quote(text === this.#withPoint ? this.#withComma : this.#withPoint)
        })`,
        text,
        place,
      );
    }
    return value;
  }

  #fail(requirement: string, text: string, place: string): never {
    throw new UserError(
      `Cannot read ${place} as column ${quote(this.name)} must hold ${requirement}: ` +
        `current value is ${quote(text)}`,
    );
  }
}

/** Whether a field says infinite. */
export const isInfinite = (text: string): boolean => INFINITE.test(text);
