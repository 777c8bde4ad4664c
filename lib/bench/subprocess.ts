/** Parts of the benchmark that need a process of their own, for its memory or its start. */

/** Runs a module of this project with an argument and reads the one JSON line it prints. */
export async function runModule<T>(
  module: URL,
  argument: unknown,
  signal?: AbortSignal,
  env?: Record<string, string>,
): Promise<T> {
  const { stdout } = await runTask(module, [JSON.stringify(argument)], signal, env);
  return JSON.parse(stdout) as T;
}

/** Runs a module of this project as a user would. */
export function runTask(
  task: URL,
  args: readonly string[],
  signal?: AbortSignal,
  env?: Record<string, string>,
) {
  return runDeno([...permissions(task), task.href, ...args], signal, env);
}

/** Of the program that is measured; not of the benchmark. */
function permissions({ protocol, host }: URL): string[] {
  const own = ["read", "write", "env", "ffi", "sys"].map((name) => `--allow-${name}`);
  const isLocal = protocol === "file:";
  return isLocal ? own : [...own, `--allow-import=${host}`, `--allow-net=${host}`];
}

/** Runs `deno run` and waits. @throws {Error} with the last lines of stderr if it fails */
export async function runDeno(
  args: readonly string[],
  signal?: AbortSignal,
  env?: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  });
  const { code, stdout, stderr } = await child.output();
  signal?.throwIfAborted();
  const errors = new TextDecoder().decode(stderr);
  if (code !== 0) {
    const last = errors.trim().split("\n").slice(-3).join(" ");
    throw new Error(`A process of the benchmark ended with code ${code}: ${last}`);
  }
  return { stdout: new TextDecoder().decode(stdout), stderr: errors };
}
