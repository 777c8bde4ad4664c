/** Where commands write: none replaces what another has written. */
import type { Command } from "../lib/cli/command.ts";
import type { CommandGroup } from "../lib/cli/group.ts";
import { execute } from "../lib/cli/main.ts";
import { command as analyze } from "../tasks/analyze.ts";
import { command as contactsGroup } from "../tasks/contacts.ts";
import { command as lens } from "../tasks/lens.ts";
import { command as sae } from "../tasks/sae.ts";
import { command as score } from "../tasks/score.ts";
import { deepEqual, equal, match } from "./assert.ts";

const contacts = contactsGroup.alone!;

const protein = ["--sequence", "NLYIQWLKDGGPSSGRPPPS", "--backend", "cpu", "--quiet"];
const features = [...protein, "--no-fidelity"];
const mutation = [...features, "--mutations", "W6A,L7A"];

type Line = [command: Command | CommandGroup, ...args: string[]];

const lines: Record<string, Line> = {
  "analyze": [analyze as Command, ...protein, "--sites", "6,7"],
  "score": [score as Command, ...protein, "--bootstrap", "0"],
  "contacts": [contacts as Command, ...protein],
  "lens": [lens, ...protein],
  "sae encode": [sae, "encode", ...features],
  "sae latents": [sae, "latents", ...features],
  "sae patch": [sae, "patch", ...mutation],
  "sae ig": [sae, "ig", ...mutation],
  "sae circuit": [sae, "circuit", ...mutation],
  "sae steer": [sae, "steer", ...features, "--set", "7=3"],
};

async function run([command, ...args]: Line, ...more: string[]) {
  const err: string[] = [];
  const output = { out: () => {}, err: (line: string) => err.push(line) };
  return { code: await execute(command, [...args, ...more], { output }), err: err.join("\n") };
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const dir = await Deno.makeTempDir(), before = Deno.cwd();
      try {
        Deno.chdir(dir);
        await fn();
      } finally {
        Deno.chdir(before);
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const writer = (folder: string) => JSON.parse(Deno.readTextFileSync(`${folder}/run.json`)).command;

test("commands one after another without --out write to folders of their own, again and again", async () => {
  for (const line of [...Object.values(lines), lines.analyze]) {
    const { code, err } = await run(line);
    equal(code, 0, err);
  }
  const folders = Object.keys(lines).map((name) => name.replace(" ", "-"));
  deepEqual(names("out"), folders.sort());
  for (const name of Object.keys(lines)) equal(writer(`out/${name.replace(" ", "-")}`), name);
});

test("a command refuses a folder with another command's results and leaves it as it was", async () => {
  equal((await run(lines["sae patch"], "--out", "results")).code, 0);
  const left = names("results").map((name) => Deno.readTextFileSync(`results/${name}`));
  for (const [name, line] of Object.entries(lines)) {
    const { code, err } = await run(line, "--out", "results");
    if (name === "sae patch") equal(code, 0, err);
    else {
      equal(code, 2, name);
      equal(
        err,
        'error: Cannot write to "results" as --out must be a folder without results of another ' +
          'command: current value has those of "sae patch"',
      );
    }
    if (name === "sae latents") {
      deepEqual(names("results").map((name) => Deno.readTextFileSync(`results/${name}`)), left);
    }
  }
});

test("shards replace none of another command's, and are merged where their run would have written", async () => {
  for (const shard of ["1/2", "2/2"]) {
    equal((await run(lines["sae patch"], "--shard", shard, "--out", "parts")).code, 0);
  }
  const { code, err } = await run(lines["sae ig"], "--shard", "2/2", "--out", "parts");
  equal(code, 2, err);
  match(err, /^error: Cannot write shard 2 of 2 .* current value has that of "sae patch"$/);
  equal((await run([sae, "merge", "parts"])).code, 0);
  deepEqual(names("out"), ["sae-patch"]);
  equal(writer("out/sae-patch"), "sae patch");
  match((await run([sae, "merge", "parts"], "--out", "out/sae-patch")).err, /^\nWrote/);
});

test("a command leaves no file of its own earlier run beside the new results", async () => {
  const assay = "mutant,mutated_sequence,DMS_score\nW6A,NLYIQALKDGGPSSGRPPPS,-4\n" +
    "L7A,NLYIQWAKDGGPSSGRPPPS,-5\n";
  await Deno.writeTextFile("a.csv", assay);
  const legacy = ["--legacy", "sae_mutation_effect", "--assay", "a.csv", "--backend", "cpu"];
  const patch: Line = [sae, "patch", ...legacy, "--no-fidelity", "--quiet"];
  for (const line of [lines["sae patch"], patch, lines["sae patch"]]) {
    equal((await run(line)).code, 0);
    const { files } = JSON.parse(Deno.readTextFileSync("out/sae-patch/run.json"));
    deepEqual(names("out/sae-patch"), files.sort());
    equal(files.includes("patches.csv"), line !== patch);
  }
  const encode = lines["sae encode"];
  for (const format of ["npz", "csv"]) equal((await run(encode, "--format", format)).code, 0);
  deepEqual(names("out/sae-encode"), ["latents.csv", "report.html", "run.json", "top_latents.csv"]);
});

test("a run.json of someone else's does not stop a command", async () => {
  await Deno.mkdir("results");
  for (const text of ["{", "[]", "null", '{"command":"other"}', '{"esmscope":1,"command":"x"}']) {
    await Deno.writeTextFile("results/run.json", text);
    equal((await run(lines.analyze, "--out", "results")).code, 0, text);
  }
});
