/** Values of the options of `mlm`. */
import { badValue } from "../cli/parsers.ts";

/** Reads `1,2.5`. */
export function parseWeights(text: string, flag: string): readonly number[] {
  const weights = text.split(",").map((piece) => piece.trim() === "" ? NaN : Number(piece));
  if (weights.every((weight) => weight > 0 && Number.isFinite(weight))) return weights;
  throw badValue(flag, "numbers above 0, such as 1,2", text);
}

/** Reads `4,128,8`: layers, width, heads. */
export function parseShape(
  text: string,
  flag: string,
): readonly [layers: number, width: number, heads: number] {
  const numbers = text.split(",").map(Number), [layers, width, heads] = numbers;
  const isShape = numbers.length === 3 && numbers.every((n) => Number.isInteger(n) && n >= 1) &&
    layers <= 64 && width <= 8192 && width % heads === 0 && width / heads % 2 === 0;
  if (isShape) return [layers, width, heads];
  throw badValue(flag, "layers,width,heads with an even width of each head, such as 4,128,8", text);
}

/** Reads `0.15`, or the bounds `0.1-0.25`. */
export function parseShare(text: string, flag: string): number | readonly [number, number] {
  const numbers = text.split("-").map((piece) => piece.trim() === "" ? NaN : Number(piece));
  const fits = numbers.every((share) => share > 0 && share <= 1);
  if (fits && numbers.length === 1) return numbers[0];
  if (fits && numbers.length === 2 && numbers[0] <= numbers[1]) return [numbers[0], numbers[1]];
  throw badValue(flag, "a share in 0..1 or bounds such as 0.1-0.25", text);
}
