/** Runs a sae command in a folder of its own. */
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/sae.ts";

export interface SaeOutcome {
  /** Folder the command ran in. */
  dir: string;
  code: number;
  out: string;
  err: string;
  /** Names in its folder `out`, ascending; none where there is no such folder. */
  files: string[];
}

/**
 * Runs into the folder `out` unless the arguments name another.
 *
 * @param files written to the folder before
 * @param interruptAt the command is interrupted when it writes such a line to stderr
 */
export async function runSae(
  args: readonly string[],
  look: (outcome: SaeOutcome) => void | Promise<void>,
  files: Record<string, string | Uint8Array> = {},
  interruptAt?: RegExp,
): Promise<void> {
  const dir = await Deno.makeTempDir(), before = Deno.cwd();
  try {
    for (const [name, contents] of Object.entries(files)) {
      const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
      await Deno.mkdir(`${dir}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    Deno.chdir(dir);
    const out: string[] = [], err: string[] = [];
    const interrupt = new AbortController();
    const isTold = [undefined, "train"].includes(args[0]) || args.includes("--out");
    const code = await execute(command, isTold ? args : [...args, "--out", "out"], {
      signal: interrupt.signal,
      output: {
        out: (line) => out.push(line),
        err(line) {
          err.push(line);
          if (interruptAt?.test(line)) {
            interrupt.abort(new DOMException("Interrupted", "AbortError"));
          }
        },
      },
    });
    let found: string[] = [];
    try {
      found = [...Deno.readDirSync(`${dir}/out`)].map(({ name }) => name).sort();
    } catch (error) {
      const isAbsent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!isAbsent) throw error;
    }
    await look({ dir, code, out: out.join("\n"), err: err.join("\n"), files: found });
  } finally {
    Deno.chdir(before);
    await Deno.remove(dir, { recursive: true });
  }
}
