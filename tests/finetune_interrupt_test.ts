/** Trainings of `finetune` that are stopped and killed: the same command goes on to the same bytes. */
import { inFolder, listing } from "./analyze_run.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { common, finetune, residueLabels, table } from "./finetune_run.ts";
import { stoppedRun } from "./stopped_run.ts";

const script = new URL("../tasks/finetune.ts", import.meta.url).href;

/** Some steps are done. */
const hasBegun = (said: string) => /\d+ steps: (frozen|lora|full): loss/.test(said);

/** Of each mode what must be the same. */
const CASES = [
  {
    mode: "frozen",
    file: "head.safetensors",
    // A model that rounds otherwise in batches of another size: states must not tell when they were read.
    more: ["--epochs", "300", "--patience", "900", "--model", "esm2_t6_1M_PF20"],
  },
  {
    mode: "lora",
    file: "adapter_model.safetensors",
    more: ["--epochs", "60", "--patience", "90", "--lora-dropout", "0.2"],
  },
  {
    mode: "full",
    file: "model.safetensors",
    more: ["--epochs", "60", "--patience", "90", "--average", "0.8"],
  },
];

for (const { mode, file, more } of CASES) {
  Deno.test({
    name:
      `finetune ${mode} goes on after Ctrl-C and SIGKILL to the same bytes, and leaves no state`,
    // Windows has no signals to send to another process.
    ignore: Deno.build.os === "windows",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      inFolder(async (dir) => {
        await Deno.writeTextFile(`${dir}/t.csv`, table(residueLabels));
        const args = [
          ...[...common, "--table", `${dir}/t.csv`, "--task", "residue", "--mode", mode],
          ...["--batch", "4", "--bootstrap", "0", "--perplexity", "none", ...more, "--out"],
        ];
        await finetune(...args, `${dir}/a`);
        const { text, code } = await stoppedRun(script, [...args, `${dir}/b`], "SIGINT", hasBegun);
        match(text, /The state is saved; the same command continues\.\ninterrupted\n$/);
        equal(code, 130);
        ok(listing(dir).some((name) => /^\.b\.[0-9a-f]{16}\.state$/.test(name)));
        // A kill leaves the last state that was saved.
        await stoppedRun(script, [...args, `${dir}/b`], "SIGKILL", hasBegun);
        match((await finetune(...args, `${dir}/b`)).err, /Continuing after [\d,]+ steps/);
        for (const name of [file, "predictions.csv", "epochs.csv"]) {
          const [one, other] = await Promise.all(
            ["a", "b"].map((folder) => Deno.readFile(`${dir}/${folder}/${name}`)),
          );
          deepEqual(one, other, name);
        }
        deepEqual(listing(dir), ["a", "b", "t.csv"]);
      }),
  });
}
