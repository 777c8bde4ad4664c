/** All commands under one name. */
import { completionScript } from "../lib/cli/completion.ts";
import { commands } from "../lib/cli/commands.ts";
import config from "../deno.json" with { type: "json" };
import { loadCommand } from "../tasks/commands.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";

const script = new URL("../tasks/esmscope.ts", import.meta.url).pathname;

async function run(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "-A", script, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("esmscope lists the commands, runs each by its name, and says its version", async () => {
  const { out } = await run();
  for (const { name } of commands) {
    match(out, new RegExp(`^${name} `, "m"));
    equal((await loadCommand(name)).name, name);
    ok(config.tasks[name as keyof typeof config.tasks], `deno task ${name}`);
  }
  equal((await run("--version")).out, `${config.version}\n`);
  match((await run("sae", "patch", "--help")).out, /^Usage: deno task sae patch/);
  const { code, err } = await run("analyse");
  deepEqual([code, err.split("\n").length], [2, 2]);
});

Deno.test("completionScript() gives bash the words that may follow", async () => {
  const source = await completionScript("bash", loadCommand);
  const complete = async (...words: string[]) => {
    const lines = `${source}\nCOMP_WORDS=(esmscope ${words.join(" ")} "")\n` +
      `COMP_CWORD=${words.length + 1}\n_esmscope\necho "\${COMPREPLY[@]}"`;
    const { code, stdout } = await new Deno.Command("bash", { args: ["-c", lines] }).output();
    equal(code, 0);
    return new TextDecoder().decode(stdout).trim().split(" ");
  };
  deepEqual((await complete()).sort(), commands.map(({ name }) => name).sort());
  ok((await complete("sae")).includes("circuit"));
  ok((await complete("sae", "patch")).includes("--controls"));
  const analyze = await complete("analyze", "--trials", "10");
  ok(analyze.includes("--shard") && analyze.includes("--no-report"), analyze.join());
  for (const shell of ["zsh", "fish"] as const) {
    match(await completionScript(shell, loadCommand), /contacts/);
  }
});
