import { inFolder, listing } from "./analyze_run.ts";
import { deepEqual, equal, match } from "./assert.ts";
import { corpus, saeTrain, SMALL } from "./sae_train_run.ts";

const script = new URL("../tasks/sae.ts", import.meta.url).href;

/** Stops a training of its own process by `signal` once it has said how it goes; gives its stderr. */
async function stopped(args: readonly string[], signal: Deno.Signal) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "-A", script, "train", ...args],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let text = "", sent = false;
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (sent || !/tokens: loss/.test(text)) continue;
    child.kill(signal);
    sent = true;
  }
  return { text, code: (await child.status).code };
}

Deno.test({
  name: "sae train continues after Ctrl-C to the same bytes, and leaves no state",
  // Windows has no signals to send to another process.
  ignore: Deno.build.os === "windows",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    inFolder(async (dir) => {
      await Deno.writeTextFile(`${dir}/in.fasta`, corpus());
      const args = ["--fasta", `${dir}/in.fasta`, ...SMALL, "--tokens", "80000", "--out"];
      const whole = await saeTrain([...args, `${dir}/a.safetensors`]);
      equal(whole.code, 0, whole.err);
      const { text, code } = await stopped([...args, `${dir}/b.safetensors`], "SIGINT");
      match(text, /The state is saved; the same command continues\.\ninterrupted\n$/);
      equal(code, 130);
      const [state, ...rest] = listing(dir);
      match(state, /^\.b\.safetensors\.[0-9a-f]{16}\.state$/);
      deepEqual(rest, ["a.md", "a.safetensors", "in.fasta"]);
      const again = await saeTrain([...args, `${dir}/b.safetensors`]);
      equal(again.code, 0, again.err);
      match(again.err, /Continuing after/);
      deepEqual(
        await Deno.readFile(`${dir}/b.safetensors`),
        await Deno.readFile(`${dir}/a.safetensors`),
      );
      deepEqual(listing(dir), ["a.md", "a.safetensors", "b.md", "b.safetensors", "in.fasta"]);
    }),
});
