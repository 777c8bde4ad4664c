/** Assays and tables of ProteinGym, where they lie beside the repository. */
import { aggregate } from "../lib/variants/aggregate.ts";
import { parseTable } from "../lib/io/csv.ts";
import { spearman } from "../lib/stats/correlation.ts";
import { sorted } from "../lib/stats/sorted.ts";
import { PUBLISHED } from "../lib/variants/golden.ts";
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/score.ts";
import { allClose, deepEqual, equal } from "./assert.ts";

const data = new URL("../../shared/data/", import.meta.url).pathname;
const tables = {
  levels: `${data}proteingym/DMS_substitutions_Spearman_DMS_level.csv`,
  reference: `${data}proteingym/DMS_substitutions.csv`,
};
const missing = !exists(tables.levels);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({
    name: missing ? `${name} (skipped: no ProteinGym data beside the repository)` : name,
    ignore: missing,
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });

const HEADLINE: Record<string, number> = {
  "ESM2 (8M)": 0.2257,
  "ESM2 (35M)": 0.3208,
  "ESM2 (150M)": 0.3868,
  "ESM2 (650M)": 0.4138,
  "ESM2 (3B)": 0.4056,
  "ESM2 (15B)": 0.4003,
};

test("aggregate reproduces the published headline averages, and with its own columns too", async () => {
  const read = async (source: string) => ({ source, text: await Deno.readTextFile(source) });
  const levels = await read(tables.levels), reference = await read(tables.reference);
  for (const found of [aggregate(levels, reference), aggregate(levels)]) {
    const averages = Object.fromEntries(found.map(({ model, average }) => [model, average]));
    for (const [model, expected] of Object.entries(HEADLINE)) {
      // Four digits are published.
      allClose([averages[model]], [expected], { atol: 5e-5 }, model);
    }
    deepEqual(found.find(({ model }) => model === "ESM2 (8M)")!.assays, 217);
  }
  // The published summary of every model has three digits.
  const summary = parseTable(
    await Deno.readTextFile(
      `${data}proteingym/Summary_performance_DMS_substitutions_Spearman.csv`,
    ),
    "summary",
  );
  const found = new Map(aggregate(levels, reference).map((each) => [each.model, each]));
  const compared = summary.rows.flatMap(({ fields }) => {
    const ours = found.get(fields.Model_name);
    return ours ? [[ours.average, Number(fields.Average_Spearman)]] : [];
  });
  equal(compared.length > 80, true, `${compared.length} models in both`);
  for (const [ours, published] of compared) allClose([ours], [published], { atol: 6e-4 });
});

test("The verify command's correlations are those of the published table", async () => {
  const { rows } = parseTable(await Deno.readTextFile(tables.levels), "levels");
  const columns = Object.keys(HEADLINE);
  let checked = 0;
  for (const [i, { spearman: assays }] of PUBLISHED.entries()) {
    for (const [assay, value] of Object.entries(assays)) {
      const row = rows.find(({ fields }) => fields["DMS ID"] === assay)!;
      equal(Number(row.fields[columns[i]]), value, `${assay} ${columns[i]}`);
      checked++;
    }
  }
  equal(checked, 54);
});

test("spearman of the published 650M scores of EPHB2's single mutants is 0.6765", async () => {
  const path = `${data}dms/EPHB2_HUMAN_Tsuboyama_2023_1F0M_ESM2_scored.csv`;
  const rows = parseTable(await Deno.readTextFile(path), path).rows
    .filter(({ fields }) => fields.ESM2_score !== "");
  equal(rows.length, 1239);
  const [scores, measured] = ["ESM2_score", "DMS_score"].map((column) =>
    rows.map(({ fields }) => Number(fields[column]))
  );
  allClose([spearman(sorted(scores), sorted(measured))], [0.6765], { atol: 5e-5 });
});

/** Spearman by its definition: ranks by counting, Pearson of them by sums. */
function naiveSpearman(x: number[], y: number[]): number {
  const ranks = (values: number[]) =>
    values.map((v) => {
      let below = 0, tied = 0;
      for (const other of values) other < v ? below++ : other === v && tied++;
      return below + (tied + 1) / 2;
    });
  const a = ranks(x), b = ranks(y), n = x.length;
  const sum = (f: (i: number) => number) => a.reduce((total, _, i) => total + f(i), 0);
  const ab = n * sum((i) => a[i] * b[i]) - sum((i) => a[i]) * sum((i) => b[i]);
  const aa = n * sum((i) => a[i] ** 2) - sum((i) => a[i]) ** 2;
  const bb = n * sum((i) => b[i] ** 2) - sum((i) => b[i]) ** 2;
  return ab / Math.sqrt(aa * bb);
}

const ASSAYS: Record<string, string[]> = {
  EPHB2_HUMAN_Tsuboyama_2023_1F0M: [],
  TCRG1_MOUSE_Tsuboyama_2023_1E0L: [],
  // 286 residues of which 263 were mutated; concentrations in µg/ml are the measured columns.
  BLAT_ECOLX_Ranganathan2015: ["--measured-column", "2500", "--mode", "wt-marginal"],
};

for (const [assay, options] of Object.entries(ASSAYS)) {
  test(`score of ${assay}: statistics equal an independent computation from scores.csv`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${data}dms/${assay}.csv`;
      const blat = assay.startsWith("BLAT") ? await blatTarget() : [];
      const err: string[] = [];
      const code = await execute(command, [
        ...["--assay", path, "--out", folder, "--backend", "cpu", "--column", "s"],
        ...["--bootstrap", "20", ...options, ...blat],
      ], { output: { out() {}, err: (line) => err.push(line) } });
      equal(code, 0, err.join("\n"));
      const file = `${folder}/scores.csv`;
      const { rows } = parseTable(await Deno.readTextFile(file), file);
      const input = parseTable(await Deno.readTextFile(path), path);
      deepEqual(rows.map(({ fields: { s: _, ...rest } }) => rest), input.rows.map((r) => r.fields));
      const column = options[1] ?? "DMS_score";
      const used = rows.filter(({ fields }) => fields[column] !== "");
      const performance = parseTable(await Deno.readTextFile(`${folder}/performance.csv`), "p");
      const { fields } = performance.rows[0];
      const [x, y] = ["s", column].map((name) => used.map((row) => Number(row.fields[name])));
      equal(Number(fields.variants), used.length);
      allClose([Number(fields.spearman)], [naiveSpearman(x, y)], { atol: 1e-10 });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function blatTarget(): Promise<string[]> {
  const { rows } = parseTable(await Deno.readTextFile(tables.reference), "reference");
  const row = rows.find(({ fields }) => fields.DMS_id === "BLAT_ECOLX_Stiffler_2015")!;
  return ["--sequence", row.fields.target_seq];
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
