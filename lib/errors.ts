/**
 * An error that the person at the keyboard can mend: a wrong flag, file or sequence.
 *
 * Commands print its message as one line and exit with code 2. Every other error exits with 1.
 * The message says the action, the requirement and the current value:
 * `Cannot tokenize "P53" as residue 41 must be an ESM-2 letter: current value is "J"`.
 */
export class UserError extends Error {
  /** "UserError" */
  override name = "UserError";
}

/**
 * Quotes a value for an error message; long text is cut so that the message stays one line. Of a
 * container only the kind is told: one from a file may be too deep or too wide to be written out.
 */
export function quote(value: unknown, limit = 60): string {
  if (isContainer(value)) return kindOf(value);
  // What is cut off need not be escaped first: it may be megabytes.
  const text = printable(JSON.stringify(String(value).slice(0, limit + 1)));
  return text.length <= limit + 2 ? text : `${text.slice(0, limit)}…"`;
}

/** What a value from a file is, for a message: numbers and words as they are, containers by kind. */
export function shown(value: unknown): string {
  if (value === undefined) return "absent";
  if (typeof value === "string" || isContainer(value)) return quote(value);
  return String(value);
}

/**
 * A text for one line of a terminal: control characters, which could colour it, move its cursor or
 * turn its letters round, are written as JSON escapes them.
 */
export function printable(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (letter) =>
      JSON.stringify(letter).length > 3
        ? JSON.stringify(letter).slice(1, -1)
        : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** {@linkcode printable} of every line of a text. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null || typeof value === "function";
}

function kindOf(value: object): string {
  if (!Array.isArray(value)) return value instanceof Map ? "a dict" : "an object";
  const isShort = value.length <= 8 && value.every((item) => typeof item === "number");
  return isShort ? `[${value.join()}]` : `a list of ${value.length}`;
}

/** The word that a text most likely means, at most so many letters away; undefined where none is near. */
export function nearest(
  text: string,
  words: readonly string[],
  most: number,
): string | undefined {
  const ranked = words
    .map((word) => ({ word, distance: editDistance(text.toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.distance <= most ? ranked[0].word : undefined;
}

/** Levenshtein distance: insertions, deletions and substitutions count one each. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
