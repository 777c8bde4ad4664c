import { inFolder, listing } from "./analyze_run.ts";
import { deepEqual, equal, match } from "./assert.ts";
import { stoppedRun } from "./stopped_run.ts";
import { corpus, saeTrain, SMALL } from "./sae_train_run.ts";

const script = new URL("../tasks/sae.ts", import.meta.url).href;

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
      const { text, code } = await stoppedRun(
        script,
        ["train", ...args, `${dir}/b.safetensors`],
        "SIGINT",
        (said) => /tokens: loss/.test(said),
      );
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
