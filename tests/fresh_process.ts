/** Programs whose own peak memory is asked for. */
import { equal } from "./assert.ts";

/**
 * Runs Deno and gives what it printed. By way of a shell, which starts it as a child: a process begins with the
 * peak of the one that it was made from, and the tests before this one have needed more.
 */
export async function runFresh(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", '"$0" "$@"; exit $?', Deno.execPath(), "run", "--quiet", "--no-prompt", ...args],
  }).output();
  const text = new TextDecoder();
  equal(text.decode(stderr), "");
  equal(code, 0);
  return text.decode(stdout);
}
