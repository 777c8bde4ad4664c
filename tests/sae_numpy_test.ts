/** Files of the sae commands against an implementation in numpy (tests/fixtures/README.md). */
import { ephb2 } from "../data/ephb2.ts";
import { parseTable } from "../lib/io/csv.ts";
import golden from "./fixtures/sae_commands_numpy.json" with { type: "json" };
import { equal, ok } from "./assert.ts";
import { tinyModel, tinySae } from "./fixtures.ts";
import { runSae } from "./sae_run.ts";

type Row = Record<string, string | number | undefined>;

/** The model and its autoencoder of the layer named, by file. */
function onTiny(args: readonly string[]): string[] {
  const at = args.findIndex((one) => /^--layers?$/.test(one));
  const sae = ["--sae", tinySae(Number(args[at + 1]))];
  return [
    ...args.slice(0, at),
    ...args.slice(at + 2),
    ...[...tinyModel, ...sae],
    ...["--sequence", ephb2.residues, "--id", ephb2.id],
  ];
}

for (
  const { args, file, rows } of golden.cases as { args: string[]; file: string; rows: Row[] }[]
) {
  Deno.test({
    name: `sae ${args.join(" ")}: ${file} as numpy computes it`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      runSae([...onTiny(args), "--backend", "cpu", "--no-fidelity"], async ({ dir, code, err }) => {
        equal(code, 0, err);
        const table = parseTable(await Deno.readTextFile(`${dir}/out/${file}`), file).rows;
        for (const row of rows) {
          const texts = Object.entries(row).filter(([, value]) => typeof value === "string");
          const found = table.find(({ fields }) => texts.every(([key, v]) => fields[key] === v));
          if (!found) throw new Error(`no row with ${texts.join(" ")}`);
          for (const [key, expected] of Object.entries(row)) {
            if (typeof expected !== "number") continue;
            const actual: number = Number(found.fields[key]);
            // float32 through four blocks: 5e-6 was the largest difference of a score.
            const close: boolean =
              Math.abs(actual - expected) < 2e-5 * Math.max(1, Math.abs(expected));
            ok(close, `${key} of ${texts.join(" ")}: ${actual}, not ${expected}`);
          }
        }
      }),
  });
}
