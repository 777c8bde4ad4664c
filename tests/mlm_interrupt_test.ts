/** Trainings of `mlm` that are stopped and killed: the same command goes on to the same bytes. */
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/mlm.ts";
import { inFolder, listing } from "./analyze_run.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { stoppedRun } from "./stopped_run.ts";

const script = new URL("../tasks/mlm.ts", import.meta.url).href;
const parent = "MKVLDEIFHGRAWTNQPSYCLKDE", letters = "LAGVSERTIDPKQNFYMHWC";
const fasta = Array.from({ length: 30 }, (_, i) => {
  const copy = [...parent];
  copy[i % 24] = letters[i % 20];
  return `>s${i}\n${copy.join("")}\n`;
}).join("");

/** Some steps are done. */
const hasBegun = (said: string) => (said.match(/tokens: loss/g) ?? []).length >= 2;

Deno.test({
  name: "mlm goes on after Ctrl-C and SIGKILL to the same bytes, and leaves no state",
  // Windows has no signals to send to another process.
  ignore: Deno.build.os === "windows",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    inFolder(async (dir) => {
      await Deno.writeTextFile(`${dir}/in.fasta`, fasta);
      const args = [
        ...["--fasta", `${dir}/in.fasta`, "--new", "2,32,4", "--tokens", "60000", "--batch", "512"],
        ...["--backend", "cpu", "--validation", "0.1", "--out"],
      ];
      const run = async (out: string) => {
        const err: string[] = [];
        const code = await execute(command, [...args, out], {
          output: { out: () => {}, err: (line) => err.push(line) },
        });
        equal(code, 0, err.join("\n"));
        return err.join("\n");
      };
      await run(`${dir}/a`);
      const { text, code } = await stoppedRun(script, [...args, `${dir}/b`], "SIGINT", hasBegun);
      match(text, /The state is saved; the same command continues\.\ninterrupted\n$/);
      equal(code, 130);
      ok(listing(dir).some((name) => /^\.b\.[0-9a-f]{16}\.state$/.test(name)));
      // A kill leaves the state of the stop before it.
      await stoppedRun(script, [...args, `${dir}/b`], "SIGKILL", hasBegun);
      match(await run(`${dir}/b`), /Continuing after [\d,]+ tokens/);
      for (const name of ["model.safetensors", "MODEL_CARD.md"]) {
        const [one, other] = await Promise.all(
          ["a", "b"].map((folder) => Deno.readFile(`${dir}/${folder}/${name}`)),
        );
        if (name.endsWith(".safetensors")) deepEqual(one, other);
        else {
          equal(
            new TextDecoder().decode(other).replace("# b", "# a"),
            new TextDecoder().decode(one),
          );
        }
      }
      deepEqual(listing(dir), ["a", "b", "in.fasta"]);
    }),
});
