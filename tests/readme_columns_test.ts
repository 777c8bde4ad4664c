/** The README explains every column of the tables that commands write. */
import { equal, ok } from "./assert.ts";
import { runSae } from "./sae_run.ts";

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
const section = readme.slice(readme.indexOf("## Sparse features"), readme.indexOf("## The engine"));
const explained = new Set([...section.matchAll(/`([a-z0-9_]+)`/g)].map(([, name]) => name));

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
          const columns = Deno.readTextFileSync(`${dir}/out/${table}`).split("\n")[0].split(",");
          const missing = columns.filter((column) => !explained.has(column));
          equal(missing.join(), "", `columns of ${table} without a word in the README`);
        }
      }, { "assay.csv": assay }),
  });
}
