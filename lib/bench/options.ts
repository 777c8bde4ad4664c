/** Lists on the command line. */
import { badValue, type Parser } from "../cli/parsers.ts";

/** Comma-separated values, each read by `item`; one given twice counts once. */
export function listOf<T>(item: Parser<T>): Parser<T[]> {
  return (text, flag) => {
    const pieces = text.split(",").map((piece) => piece.trim());
    if (pieces.some((piece) => piece === "")) {
      throw badValue(flag, "values between single commas", text);
    }
    return [...new Set(pieces.map((piece) => item(piece, flag)))];
  };
}
