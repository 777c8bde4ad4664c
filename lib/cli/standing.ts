/** Where the user stands: `deno task` runs in the project's folder, wherever it is called. */
import { isAbsolute, join, resolve } from "node:path";
import { exists } from "../io/paths.ts";

const VARIABLE = "INIT_CWD";
const project = import.meta.url.startsWith("file:")
  ? resolve(new URL("../..", import.meta.url).pathname)
  : undefined;

/** The folder that relative paths start at; undefined where that is the current one. */
export function standing(
  variable: (name: string) => string | undefined = readVariable,
  current: string | undefined = currentFolder(),
): string | undefined {
  // Elsewhere the variable is that of another tool that was called before.
  if (project === undefined || current !== project) return undefined;
  const called = variable(VARIABLE);
  return called && isAbsolute(called) && resolve(called) !== project ? called : undefined;
}

/** A path as the user means it: relative ones start where `deno task` was called. */
export function asMeant(path: string, from: string | undefined = standing()): string {
  return from === undefined || path === "-" || isAbsolute(path) ? path : join(from, path);
}

/** The same for what may also be a name: only a file or folder that is there is meant as one. */
export function nameOrPath(text: string, from: string | undefined = standing()): string {
  const path = asMeant(text, from);
  return path !== text && exists(path) ? path : text;
}

/** The folder a command writes to unless told otherwise: one of its own, below `out`. */
export function defaultFolder(command: string): string {
  return `out/${command.replaceAll(" ", "-")}`;
}

function readVariable(variable: string): string | undefined {
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return undefined;
  return Deno.env.get(variable);
}

function currentFolder(): string | undefined {
  try {
    return Deno.cwd();
  } catch {
    // Not permitted, or gone.
    return undefined;
  }
}
