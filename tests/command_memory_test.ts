/** Peak memory of commands, in processes of their own: more proteins or variants need hardly more. */
import { ok } from "./assert.ts";
import { runFresh } from "./fresh_process.ts";

const MB = 1e6;
const LETTERS = "ACDEFGHIKLMNPQRSTVWY";
const residues = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => LETTERS[(seed + 7 * i + i * i) % 20]).join("");

/** Runs a command of `amount` and gives its peak in bytes. */
async function peakOf(
  command: string,
  amount: number,
  write: (dir: string, amount: number) => Promise<string[]>,
): Promise<number> {
  const dir = await Deno.makeTempDir({ prefix: "esmscope-memory-" });
  try {
    const args = await write(dir, amount);
    await runFresh([
      ...[`-P=${command}`, `tasks/${command}.ts`, "--backend", "cpu", "--quiet", "--no-report"],
      ...["--out", `${dir}/out`, ...args],
    ]);
    return JSON.parse(await Deno.readTextFile(`${dir}/out/run.json`)).peakMemoryBytes;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const ignore = Deno.build.os === "windows";

/** A FASTA file of `amount` proteins of 300 residues. */
async function writeProteins(dir: string, amount: number): Promise<string[]> {
  const records = Array.from({ length: amount }, (_, i) => `>p${i}\n${residues(300, i)}\n`);
  await Deno.writeTextFile(`${dir}/all.fasta`, records.join(""));
  return ["--fasta", `${dir}/all.fasta`];
}

for (
  const [command, few, many, options] of [
    ["embed", 300, 900, []],
    ["score", 10, 120, ["--mode", "wt-marginal"]],
  ] as const
) {
  Deno.test({
    name: `${command} needs hardly more memory for more proteins`,
    ignore,
    async fn(t) {
      const write = async (
        ...given: Parameters<typeof writeProteins>
      ) => [...await writeProteins(...given), ...options];
      const less = await peakOf(command, few, write), more = await peakOf(command, many, write);
      const name = `${(less / MB).toFixed(0)} MB for ${few}, ${(more / MB).toFixed(0)} for ${many}`;
      await t.step(name, () => ok(more - less < 55 * MB));
    },
  });
}

Deno.test({
  name: "contacts needs no more memory for more proteins",
  ignore,
  async fn(t) {
    const few = await peakOf("contacts", 30, writeProteins);
    const many = await peakOf("contacts", 250, writeProteins);
    // The further maps are 79 MB; the process's own heap grows by some 25 until it is tidied.
    const name = `${(few / MB).toFixed(0)} MB for 30, ${(many / MB).toFixed(0)} MB for 250`;
    await t.step(name, () => ok(many - few < 55 * MB));
  },
});

Deno.test({
  name: "score needs hardly more memory for a hundred times the variants",
  ignore,
  async fn(t) {
    const wild = residues(120, 1);
    const write = async (dir: string, amount: number) => {
      const variants = Array.from({ length: amount }, (_, k) => {
        const i = k % 60, j = 60 + Math.floor(k / 60) % 60, turn = 1 + Math.floor(k / 3600) % 19;
        const of = (at: number, by: number) =>
          `${wild[at]}${at + 1}${LETTERS[(LETTERS.indexOf(wild[at]) + by) % 20]}`;
        return `${of(i, turn)}:${of(j, 1 + k % 19)},${Math.sin(k)}\n`;
      });
      await Deno.writeTextFile(`${dir}/wild.fasta`, `>wild\n${wild}\n`);
      await Deno.writeTextFile(`${dir}/assay.csv`, `mutant,DMS_score\n${variants.join("")}`);
      const input = ["--fasta", `${dir}/wild.fasta`, "--assay", `${dir}/assay.csv`];
      return [...input, "--mode", "wt-marginal", "--bootstrap", "0"];
    };
    const few = await peakOf("score", 600, write), many = await peakOf("score", 60_000, write);
    // Numbers that statistics need of all variants take some 100 bytes each; rows would take 1000.
    const name = `${(few / MB).toFixed(0)} MB for 600, ${(many / MB).toFixed(0)} MB for 60,000`;
    await t.step(name, () => ok(many - few < 50 * MB));
  },
});
