/** Trainings and folds that are killed twenty times, where MANY_KILLS is set: minutes, so not with every test. */
import { fileURLToPath } from "node:url";
import { inFolder, listing } from "./analyze_run.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { common, residueLabels, table } from "./finetune_run.ts";
import { random } from "./report_sample.ts";
import { stoppedRun } from "./stopped_run.ts";

const KILLS = 20;
const isOn = Deno.env.get("MANY_KILLS") !== undefined;

const letters = "LAGVSERTIDPKQNFYMHWC";
const fasta = Array.from({ length: 60 }, (_, i) => {
  const residues = Array.from({ length: 60 }, (_, j) => letters[(i * 7 + j * (1 + i % 5)) % 20]);
  return `>s${i}\n${residues.join("")}\n`;
}).join("");

const finetune = (mode: string, ...more: string[]) => (dir: string) => [
  ...[...common, "--table", `${dir}/t.csv`, "--task", "residue", "--mode", mode],
  ...["--batch", "4", "--bootstrap", "0", "--perplexity", "none", "--patience", "9000", ...more],
];

const CASES = [
  {
    script: "mlm",
    what: "mlm",
    file: "model.safetensors",
    args: (dir: string) => [
      ...["--fasta", `${dir}/in.fasta`, "--new", "3,64,4", "--batch", "2048", "--backend", "cpu"],
      ...["--tokens", "1000000", "--average", "0.9", "--no-report"],
    ],
  },
  ...[
    { mode: "frozen", file: "head.safetensors", more: ["--epochs", "3000"] },
    { mode: "lora", file: "adapter_model.safetensors", more: ["--epochs", "120"] },
    { mode: "full", file: "model.safetensors", more: ["--epochs", "120"] },
  ].map(({ mode, file, more }) => {
    return { script: "finetune", what: `finetune ${mode}`, file, args: finetune(mode, ...more) };
  }),
];

for (const { script, what, file, args } of CASES) {
  Deno.test({
    name: `${what}, killed ${KILLS} times, ends with the same bytes${
      isOn ? "" : " (skipped: MANY_KILLS is not set)"
    }`,
    ignore: !isOn || Deno.build.os === "windows",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      inFolder(async (dir) => {
        await Deno.writeTextFile(`${dir}/in.fasta`, fasta);
        await Deno.writeTextFile(`${dir}/t.csv`, table(residueLabels));
        const path = new URL(`../tasks/${script}.ts`, import.meta.url).href, next = random(7);
        const run = (out: string, afterMs = Infinity) => {
          let begun: number | undefined;
          return stoppedRun(path, [...args(dir), "--out", `${dir}/${out}`], "SIGKILL", (said) => {
            if (/loss/.test(said)) begun ??= performance.now();
            return begun !== undefined && performance.now() - begun > afterMs;
          });
        };
        const whole = await run("a");
        equal(whole.code, 0, whole.text);
        let kills = 0, resumed = 0;
        while (kills < KILLS) {
          const { code, text } = await run("b", 4000 * next());
          resumed += Number(/Continuing after/.test(text));
          if (code === 0) {
            // It came to its end between kills: once more from the start.
            deepEqual(
              await Deno.readFile(`${dir}/b/${file}`),
              await Deno.readFile(`${dir}/a/${file}`),
            );
            await Deno.remove(`${dir}/b`, { recursive: true });
          } else kills++;
        }
        const last = await run("b");
        equal(last.code, 0, last.text);
        ok(resumed > 0, "a killed run was gone on with");
        deepEqual(await Deno.readFile(`${dir}/b/${file}`), await Deno.readFile(`${dir}/a/${file}`));
        deepEqual(listing(dir).filter((name) => name.startsWith(".")), []);
        console.log(`${what}: ${kills} kills, ${resumed} runs went on`);
      }),
  });
}

Deno.test({
  name: `fold, killed ${KILLS} times, ends with the same bytes${
    isOn ? "" : " (skipped: MANY_KILLS is not set)"
  }`,
  ignore: !isOn || Deno.build.os === "windows",
  fn: () =>
    inFolder(async (dir) => {
      const records = Array.from({ length: 12 }, (_, i) => {
        const residues = Array.from({ length: 40 }, (_, j) =>
          letters[(i * 7 + j * (1 + i % 5)) % 20]);
        return `>s${i}\n${residues.join("")}\n`;
      });
      await Deno.writeTextFile(`${dir}/in.fasta`, records.join(""));
      const script = new URL("../tasks/fold.ts", import.meta.url).href, next = random(7);
      const model = fileURLToPath(new URL("fixtures/esmfold/model", import.meta.url));
      /** Runs it, and kills it after so many milliseconds. */
      const run = async (out: string, afterMs?: number) => {
        const child = new Deno.Command(Deno.execPath(), {
          args: [
            ...["run", "--quiet", "--no-lock", "-A", script, "--model", model, "--backend", "cpu"],
            ...["--fasta", `${dir}/in.fasta`, "--mask", "2-5", "--out", `${dir}/${out}`],
          ],
          env: { NO_COLOR: "1" },
          stdout: "null",
          stderr: "piped",
        }).spawn();
        const timer = afterMs === undefined
          ? undefined
          : setTimeout(() =>
            child.kill("SIGKILL"), afterMs);
        const { code, stderr } = await child.output();
        clearTimeout(timer);
        return { code, text: new TextDecoder().decode(stderr) };
      };
      const begin = performance.now(), whole = await run("a"), took = performance.now() - begin;
      equal(whole.code, 0, whole.text);
      const files = ["plddt.csv", "pae.npz", "s0.pdb", "s11.cif", "s11_changed.pdb"];
      const same = () => {
        for (const file of files) {
          deepEqual(Deno.readFileSync(`${dir}/b/${file}`), Deno.readFileSync(`${dir}/a/${file}`));
        }
      };
      let kills = 0, resumed = 0;
      while (kills < KILLS) {
        const { code, text } = await run("b", took * (0.1 + next()));
        resumed += Number(/Continuing an interrupted run/.test(text));
        if (code === 0) {
          same();
          await Deno.remove(`${dir}/b`, { recursive: true });
        } else kills++;
      }
      const last = await run("b");
      equal(last.code, 0, last.text);
      same();
      ok(resumed > 0, "a killed run was gone on with");
      deepEqual(listing(`${dir}/b`).filter((name) => name.startsWith(".")), []);
      console.log(`fold: ${kills} kills, ${resumed} runs went on`);
    }),
});
