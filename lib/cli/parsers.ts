/** Parsers of option values; each throws a `UserError` that names the option. */
import { quote, UserError } from "../errors.ts";
import { asMeant, nameOrPath as asNameOrPath } from "./standing.ts";

/** Reads the text given for the option `flag`. */
export type Parser<T> = (text: string, flag: string) => T;

/** The error of an option whose value is not what it must be. */
export function badValue(flag: string, requirement: string, value: string): UserError {
  return new UserError(
    `Cannot read ${flag} as it must be ${requirement}: current value is ${quote(value)}`,
  );
}

interface Range {
  /** Smallest allowed value. */
  min?: number;
  /** Largest allowed value. */
  max?: number;
}

/** Any finite decimal number, optionally within `min..max` (both included). */
export function number(range: Range = {}): Parser<number> {
  return (text, flag) => {
    const value = readDecimal(text);
    if (!within(value, range)) throw badValue(flag, `a number${rangeText(range)}`, text);
    return value;
  };
}

/** A whole number in `min..max` (both included); `_` may separate digits. */
export function integer(range: Range = {}): Parser<number> {
  return (text, flag) => {
    const value = readInteger(text);
    if (!within(value, range)) throw badValue(flag, `a whole number${rangeText(range)}`, text);
    return value;
  };
}

/** A whole number from 1. */
export function positiveInteger(max?: number): Parser<number> {
  return integer({ min: 1, max });
}

/** A random seed: a whole number in 0..2^53 − 1. */
export const seed: Parser<number> = integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

/** One of the given words. */
export function choice<const T extends string>(...words: readonly T[]): Parser<T> {
  return (text, flag) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw badValue(flag, `one of ${words.join(", ")}`, text);
    return found;
  };
}

/** Any text that is not empty. */
export const text: Parser<string> = (value, flag) => {
  if (value === "") throw badValue(flag, "a text", value);
  return value;
};

/** A file or folder name; it need not exist. Relative ones start where the user stands. */
export const path: Parser<string> = (value, flag) => {
  if (value === "" || value.includes("\0")) throw badValue(flag, "a path", value);
  return asMeant(value);
};

/** Several of these with commas. */
export const paths: Parser<string[]> = (text, flag) => {
  const found = text.split(",").map((name) => name.trim());
  if (found.some((name) => name === "")) {
    throw badValue(flag, "a file, or several with commas", text);
  }
  return found.map((name) => path(name, flag));
};

/** A name, or a file or folder that is there. */
export const nameOrPath: Parser<string> = (value, flag) => {
  if (value === "" || value.includes("\0")) throw badValue(flag, "a name or a path", value);
  return asNameOrPath(value);
};

/**
 * Whole numbers and ranges such as `0-5,7`, ascending and without repeats.
 *
 * @param max largest allowed number; needed when it is known before the model is open
 */
export function integerRanges({ min = 0, max = 99_999 }: Range = {}): Parser<number[]> {
  return (text, flag) => {
    const requirement = `numbers or ranges in ${min}..${max} such as "${min}-${min + 2},${
      min + 4
    }"`;
    const found = new Set<number>();
    for (const piece of text.split(",")) {
      const parts = /^\s*(-?\d+)\s*(?:-\s*(-?\d+)\s*)?$/.exec(piece);
      if (!parts) throw badValue(flag, requirement, text);
      const first = Number(parts[1]), last = Number(parts[2] ?? parts[1]);
      if (first < min || last > max || first > last) throw badValue(flag, requirement, text);
      for (let i = first; i <= last; i++) found.add(i);
    }
    return [...found].sort((a, b) => a - b);
  };
}

function readDecimal(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
}

function readInteger(text: string): number {
  const value = /^[+-]?\d+(_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
  return Number.isSafeInteger(value) ? value : NaN;
}

function within(value: number, { min = -Infinity, max = Infinity }: Range): boolean {
  return Number.isFinite(value) && value >= min && value <= max;
}

function rangeText({ min, max }: Range): string {
  if (min === undefined && max === undefined) return "";
  if (max === undefined) return ` from ${min}`;
  return min === undefined ? ` up to ${max}` : ` in ${min}..${max}`;
}
