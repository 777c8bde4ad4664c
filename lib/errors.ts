/**
 * An error that the person at the keyboard can mend: a wrong flag, file or sequence.
 *
 * Commands print its message as one line and exit with code 2. Every other error exits with 1.
 * The message says the action, the requirement and the current value:
 * `Cannot tokenize "P53" as residue 41 must be an ESM-2 letter: current value is "J"`.
 */
export class UserError extends Error {
  override name = "UserError";
}

/** Quotes a value for an error message; long text is cut so that the message stays one line. */
export function quote(value: unknown, limit = 60): string {
  const text = JSON.stringify(String(value));
  return text.length <= limit + 2 ? text : `${text.slice(0, limit)}…"`;
}
