/** Which mutations `--legacy sae_mutation_effect` takes, and what it refuses. */
import { ephb2 } from "../data/ephb2.ts";
import { execute } from "../lib/cli/main.ts";
import { AMINO_ACIDS } from "../lib/variants/letters.ts";
import { parseTable } from "../lib/io/csv.ts";
import { command } from "../tasks/sae.ts";
import { deepEqual, equal, match } from "./assert.ts";
import { testBadInputs } from "./bad_input.ts";
import { runSae } from "./sae_run.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
const { residues } = ephb2;
const mutated = (position: number, to: string) =>
  residues.slice(0, position - 1) + to + residues.slice(position);

/** 160 rows that the published filter takes, in file order, between others that it does not. */
function assay(): { text: string; harmful: string[] } {
  const harmful: string[] = [], rows = ["mutant,mutated_sequence,DMS_score"];
  for (let position = 1; harmful.length < 160; position++) {
    for (const to of AMINO_ACIDS) {
      const from = residues[position - 1];
      if (to === from || harmful.length === 160) continue;
      const name = `${from}${position}${to}`, sequence = mutated(position, to);
      // Exactly -3 is not below it, nor is a missing value.
      const measured = ["-3.01", "-3", "", "0.5", "-4e0"][rows.length % 5];
      if (Number(measured) < -3) harmful.push(name);
      rows.push(`${name},${sequence},${measured}`);
      if (rows.length % 7 === 0) {
        const other = 66, letter = residues[65] === "N" ? "A" : "N";
        const both = sequence.slice(0, other - 1) + letter;
        rows.push(`${name}:${residues[65]}66${letter},${both},-9`);
      }
    }
  }
  return { text: rows.join("\n") + "\n", harmful };
}

/** numpy.random.RandomState(42).permutation(160)[:10] of NumPy 2.4.6. */
const FIRST = [105, 108, 141, 55, 94, 29, 101, 51, 100, 142];

test("sae patch --legacy takes pandas' sample of the single mutations below -3", () => {
  const { text, harmful } = assay();
  return runSae(
    ["patch", "--legacy", "sae_mutation_effect", "--assay", "EPHB2_HUMAN_x_1F0M.csv", "--top", "1"],
    async ({ dir, code, err }) => {
      equal(code, 0, err);
      match(
        err,
        /50 of 160 single substitutions of EPHB2_HUMAN_x_1F0M measured below -3 are drawn/,
      );
      const table = parseTable(await Deno.readTextFile(`${dir}/out/patching_results.csv`), "");
      deepEqual(
        table.columns.join(),
        "protein,mutation,position,layer,feature_idx,control_type,dms_score,esm_score," +
          "wt_marginal_score,patched_score,score_change,feature_delta,wt_activation,mut_activation," +
          "patch_value,seed",
      );
      const real = table.rows.map(({ fields }) => fields).filter((row) =>
        row.control_type === "real"
      );
      equal(real.length, 50);
      deepEqual(real.slice(0, 10).map((row) => row.mutation), FIRST.map((i) => harmful[i]));
      deepEqual([real[0].protein, real[0].seed], ["EPHB2_HUMAN", "42"]);
      equal(Number(real[0].dms_score) < -3, true);
    },
    { "EPHB2_HUMAN_x_1F0M.csv": text },
  );
});

test("sae patch --legacy keeps the file's order where fewer rows pass, in the current columns", () =>
  runSae(
    [
      ...["patch", "--legacy", "sae_mutation_effect", "--legacy-columns", "current"],
      ...["--assay", "a.csv", "--filter", "DMS_score < 0", "--seed", "7"],
    ],
    async ({ dir, code, err }) => {
      equal(code, 0, err);
      const table = parseTable(await Deno.readTextFile(`${dir}/out/patching_results.csv`), "");
      equal(
        table.columns.join(),
        "protein,layer,mutation,position,feature_idx,control_type,wt_pre_act,mut_pre_act," +
          "feature_delta,patch_value,baseline_score,patched_score,score_change,abs_score_change," +
          "abs_feature_delta,dms_score,esm_score",
      );
      const rows = table.rows.map(({ fields }) => fields);
      deepEqual([...new Set(rows.map((row) => row.mutation))], ["L9V", "E7T"]);
      for (const row of rows) {
        equal(Number(row.abs_score_change), Math.abs(Number(row.score_change)));
        equal(Number(row.abs_feature_delta), Math.abs(Number(row.feature_delta)));
      }
    },
    {
      "a.csv": `mutant,mutated_sequence,DMS_score\nL9V,${mutated(9, "V")},-1\n` +
        `E7T,${mutated(7, "T")},-2\nI12R,${mutated(12, "R")},1\n`,
    },
  ));

const one = (measured: string) => ({
  "a.csv": `mutant,mutated_sequence,DMS_score\nL9V,${mutated(9, "V")},${measured}\n`,
});
for (const name of ["patch", "ig"]) {
  testBadInputs(
    `sae ${name} --legacy`,
    (args, settings) =>
      execute(command, [name, "--legacy", "sae_mutation_effect", ...args], settings),
    [
      {
        name: "what the tool fixes",
        args: ["--run", "mutant"],
        says: /--run and --legacy sae_mut/,
      },
      { name: "other places", args: ["--at", "5"], says: /--at and --legacy/ },
      {
        name: "no row below -3",
        files: one("-3"),
        args: ["--assay", "a.csv"],
        says: /single substitution measured below -3 \(--filter .*0 of 1 variants/,
      },
      {
        name: "a seed that NumPy has not",
        args: ["--seed", "4294967296"],
        says: /at most 42949672/,
      },
    ],
  );
}
testBadInputs("sae patch", (args, settings) => execute(command, ["patch", ...args], settings), [
  {
    name: "an unknown tool",
    args: ["--legacy", "x"],
    says: /--legacy .* sae_mutation_effect: .*"x"/,
  },
]);
