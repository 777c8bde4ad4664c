/**
 * How objects show themselves: in a line where Deno prints a value, as a figure in a Deno notebook. Both symbols
 * are global ones, which elsewhere nobody asks for.
 */
import { printable } from "./errors.ts";

/** What an object shows of itself. */
export interface Display<T> {
  /** For the terminal. Names that come from files are made printable. */
  text(self: T): string;
  /** For a notebook: markup with its styles inside. @default the text */
  html?(self: T): { toString(): string };
}

/**
 * Makes an object, or all that have it as prototype, show itself so. What it gets is not enumerable: copies,
 * comparisons and JSON do not see it.
 */
export function showAs<T extends object>(target: T, { text, html }: Display<T>): T {
  const define = (symbol: string, value: (this: T) => unknown) =>
    Object.defineProperty(target, Symbol.for(symbol), { value, configurable: true });
  define("Deno.customInspect", function () {
    return lines(text(this));
  });
  define("Jupyter.display", function () {
    const plain = { "text/plain": lines(text(this)) };
    return html ? { ...plain, "text/html": html(this).toString() } : plain;
  });
  return target;
}

const lines = (text: string) => text.split("\n").map(printable).join("\n");

/** A tensor as one line: `Tensor "hidden" f32[22, 128]`. */
export const tensorText = (
  kind: string,
  { label, shape }: { readonly label: string; readonly shape: readonly number[] },
  dtype: string,
  note = "",
): string => `${kind} ${JSON.stringify(label)} ${dtype}[${shape.join(", ")}]${note}`;

/** A number of things: `1 site`, `2 sites`. */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;
