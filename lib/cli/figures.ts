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

/** Three significant digits, whatever the size; a dash for NaN. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e5 ? value.toExponential(1) : value.toPrecision(3);
}
