/** The README explains every column of the tables that commands write. */
import type { Command } from "../lib/cli/command.ts";
import { execute } from "../lib/cli/main.ts";
import { command as analyze } from "../tasks/analyze.ts";
import { command as contactsGroup } from "../tasks/contacts.ts";
import { command as score } from "../tasks/score.ts";
import { loadAll } from "../tasks/commands.ts";
import { equal, ok } from "./assert.ts";
import { README, withColumns } from "./readme_columns.ts";
import { runSae } from "./sae_run.ts";

const contacts = contactsGroup.alone!;

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
const between = (from: string, to: string) =>
  readme.slice(readme.indexOf(from), readme.indexOf(to));
const namesIn = (text: string) => new Set([...text.matchAll(/`([a-z0-9_]+)`/gi)].map(([, n]) => n));
const section = between("## Sparse features", "## The engine");
const explained = namesIn(section);

/** Columns of a table that a section says nothing of. */
function unexplained(path: string, known: ReadonlySet<string>): string {
  const columns = Deno.readTextFileSync(path).split("\n")[0].split(",");
  return columns.filter((column) => !known.has(column)).join();
}

const assay = "mutant,mutated_sequence,DMS_score\nM1A,AKWF,-1\nK2R,MRWF,-2\n";
const causal = ["--assay", "assay.csv", "--no-fidelity", "--backend", "cpu", "--quiet"];
const runs: Record<string, { args: string[]; tables: string[] }> = {
  patch: { args: causal, tables: ["patches.csv", "summary.csv"] },
  ig: { args: causal, tables: ["attributions.csv", "mutations.csv"] },
  circuit: { args: causal, tables: ["circuit_nodes.csv", "circuits.csv", "shared_latents.csv"] },
  encode: { args: causal.slice(2), tables: ["latents.csv", "top_latents.csv"] },
  latents: { args: causal.slice(2), tables: ["latents.csv", "letters.csv"] },
  steer: { args: ["--set", "184=2", ...causal.slice(2)], tables: ["steering.csv"] },
};

for (const [name, { args, tables }] of Object.entries(runs)) {
  Deno.test({
    name: `README explains every column that sae ${name} writes`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      runSae([name, ...args], ({ dir, code, err, files }) => {
        equal(code, 0, err);
        equal(files.filter((file) => file.endsWith(".csv")).join(), tables.join());
        for (const table of tables) {
          ok(section.includes(table), `${table} is not in the README`);
          const missing = unexplained(`${dir}/out/${table}`, explained);
          equal(missing, "", `columns of ${table} without a word in the README`);
        }
      }, { "assay.csv": assay }),
  });
}

const CHIGNOLIN = "GYDPETGTWG", TRP_CAGE = "NLYIQWLKDGGPSSGRPPPS";
const inputs = {
  "small.cif": await Deno.readTextFile(new URL("fixtures/small.cif", import.meta.url)),
  "sites.csv": `id,sequence,sites\na,${TRP_CAGE},"6,7"\nb,${CHIGNOLIN},"2,9"\n`,
  "assay.csv": `mutant,mutated_sequence,DMS_score\n` +
    ["G1A", "Y2A", "D3A", "P4A", "E5A"].map((name, i) =>
      `${name},${CHIGNOLIN.slice(0, i)}A${CHIGNOLIN.slice(i + 1)},${i}\n`
    ).join(""),
  "truth.csv": "i,j\n1,10\n2,9\n",
  "proteins.csv": `id,sequence,truth\na,${CHIGNOLIN},truth.csv\nb,${TRP_CAGE},truth.csv\n`,
};
const motif = ["--secondary", "EEEEE-----EEEEE-----", "--motif-separation", "5"];
const others: [command: Command, args: string[], tables: string[]][] = [
  [analyze as Command, ["--table", "sites.csv"], ["heads.csv", "summary.csv"]],
  [analyze as Command, ["--legacy", "allostery_heads"], ["heads.csv", "legacy.csv"]],
  [score as Command, ["--assay", "assay.csv"], ["matrix.csv", "performance.csv"]],
  [
    contacts as Command,
    ["--table", "proteins.csv", "--rank-heads"],
    ["contacts.csv", "evaluation.csv", "heads.csv", "summary.csv"],
  ],
  [contacts as Command, ["--sequence", TRP_CAGE, "--motif", ...motif], ["motif.csv"]],
  [contacts as Command, ["--structure", "small.cif"], ["contacts.csv"]],
];

for (const [command, args, tables] of others) {
  Deno.test({
    name: `README explains every column that ${command.name} ${args[0]} writes`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const told = between("## What `analyze` computes", "## Sparse features")
        // Names of columns that are written together: A … Y, …_low.
        .replace("`A … Y`", [..."ACDEFGHIKLMNPQRSTVWY"].map((letter) => `\`${letter}\``).join());
      const known = namesIn(told);
      for (const one of [...known]) for (const end of ["low", "high"]) known.add(`${one}_${end}`);
      known.add("protein");
      const dir = await Deno.makeTempDir(), before = Deno.cwd(), err: string[] = [];
      try {
        Deno.chdir(dir);
        for (const [name, text] of Object.entries(inputs)) await Deno.writeTextFile(name, text);
        const code = await execute(command, [...args, "--backend", "cpu", "--quiet"], {
          output: { out: () => {}, err: (line) => err.push(line) },
        });
        equal(code, 0, err.join("\n"));
        for (const table of tables) {
          ok(told.includes(table), `${table} is not in the README`);
          const missing = unexplained(`out/${command.name}/${table}`, known);
          equal(missing, "", `columns of ${table} without a word in the README`);
        }
      } finally {
        Deno.chdir(before);
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

Deno.test("the README's tables of columns are those that the commands declare", async () => {
  const text = await Deno.readTextFile(README);
  const named = [...text.matchAll(/<!-- columns: ([a-z ]+) -->/g)].map(([, path]) => path);
  const declared = (await loadAll()).filter(({ command }) => command.tables).map(({ path }) =>
    path
  );
  equal(named.sort().join(), declared.sort().join());
  equal(text, await withColumns(text), "README: run tests/readme_columns.ts");
});
