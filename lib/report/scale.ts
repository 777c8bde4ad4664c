/** From values to colour levels, and the round numbers that axes and legends carry. */
import type { ScaleKind } from "./colour.ts";

/** A colour scale over 0..cap (sequential) or −cap..cap (diverging). */
export interface Scale {
  kind: ScaleKind;
  /** Values beyond it have the end colour; the legend then ends in an arrow. */
  cap: number;
  cappedAbove: boolean;
  cappedBelow: boolean;
}

/**
 * A scale that a few outliers cannot wash out: it ends at the 98th percentile, rounded up to a
 * round number, but never below `atLeast`.
 */
export function scaleFor(values: number[], kind: ScaleKind, atLeast: number): Scale {
  const sizes = values.filter((x) => Number.isFinite(x)).map(Math.abs).sort((a, b) => a - b);
  const percentile = sizes.length === 0 ? 0 : sizes[Math.ceil(0.98 * sizes.length) - 1];
  const cap = roundUp(Math.max(atLeast, percentile));
  return {
    kind,
    cap,
    cappedAbove: values.some((x) => x > cap),
    cappedBelow: kind === "diverging" && values.some((x) => x < -cap),
  };
}

/** The least of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten that is not below `value`. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value * (1 - 1e-9));
  return Number(((digit ?? 10) * power).toPrecision(3));
}

/** A number for reading: three significant digits; `padded` keeps the zeros, for columns. */
export function short(value: number, padded = false): string {
  if (Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e5)
    ? scientific(value)
    : size >= 100
    ? String(Math.round(value))
    : padded && value !== 0
    ? value.toPrecision(3)
    : String(Number(value.toPrecision(3)));
  return text.replace("-", "−");
}

function scientific(value: number): string {
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = [...String(Number(exponent))].map((c) =>
    c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)]
  );
  return `${digits} × 10${raised.join("")}`;
}
