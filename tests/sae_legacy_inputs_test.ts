/** Which mutations `--legacy sae_mutation_effect` takes, and what it refuses. */
import { ephb2 } from "../data/ephb2.ts";
import { execute } from "../lib/cli/main.ts";
import { AMINO_ACIDS } from "../lib/variants/letters.ts";
import { parseTable } from "../lib/io/csv.ts";
import { command } from "../tasks/sae.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
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

const COLUMNS = "protein,mutation,position,layer,feature_idx,control_type,dms_score,esm_score," +
  "wt_marginal_score,patched_score,score_change,feature_delta,wt_activation,mut_activation," +
  "patch_value,seed";
const legacyTable = async (dir: string, name = "EPHB2_HUMAN_layer4_seed42_patching1.csv") =>
  parseTable(await Deno.readTextFile(`${dir}/out/${name}`), name);
const mutationsOf = (rows: readonly Record<string, string>[]) => [
  ...new Set(rows.map((row) => row.mutation)),
];

test("sae patch --legacy takes the 50 single mutants that were measured lowest, in order", () => {
  // Every value once, in an order that is neither the file's nor the names'; doubles are lower still.
  const rows: { name: string; measured: number }[] = [];
  const lines = ["mutant,mutated_sequence,DMS_score,esm2_t33_650M_UR50D"];
  for (let position = 1; position <= 60; position++) {
    const from = residues[position - 1], to = from === "A" ? "G" : "A";
    const name = `${from}${position}${to}`, measured = (position * 37 % 61) / 10 - 3.2;
    rows.push({ name, measured });
    // One row has no score of the model: it gets the masked marginal.
    const score = position === 5 ? "" : String(-position / 8);
    lines.push(`${name},${mutated(position, to)},${measured},${score}`);
    if (position % 9 === 0) {
      const letter = residues[65] === "N" ? "A" : "N";
      lines.push(
        `${name}:${residues[65]}66${letter},${mutated(position, to).slice(0, 65)}${letter},-9,-1`,
      );
    }
  }
  lines.push(`${residues[60]}61P,${mutated(61, "P")},,-1`);
  const lowest = rows.toSorted((a, b) => a.measured - b.measured).slice(0, 50);
  return runSae(
    ["patch", "--legacy", "sae_mutation_effect", "--assay", "EPHB2_HUMAN_x_1F0M.csv", "--top", "1"],
    async ({ dir, code, err, files }) => {
      equal(code, 0, err);
      match(err, /50 of 61 variants of EPHB2_HUMAN_x_1F0M: those measured lowest/);
      match(err, /the input's esm2_t33_650M_UR50D, masked marginals .* \(1 of 50\)/);
      deepEqual(files, ["EPHB2_HUMAN_layer4_seed42_patching1.csv", "report.html", "run.json"]);
      const { columns, rows: all } = await legacyTable(dir);
      equal(columns.join(), COLUMNS);
      const fields = all.map(({ fields }) => fields);
      for (const [c, control] of ["real", "noop", "random"].entries()) {
        const own = fields.slice(50 * c, 50 * (c + 1));
        deepEqual([...new Set(own.map((row) => row.control_type))], [control]);
        deepEqual(own.map((row) => row.mutation), lowest.map(({ name }) => name));
        deepEqual(own.map((row) => Number(row.dms_score)), lowest.map(({ measured }) => measured));
        for (const row of own) {
          const score = Number(row.esm_score);
          if (row.position === "5") ok(Number.isFinite(score) && score !== 0, "a masked marginal");
          else equal(score, -Number(row.position) / 8);
          deepEqual([row.protein, row.seed], ["EPHB2_HUMAN", "42"]);
        }
      }
      match(await Deno.readTextFile(`${dir}/out/report.html`), /least changed latents/);
    },
    { "EPHB2_HUMAN_x_1F0M.csv": lines.join("\n") + "\n" },
  );
});

/** numpy.random.RandomState(42).permutation(160)[:10] of NumPy 2.4.6. */
const FIRST = [105, 108, 141, 55, 94, 29, 101, 51, 100, 142];

test("sae patch --legacy --sample draws as pandas does of the single mutations below -3", () => {
  const { text, harmful } = assay();
  return runSae(
    [
      ...["patch", "--legacy", "sae_mutation_effect", "--assay", "EPHB2_HUMAN_x_1F0M.csv"],
      ...["--sample", "50", "--top", "1"],
    ],
    async ({ dir, code, err }) => {
      equal(code, 0, err);
      match(
        err,
        /50 of 160 single substitutions of EPHB2_HUMAN_x_1F0M measured below -3 are drawn/,
      );
      const table = await legacyTable(dir);
      equal(table.columns.join(), COLUMNS);
      const real = table.rows.map(({ fields }) => fields).filter((row) =>
        row.control_type === "real"
      );
      equal(real.length, 50);
      deepEqual(real.slice(0, 10).map((row) => row.mutation), FIRST.map((i) => harmful[i]));
      equal(Number(real[0].dms_score) < -3, true);
    },
    { "EPHB2_HUMAN_x_1F0M.csv": text },
  );
});

test("sae ig --legacy takes 100 of the single mutations below -3, as its shipped files do", () => {
  const { text, harmful } = assay();
  const args = ["--assay", "EPHB2_HUMAN_x_1F0M.csv", "--no-fidelity", "--quiet"];
  return runSae(
    ["ig", "--legacy", "sae_mutation_effect", ...args],
    ({ code, err, files }) => {
      equal(code, 0, err);
      const archives = files.filter((name) => name.endsWith(".npz"));
      equal(archives.length, 100);
      for (const i of FIRST) {
        ok(archives.includes(`EPHB2_HUMAN_${harmful[i]}_layer4_ig.npz`), harmful[i]);
      }
    },
    { "EPHB2_HUMAN_x_1F0M.csv": text },
  );
});

test("sae patch --legacy names files by whole ids where two proteins have one entry", () => {
  const row = (name: string, to: string) =>
    `mutant,mutated_sequence,DMS_score\n${name},${mutated(9, to)},-4\n`;
  return runSae(
    [
      ...["patch", "--legacy", "sae_mutation_effect", "--no-fidelity", "--layers", "1"],
      ...["--assay", "EPHB2_HUMAN_a.csv", "--assay", "EPHB2_HUMAN_b.csv"],
    ],
    ({ code, err, files }) => {
      equal(code, 0, err);
      deepEqual(files, [
        "EPHB2_HUMAN_a_layer1_seed42_patching1.csv",
        "EPHB2_HUMAN_b_layer1_seed42_patching1.csv",
        ...["report.html", "run.json"],
      ]);
    },
    { "EPHB2_HUMAN_a.csv": row("L9V", "V"), "EPHB2_HUMAN_b.csv": row("L9A", "A") },
  );
});

/** Mutations of the shipped patches are the lowest of the assays that they were made of. */
const shipped = new URL("../../shared/data/circuits/", import.meta.url);
for (const protein of ["EPHB2_HUMAN", "DNJA1_HUMAN", "PR40A_HUMAN"]) {
  const found = fileWith(shipped, new RegExp(`^${protein}_layer16_.*_patching1\\.csv$`));
  const assayFile = fileWith(shipped, new RegExp(`^${protein}_Tsuboyama.*\\.csv$`)) ??
    fileWith(new URL("../dms/", shipped), new RegExp(`^${protein}_Tsuboyama_2023_\\w{4}\\.csv$`));
  Deno.test({
    name: `sae patch --legacy takes the mutations of the shipped ${protein}, in their order` +
      (found && assayFile ? "" : " (not run: the published tables are not there)"),
    ignore: !found || !assayFile,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      runSae(
        [
          ...["patch", "--legacy", "sae_mutation_effect", "--assay", assayFile!.pathname],
          ...["--top", "1", "--no-fidelity", "--layers", "2"],
        ],
        async ({ dir, code, err }) => {
          equal(code, 0, err);
          const own = await legacyTable(dir, `${protein}_layer4_seed42_patching1.csv`);
          const theirs = parseTable(await Deno.readTextFile(found!), found!.pathname);
          const names = (table: typeof own) => mutationsOf(table.rows.map(({ fields }) => fields));
          deepEqual(names(own), names(theirs));
          equal(own.columns.join(), theirs.columns.join());
        },
      ),
  });
}

/** A file of a folder by its name; none where there is no such folder. */
function fileWith(folder: URL, name: RegExp): URL | undefined {
  try {
    const found = [...Deno.readDirSync(folder)].find((entry) => name.test(entry.name));
    return found && new URL(found.name, folder);
  } catch {
    return undefined;
  }
}

test("sae patch --legacy takes what a filter leaves, the lowest first, in the current columns", () =>
  runSae(
    [
      ...["patch", "--legacy", "sae_mutation_effect", "--legacy-columns", "current"],
      ...["--assay", "a.csv", "--filter", "DMS_score < 0", "--seed", "7"],
    ],
    async ({ dir, code, err }) => {
      equal(code, 0, err);
      const table = await legacyTable(dir, "a_layer4_seed7_patching1.csv");
      equal(
        table.columns.join(),
        "protein,layer,mutation,position,feature_idx,control_type,wt_pre_act,mut_pre_act," +
          "feature_delta,patch_value,baseline_score,patched_score,score_change,abs_score_change," +
          "abs_feature_delta,dms_score,esm_score",
      );
      const rows = table.rows.map(({ fields }) => fields);
      // The current code writes mutation by mutation.
      deepEqual(rows.map((row) => row.mutation), [
        ...Array<string>(15).fill("E7T"),
        ...Array<string>(15).fill("L9V"),
      ]);
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

test("sae patch --lowest takes the variants that were measured lowest, --singles only single ones", () => {
  const both = mutated(9, "V").slice(0, 65) + (residues[65] === "N" ? "A" : "N");
  const files = {
    "a.csv": `mutant,mutated_sequence,DMS_score\nL9V,${mutated(9, "V")},-1\n` +
      `L9V:${residues[65]}66${both.at(-1)},${both},-5\nE7T,${mutated(7, "T")},-2\n` +
      `I12R,${mutated(12, "R")},\nW8G,${mutated(8, "G")},-2\n`,
  };
  const args = ["patch", "--assay", "a.csv", "--no-fidelity", "--lowest"];
  const chosen = async (dir: string) =>
    mutationsOf(
      parseTable(await Deno.readTextFile(`${dir}/out/patches.csv`), "").rows
        .map(({ fields }) => fields),
    );
  return runSae([...args, "3"], async ({ dir, code, err }) => {
    equal(code, 0, err);
    // Of equal values the first in the file.
    deepEqual(await chosen(dir), [`L9V:${residues[65]}66${both.at(-1)}`, "E7T", "W8G"]);
    await runSae([...args, "9", "--singles"], async ({ dir, code, err }) => {
      equal(code, 0, err);
      match(err, /4 of 5 variants of a have one substitution/);
      match(err, /3 of 4 variants of a: those measured lowest/);
      deepEqual(await chosen(dir), ["E7T", "W8G", "L9V"]);
    }, files);
  }, files);
});

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
        args: ["--assay", "a.csv", "--sample", "5"],
        says: /single substitution measured below -3 \(--filter .*0 of 1 variants/,
      },
      {
        name: "no measured value",
        files: one(""),
        args: ["--assay", "a.csv", "--lowest", "5"],
        says: /"a" that were measured lowest .*: current count is 0 of 1/,
      },
      {
        name: "two choices",
        args: ["--lowest", "5", "--sample", "5"],
        says: /--lowest and --sample together/,
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
