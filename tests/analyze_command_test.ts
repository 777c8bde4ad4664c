import {
  analyze,
  analyzed,
  csvNumber,
  GB1,
  HP36,
  inFolder,
  listing,
  readCsv,
} from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";

const COLUMNS =
  "protein,layer,head,observed,baseline_mean,baseline_sd,impact,snr,exact_mean,exact_sd,z," +
  "p_permutation,q_bh,enrichment,p_alpha,p_alpha_pairs";
const LAYERS = 4, HEADS = 8;
const table = new URL("../data/a2a_sites.csv", import.meta.url).pathname;

/** Native sessions are not freed within the test. */
function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => inFolder(fn),
  });
}

const onHp36 = (dir: string, ...args: string[]) =>
  analyzed("--sequence", HP36, "--sites", "3,17,18", "--backend", "cpu", "--out", dir, ...args);

type JsonRow = Record<string, string | number | boolean | null>;
interface JsonResult {
  run: Record<string, unknown> & {
    options: Record<string, unknown>;
    findings: { id: string; sensitive: number }[];
  };
  tables: { heads: JsonRow[]; legacy?: JsonRow[]; summary?: JsonRow[] };
}

test("analyze: heads.csv holds --json's numbers at full precision", async (dir) => {
  const { out, err } = await onHp36(dir, "--json", "--loud");
  const json: JsonResult = JSON.parse(out);
  match(err, /Running esm2_t4_800K_SP50 on cpu/);
  const { columns, rows } = readCsv(`${dir}/heads.csv`);
  equal(columns.join(), COLUMNS);
  equal(rows.length, LAYERS * HEADS);
  equal(json.tables.heads.length, rows.length);
  let sensitive = 0;
  rows.forEach((row, g) => {
    equal(row.protein, "sequence");
    deepEqual([Number(row.layer), Number(row.head)], [Math.floor(g / HEADS), g % HEADS]);
    deepEqual(Object.keys(json.tables.heads[g]), columns);
    for (const name of columns.slice(1)) {
      const value = csvNumber(row[name]);
      equal(json.tables.heads[g][name], Number.isNaN(value) ? null : value, `${name} of row ${g}`);
    }
    const at = (name: string) => csvNumber(row[name]);
    if (at("impact") > 1.5 && at("snr") > 2) sensitive++;
    // Columns agree with each other.
    const relation = (name: string, value: number) =>
      allClose([at(name)], [value], { rtol: 1e-12 }, `${name} of row ${g}`);
    relation("impact", at("observed") / at("baseline_mean"));
    relation("snr", (at("observed") - at("baseline_mean")) / at("baseline_sd"));
    relation("z", (at("observed") - at("exact_mean")) / at("exact_sd"));
    const passes = at("p_permutation") * 1001 - 1;
    ok(Math.abs(passes - Math.round(passes)) < 1e-9 && passes > -0.5 && passes < 1000.5);
  });
  deepEqual(json.run.findings.map(({ id, sensitive }) => [id, sensitive]), [[
    "sequence",
    sensitive,
  ]]);
});

test("analyze: q is Benjamini–Hochberg's adjustment over the heads", async (dir) => {
  await onHp36(dir);
  const { rows } = readCsv(`${dir}/heads.csv`);
  const p = rows.map((row) => Number(row.p_permutation));
  // By definition: the least of p(k)·m/k over all p(k) not below.
  const q = p.map((own) =>
    Math.min(
      1,
      ...p.filter((x) => x >= own).map((x) => x * p.length / p.filter((y) => y <= x).length),
    )
  );
  allClose(rows.map((row) => Number(row.q_bh)), q, { rtol: 1e-12 });
});

test("analyze: run.json says what was computed with what", async (dir) => {
  await onHp36(dir, "--seed", "5", "--threshold", "0.2", "--layers", "1,3", "--json");
  const run = JSON.parse(Deno.readTextFileSync(`${dir}/run.json`));
  equal(run.command, "analyze");
  equal(run.model.name, "esm2_t4_800K_SP50");
  const bytes = Deno.readFileSync(`${tinyPath}/model.safetensors`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  equal(run.model.sha256, [...hash].map((b) => b.toString(16).padStart(2, "0")).join(""));
  equal(run.backend.name, "cpu");
  deepEqual(
    [run.options.seed, run.options.threshold, run.options.layers, run.options.trials],
    [5, 0.2, [1, 3], 1000],
  );
  deepEqual(run.proteins, [{
    id: "sequence",
    length: HP36.length,
    sites: [{ residue: 3, letter: "S" }, { residue: 17, letter: "A" }, {
      residue: 18,
      letter: "F",
    }],
  }]);
  for (const stage of ["read inputs", "load model", "analyse"]) {
    ok(run.timingsMs[stage] >= 0, stage);
  }
  ok(!Number.isNaN(Date.parse(run.started)) && run.esmscope && run.machine.deno);
});

test("analyze: --json prints one JSON document and nothing else", async (dir) => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: dir,
    env: { NO_COLOR: "1" },
    args: [
      ...[
        "run",
        "--quiet",
        "--no-lock",
        "-A",
        new URL("../tasks/analyze.ts", import.meta.url).href,
      ],
      ...["--sequence", GB1, "--sites", "Y3", "--json"],
    ],
  }).output();
  const errors = new TextDecoder().decode(stderr);
  equal(code, 0, errors);
  const json: JsonResult = JSON.parse(new TextDecoder().decode(stdout));
  // The embedded model's.
  equal(json.tables.heads.length, 6 * 8);
  deepEqual(json.run.arguments, ["--sequence", GB1, "--sites", "Y3", "--json"]);
  match(errors, /small demonstration model/);
  equal(listing(`${dir}/out/analyze`).join(), "heads.csv,report.html,run.json");
});

test("analyze: --table gives every protein and a summary over them", async (dir) => {
  await analyzed("--table", table, "--backend", "cpu", "--out", dir);
  equal(listing(dir).join(), "heads.csv,report.html,run.json,summary.csv");
  const { rows } = readCsv(`${dir}/heads.csv`);
  const names = ["A2A_published", "A2A_sodium", "A2A_orthosteric"];
  equal(rows.length, 3 * LAYERS * HEADS);
  deepEqual([...new Set(rows.map((row) => row.protein))], names, "proteins in the table's order");
  const summary = readCsv(`${dir}/summary.csv`);
  equal(summary.columns.join(), "layer,head,proteins,impact_mean,impact_sd,impact_snr");
  equal(summary.rows.length, LAYERS * HEADS);
  for (const row of summary.rows) {
    const values = rows.filter((r) => r.layer === row.layer && r.head === row.head)
      .map((r) => csvNumber(r.impact)).filter(Number.isFinite);
    const n = values.length, mean = values.reduce((a, b) => a + b, 0) / n;
    const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1));
    equal(Number(row.proteins), n);
    const expected = n === 0 ? [NaN, NaN, NaN] : n === 1 ? [mean, NaN, NaN] : [mean, sd, mean / sd];
    allClose(
      [row.impact_mean, row.impact_sd, row.impact_snr].map(csvNumber),
      expected,
      { rtol: 1e-12 },
      `${row.layer},${row.head}`,
    );
  }
});

test("analyze: a protein of a table has the numbers that it has alone", async (dir) => {
  await Deno.writeTextFile(
    `${dir}/in.csv`,
    `id,sequence,sites\nlong,${GB1},"5,9"\nshort,${HP36},"3,17,18"\n`,
  );
  await analyzed("--table", `${dir}/in.csv`, "--backend", "cpu", "--out", `${dir}/both`);
  await onHp36(`${dir}/one`);
  const both = readCsv(`${dir}/both/heads.csv`).rows.filter((row) => row.protein === "short");
  const one = readCsv(`${dir}/one/heads.csv`).rows;
  equal(both.length, one.length);
  for (const name of COLUMNS.split(",").slice(1)) {
    // Padding changes the order of float32 additions.
    allClose(both.map((row) => csvNumber(row[name])), one.map((row) => csvNumber(row[name])), {
      atol: 1e-4,
      rtol: 1e-4,
    }, name);
  }
});

test("analyze: --layers gives the rows of those layers, unchanged but for q", async (dir) => {
  await onHp36(`${dir}/all`);
  await onHp36(`${dir}/some`, "--layers", "3,1");
  const all = readCsv(`${dir}/all/heads.csv`).rows, some = readCsv(`${dir}/some/heads.csv`).rows;
  const expected = all.filter(({ layer }) => layer === "1" || layer === "3");
  const { q_bh: _, ...first } = expected[0];
  ok(Object.keys(first).length > 10);
  deepEqual(some.map((row) => ({ ...row, q_bh: "" })), expected.map((r) => ({ ...r, q_bh: "" })));
});

test("analyze: cpu and wasm give the same table, lower case and FASTA too", async (dir) => {
  await onHp36(`${dir}/cpu`);
  await analyzed(
    ...["--sequence", HP36.toLowerCase(), "--sites", "s3,A17,F18"],
    ...["--backend", "wasm", "--out", `${dir}/wasm`],
  );
  await Deno.writeTextFile(
    `${dir}/p.fasta`,
    `>sequence HP36\n${HP36.slice(0, 20)}\n${HP36.slice(20)}`,
  );
  await analyzed(
    ...["--fasta", `${dir}/p.fasta`, "--sites", "17-18,3", "--backend", "cpu"],
    ...["--out", `${dir}/fasta`],
  );
  equal(
    Deno.readTextFileSync(`${dir}/fasta/heads.csv`),
    Deno.readTextFileSync(`${dir}/cpu/heads.csv`),
  );
  const cpu = readCsv(`${dir}/cpu/heads.csv`).rows, wasm = readCsv(`${dir}/wasm/heads.csv`).rows;
  for (const name of COLUMNS.split(",").slice(1)) {
    const [a, b] = [wasm, cpu].map((rows) => rows.map((row) => csvNumber(row[name])));
    allClose(a, b, { atol: 1e-4, rtol: 1e-4 }, name);
  }
});

test("analyze: the same run writes the same bytes, --low-memory or not", async (dir) => {
  const options = ["--null", "contiguous", "--threshold", "0"];
  const bytes = [];
  for (const [name, ...more] of [["a"], ["b"], ["c", "--low-memory"]]) {
    await onHp36(`${dir}/${name}`, ...options, ...more);
    bytes.push(Deno.readTextFileSync(`${dir}/${name}/heads.csv`));
  }
  equal(bytes[1], bytes[0]);
  equal(bytes[2], bytes[0]);
});

test("analyze: another seed moves samples only, --threshold 0 counts all", async (dir) => {
  await onHp36(`${dir}/a`, "--threshold", "0");
  await onHp36(`${dir}/b`, "--threshold", "0", "--seed", "1");
  const [a, b] = ["a", "b"].map((name) => readCsv(`${dir}/${name}/heads.csv`).rows);
  for (const name of ["observed", "exact_mean", "exact_sd", "z", "enrichment", "p_alpha"]) {
    deepEqual(b.map((row) => row[name]), a.map((row) => row[name]), name);
  }
  ok(a.some((row, i) => row.baseline_mean !== b[i].baseline_mean));
  // Each pair of residues has attention, so pairs count by the share of residues that are sites.
  const shares = a.map((row) => Number(row.p_alpha));
  ok(shares.filter((p) => Math.abs(p - 3 / HP36.length) < 1e-6).length > 0.8 * shares.length);
  for (const row of a) ok(Number(row.observed) > 0 && Number(row.exact_sd) > 0);
});

test("analyze: legacy mode adds legacy.csv and says what it is", async (dir) => {
  const { err } = await onHp36(dir, "--legacy", "allostery_heads", "--loud");
  match(err, /Legacy mode allostery_heads/);
  equal(listing(dir).join(), "heads.csv,legacy.csv,report.html,run.json");
  const { columns, rows } = readCsv(`${dir}/legacy.csv`);
  equal(columns.join(), "protein,layer,head,impact,snr,p_value,p_value_heads,selected");
  const heads = readCsv(`${dir}/heads.csv`).rows;
  rows.forEach((row, g) => {
    const impact = csvNumber(heads[g].impact);
    const isEmpty = Number(heads[g].baseline_mean) === 0;
    equal(Number(row.impact), isEmpty ? 0 : impact);
    match(row.selected, /^(true|false)$/);
  });
});

test("analyze: a rerun replaces its files and leaves others alone", async (dir) => {
  await Deno.writeTextFile(`${dir}/notes.txt`, "mine");
  await Deno.writeTextFile(`${dir}/heads.csv`, "old");
  await onHp36(dir);
  equal(listing(dir).join(), "heads.csv,notes.txt,report.html,run.json");
  equal(Deno.readTextFileSync(`${dir}/notes.txt`), "mine");
  const before = Deno.readTextFileSync(`${dir}/heads.csv`);
  equal(before.split("\n")[0], COLUMNS);
  await onHp36(dir, "--seed", "9");
  ok(Deno.readTextFileSync(`${dir}/heads.csv`) !== before);
  equal(Deno.readTextFileSync(`${dir}/notes.txt`), "mine");
});

test("analyze: masks, the shortest proteins and few random sets", async (dir) => {
  const masked = HP36.slice(0, 4) + "<mask>" + HP36.slice(5);
  const { out } = await analyzed("--sequence", masked, "--sites", "5,D6", "--out", dir);
  match(out, /36 residues, 2 sites \(_5 D6\)/);
  equal(JSON.parse(Deno.readTextFileSync(`${dir}/run.json`)).proteins[0].length, 36);

  const two = await analyzed("--sequence", "MK", "--sites", "1", "--out", dir, "--loud");
  match(two.err, /"sequence" can differ in only 1 way: a p-value below 1\/2 has no meaning/);
  for (const row of readCsv(`${dir}/heads.csv`).rows) equal(Number(row.exact_sd), 0);

  const one = await analyze("--sequence", "M", "--sites", "1", "--out", `${dir}/no`);
  equal(one.code, 2);
  match(one.err, /^error: .*must not be sites/);

  // Two neighbours at the start of ten residues fit at 3 to 9.
  const few = await analyzed(
    ...["--sequence", "MKTAYIAKQR", "--sites", "1,2", "--null", "contiguous"],
    ...["--out", dir, "--loud"],
  );
  match(few.err, /only 7 ways: a p-value below 1\/8/);
});

test("analyze: random sets that would not fit memory are refused before anything runs", async (dir) => {
  const { code, err } = await analyze(
    ...["--sites", "1-100", "--trials", "1000000", "--out", `${dir}/no`],
  );
  equal(code, 2);
  match(err, /^error: .*--trials must be at most \d+ with 100 sites: current value is 1000000$/);
  equal(listing(dir).length, 0);
});
