/** Figures of results in tables. */

/** A value of a cell, which is empty where it is undefined. */
export const known = (value: number): number | undefined => Number.isNaN(value) ? undefined : value;

/** With so many digits after the point; a dash for NaN, and no sign before a zero. */
export function fixed(value: number, digits: number): string {
  if (Number.isNaN(value)) return "–";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** A number of the terminal's tables. */
export const three = (value: number): string => fixed(value, 3);
