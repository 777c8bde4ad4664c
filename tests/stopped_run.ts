/** Commands of a process of their own that are stopped by a signal in the middle of their work. */

/**
 * Runs a script and sends the signal once it has said enough on stderr; gives what it said, and its exit
 * code.
 *
 * @param hasBegun whether what it has said so far is enough
 */
export async function stoppedRun(
  script: string,
  args: readonly string[],
  signal: Deno.Signal,
  hasBegun: (said: string) => boolean,
): Promise<{ text: string; code: number }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "-A", script, ...args],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let text = "", sent = false;
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (sent || !hasBegun(text)) continue;
    child.kill(signal);
    sent = true;
  }
  return { text, code: (await child.status).code };
}
