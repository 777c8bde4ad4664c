/** The score command from its arguments to its files. */
import { tinyModel } from "./fixtures.ts";
import { ephb2 } from "../data/ephb2.ts";
import { sis1 } from "../data/sis1.ts";
import { execute } from "../lib/cli/main.ts";
import { parseTable } from "../lib/io/csv.ts";
import { readNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { AMINO_ACIDS } from "../lib/variants/letters.ts";
import { command } from "../tasks/score.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";

const { residues } = ephb2;

/** Runs the command in a folder of its own. */
async function run(
  args: string[],
  look: (found: { dir: string; out: string; err: string; files: string[] }) => Promise<void>,
  files: Record<string, string> = {},
): Promise<void> {
  const dir = await Deno.makeTempDir(), before = Deno.cwd();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${name}`.replace(/[/][^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    Deno.chdir(dir);
    const out: string[] = [], err: string[] = [];
    const code = await execute(command, [...args, "--backend", "cpu", "--out", "out"], {
      output: { out: (line) => out.push(line), err: (line) => err.push(line) },
    });
    equal(code, 0, err.join("\n"));
    const written = [...Deno.readDirSync(`${dir}/out`)].map(({ name }) => name).sort();
    await look({ dir: `${dir}/out`, out: out.join("\n"), err: err.join("\n"), files: written });
  } finally {
    Deno.chdir(before);
    await Deno.remove(dir, { recursive: true });
  }
}

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });

const csv = async (path: string) => parseTable(await Deno.readTextFile(path), path);

test("score without input writes every mutation of the example, three times the same", () =>
  run([], async ({ dir, out, err, files }) => {
    deepEqual(files, ["matrix.csv", "matrix.npz", "report.html", "run.json", "scores.csv"]);
    match(err, /demonstration model/);
    match(err, /SIS1_YEAST/);
    match(out, /^highest +score +lowest +score/);
    const scores = await csv(`${dir}/scores.csv`), matrix = await csv(`${dir}/matrix.csv`);
    const column = "esm2_t6_1M_PF20";
    deepEqual(scores.columns, ["mutant", column]);
    equal(scores.rows.length, 19 * sis1.residues.length);
    using source = await openRandomAccess(`${dir}/matrix.npz`);
    const npz = await readNpz(source);
    const grid = npz.get("scores")!;
    deepEqual(grid.shape, [81, 20]);
    equal(String.fromCharCode(...npz.get("amino_acids")!.data as Uint8Array), AMINO_ACIDS);
    equal(String.fromCharCode(...npz.get("wild_type")!.data as Uint8Array), sis1.residues);
    deepEqual([npz.get("positions")!.data[0], npz.get("positions")!.data[80]], [1, 81]);
    for (const { fields } of scores.rows) {
      const position = Number(fields.mutant.slice(1, -1)), letter = fields.mutant.at(-1)!;
      equal(fields.mutant[0], sis1.residues[position - 1]);
      equal(matrix.rows[position - 1].fields[letter], fields[column]);
      equal(String(grid.data[(position - 1) * 20 + AMINO_ACIDS.indexOf(letter)]), fields[column]);
    }
    const { fields } = matrix.rows[7];
    deepEqual([fields.position, fields.wild_type, fields.Y], ["8", "Y", "0"]);
    const others = [...AMINO_ACIDS].filter((a) => a !== "Y").map((a) => Number(fields[a]));
    allClose([Number(fields.mean_score)], [others.reduce((a, b) => a + b) / 19], { rtol: 1e-12 });
    const run = JSON.parse(await Deno.readTextFile(`${dir}/run.json`));
    deepEqual([run.passes, run.variants.rows, run.target.offset], [81, 1539, 1]);
    match(run.model.sha256, /^[0-9a-f]{64}$/);
  }));

const mutate = (position: number, to: string) =>
  residues.slice(0, position - 1) + to + residues.slice(position);

test("score of an assay leaves its columns as they are and adds one", () => {
  const rows = [
    `A11C;"${mutate(11, "C")}";0.25;1;"a ""quoted""; note"`,
    `W8G;${mutate(8, "G")};;0; spaced `,
    `"D6E:W8Y";;-1.5;0;`,
    `L9V;${mutate(9, "V").toLowerCase()};2e-1;1;é`,
  ];
  const header = 'mutant;mutated_sequence;DMS_score;DMS_score_bin;"my note"';
  const text = `\uFEFF${header}\r\n${rows.join("\r\n")}\r\n`;
  return run(
    ["--assay", "a.csv", "--column", "mine", "--bootstrap", "20"],
    async ({ dir, files, out }) => {
      ok(files.includes("performance.csv"));
      const lines = (await Deno.readTextFile(`${dir}/scores.csv`)).trimEnd().split("\n");
      equal(lines[0], `${header};mine`);
      lines.slice(1).forEach((line, i) => {
        equal(line.slice(0, rows[i].length), rows[i]);
        match(line.slice(rows[i].length), /^;-?\d+\.\d+$/);
      });
      const value = (i: number) => Number(lines[i + 1].split(";").at(-1));
      const matrix = await csv(`${dir}/matrix.csv`);
      deepEqual(matrix.rows.map(({ fields }) => fields.position), ["6", "8", "9", "11"]);
      const { fields: { E } } = matrix.rows[0], { fields: { Y } } = matrix.rows[1];
      allClose([value(2)], [Number(E) + Number(Y)], { atol: 1e-12 });
      // W8G was not measured.
      const performance = await csv(`${dir}/performance.csv`);
      deepEqual(performance.rows.map(({ fields }) => [fields.group, fields.variants]), [
        ["all", "3"],
        ["single", "2"],
        ["multiple", "1"],
      ]);
      match(out, /variants +n +Spearman/);
    },
    { "a.csv": text },
  );
});

test("score finds an assay's target and cutoff in the reference, and regions by the numbering", () => {
  const text = `variant,fitness\nA111C,3\nW108G,1\nL109V,2\n`;
  const reference =
    `DMS_id,DMS_filename,target_seq,DMS_binarization_cutoff\nx,x.csv,MKT,0\nmy,a.csv,${residues},1.5\n`;
  return run([
    ...["--assay", "a.csv", "--reference", "ref.csv", "--mutant-column", "variant"],
    ...["--measured-column", "fitness", "--offset", "101", "--by", "r.csv", "--bootstrap", "0"],
  ], async ({ dir }) => {
    const { rows } = await csv(`${dir}/performance.csv`);
    deepEqual(rows.map(({ fields }) => [fields.group, fields.variants]), [["all", "3"], [
      "helix",
      "2",
    ]]);
    const scores = (await csv(`${dir}/scores.csv`)).rows
      .map(({ fields }) => Number(fields.esm2_t6_1M_PF20));
    // Two of three are above 1.5: the AUC is the share of them that score above W108G.
    const wins = [0, 2].filter((i) => scores[i] > scores[1]).length;
    equal(Number(rows[0].fields.auc), wins / 2);
    equal(rows[0].fields.spearman_low, "");
    equal((await csv(`${dir}/matrix.csv`)).rows[0].fields.position, "108");
  }, { "a.csv": text, "ref.csv": reference, "r.csv": "region,start,end\nhelix,105,109\n" });
});

test("score of pseudo-perplexity adds the likelihood and the perplexity, indels by their own length", () =>
  run([
    "--sequence",
    residues.slice(0, 20),
    "--mutations",
    "W8G,A11del",
    "--mode",
    "pseudo-perplexity",
    "--json",
  ], async ({ dir, out }) => {
    const { columns, rows } = await csv(`${dir}/scores.csv`);
    const name = "esm2_t6_1M_PF20";
    deepEqual(columns, [
      "mutant",
      name,
      `${name}_pseudo_log_likelihood`,
      `${name}_pseudo_perplexity`,
      `${name}_per_residue`,
    ]);
    const { wildTypePseudoLogLikelihood: wild } = JSON.parse(out).run;
    deepEqual(rows[0].fields[`${name}_per_residue`], "");
    const gone = rows[1].fields;
    allClose(
      [Number(gone[`${name}_per_residue`])],
      [Number(gone[`${name}_pseudo_log_likelihood`]) / 19 - wild / 20],
      { rtol: 1e-12 },
    );
    rows.forEach(({ fields }, i) => {
      const [score, pll, perplexity] = columns.slice(1).map((column) => Number(fields[column]));
      allClose([score, perplexity], [pll - wild, Math.exp(-pll / (i === 0 ? 20 : 19))], {
        rtol: 1e-12,
      });
    });
  }));

const GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
const numbers = (rows: { fields: Record<string, string> }[], column: string) =>
  rows.map(({ fields }) => Number(fields[column]));

/** Assays of two proteins whose tables have other columns of their own. */
const assays = {
  "ephb2.csv": "mutant,mutated_sequence,DMS_score,DMS_score_bin,note\n" +
    [3, 8, 21, 30, 44].map((p, i) => `${residues[p - 1]}${p}G,${mutate(p, "G")},${i % 3},,"a,b"\n`)
      .join(""),
  "gb1.csv": "organism;hgvs_pro;score\n" +
    [2, 9, 17, 33].map((p, i) => `x;${GB1[p - 1]}${p}A;${(i * 7) % 4},5\n`).join("") + "x;G9*;1\n",
};

test("score of several assays is what each alone gives, and means over them", async () => {
  const alone: Record<string, { scores: number[]; spearman: number; npz: Uint8Array }> = {};
  const given: Record<string, string[]> = {
    ephb2: ["--assay", "ephb2.csv"],
    gb1: ["--assay", "gb1.csv", "--sequence", GB1, "--id", "gb1"],
  };
  for (const [id, args] of Object.entries(given)) {
    await run([...args, "--column", "s", "--bootstrap", "0"], async ({ dir }) => {
      const text = await Deno.readTextFile(`${dir}/scores.csv`);
      const { rows } = parseTable(text, "scores");
      alone[id] = {
        scores: numbers(rows, "s"),
        spearman: numbers((await csv(`${dir}/performance.csv`)).rows, "spearman")[0],
        npz: await Deno.readFile(`${dir}/matrix.npz`),
      };
    }, assays);
  }
  const table = `assay,sequence,id,offset\nephb2.csv,,,\ngb1.csv,${GB1},gb1,1\n`;
  await run(["--table", "sub/t.csv", "--column", "s", "--bootstrap", "50", "--json"], async (
    { dir, out, files },
  ) => {
    deepEqual(files, [
      ...["ephb2.matrix.npz", "gb1.matrix.npz", "matrix.csv", "performance.csv", "report.html"],
      ...["run.json", "scores.csv", "summary.csv"],
    ]);
    const scores = await csv(`${dir}/scores.csv`);
    // Nothing but the variant is in both inputs.
    deepEqual(scores.columns, ["protein", "mutant", "s", "s_reason"]);
    const performance = await csv(`${dir}/performance.csv`);
    const matrix = await csv(`${dir}/matrix.csv`);
    for (const [id, one] of Object.entries(alone)) {
      const own = ({ fields }: { fields: Record<string, string> }) => fields.protein === id;
      deepEqual(numbers(scores.rows.filter(own), "s"), one.scores);
      deepEqual(numbers(performance.rows.filter(own), "spearman")[0], one.spearman);
      deepEqual(await Deno.readFile(`${dir}/${id}.matrix.npz`), one.npz);
      equal(matrix.rows.filter(own).length, id === "gb1" ? 4 : 5);
    }
    equal(scores.rows.at(-1)!.fields.s_reason, "stop");
    equal(scores.rows[0].fields.mutant, `${residues[2]}3G`);
    const summary = await csv(`${dir}/summary.csv`);
    const row = summary.rows.find(({ fields }) =>
      fields.group === "all" && fields.statistic === "spearman"
    )!.fields;
    const both = Object.values(alone).map(({ spearman }) => spearman);
    equal(row.proteins, "2");
    allClose([Number(row.mean)], [(both[0] + both[1]) / 2], { atol: 1e-12 });
    // Two proteins: a resample is one of them twice, or both.
    allClose([Number(row.low), Number(row.high)], [Math.min(...both), Math.max(...both)], {
      atol: 1e-12,
    });
    const json = JSON.parse(out);
    deepEqual(Object.keys(json), ["run", "tables"]);
    deepEqual(json.run.proteins.map((p: { target: { id: string } }) => p.target.id), [
      ...["ephb2", "gb1"],
    ]);
    for (const [name, { rows, columns }] of Object.entries({ scores, matrix, summary })) {
      deepEqual(json.tables[name].length, rows.length, name);
      deepEqual(Object.keys(json.tables[name][0]), columns, name);
    }
    deepEqual(json.tables.scores.at(-1), {
      ...{ protein: "gb1", mutant: "G9*", s: null, s_reason: "stop" },
    });
    const page = await Deno.readTextFile(`${dir}/report.html`);
    match(page, /<summary>gb1 <span>/);
    match(page, /Means over proteins/);
  }, {
    "sub/t.csv": table,
    ...Object.fromEntries(Object.entries(assays).map(([name, text]) => [`sub/${name}`, text])),
  });
});

test("score keeps the columns that several assays share, and tells assays of one protein apart", () =>
  run(["--assay", "one.csv", "--assay", "two.csv", "--sequence", GB1, "--no-report"], async (
    { dir, files },
  ) => {
    equal(files.includes("report.html"), false);
    const { columns, rows } = await csv(`${dir}/scores.csv`);
    deepEqual(columns, ["protein", "mutant", "DMS_score", "esm2_t6_1M_PF20"]);
    deepEqual(rows.map(({ fields }) => `${fields.protein} ${fields.mutant} ${fields.DMS_score}`), [
      ...["one T2A 1", "one Y3A 2", "two T2A 3"],
    ]);
    // Batches of other sizes.
    const [one, , two] = numbers(rows, "esm2_t6_1M_PF20");
    allClose([one], [two], { atol: 1e-4 });
  }, {
    "one.csv": "mutant,extra,DMS_score\nT2A,x,1\nY3A,x,2\n",
    "two.csv": "DMS_score,mutant\n3,T2A\n",
  }));

test("score of a FASTA file without --id scores every mutation of each record", async () => {
  const [a, b] = [GB1.slice(0, 20), residues.slice(0, 24)];
  const alone: string[] = [];
  for (const [id, sequence] of Object.entries({ a, b })) {
    await run(["--sequence", sequence, "--id", id], async ({ dir }) => {
      const text = await Deno.readTextFile(`${dir}/scores.csv`);
      alone.push(...text.trimEnd().split("\n").slice(1).map((line) => `${id},${line}`));
    });
  }
  await run(["--fasta", "p.fasta"], async ({ dir, out, files }) => {
    const text = await Deno.readTextFile(`${dir}/scores.csv`);
    deepEqual(text.trimEnd().split("\n"), ["protein,mutant,esm2_t6_1M_PF20", ...alone]);
    ok(files.includes("a.matrix.npz") && files.includes("b.matrix.npz"));
    match(out, /^protein +variants +highest +score +lowest +score\n-.*\na +380 /);
  }, { "p.fasta": `>a\n${a}\n>b\n${b}\n` });
});

test("score computes only mutated positions of a list, and others when asked", async () => {
  const positions = async ({ dir }: { dir: string }) =>
    (await csv(`${dir}/matrix.csv`)).rows.map(({ fields }) => Number(fields.position));
  const args = ["--sequence", residues, "--mutations", "W8G", "--offset", "1"];
  await run(args, async (found) => deepEqual(await positions(found), [8]));
  await run(
    [...args, "--positions", "3-5"],
    async (found) => deepEqual(await positions(found), [3, 4, 5, 8]),
  );
  await run(
    [...args, "--positions", "all"],
    async (found) => equal((await positions(found)).length, 66),
  );
});

test("score --aggregate prints averages and writes nothing", async () => {
  const dir = await Deno.makeTempDir(), before = Deno.cwd();
  try {
    Deno.chdir(dir);
    await Deno.writeTextFile(
      "l.csv",
      "DMS ID,UniProt ID,Selection Type,a,b\nx,X,Binding,0.2,0.5\ny,Y,Binding,0.4,0.1\n",
    );
    const out: string[] = [];
    const code = await execute(command, ["--aggregate", "l.csv"], {
      output: { out: (line) => out.push(line), err: () => {} },
    });
    equal(code, 0);
    const [, , ...rows] = out.join("\n").split("\n").map((line) => line.split(/\s+/));
    deepEqual(rows.map((row) => row.slice(0, 3)), [["a", "2", "0.3000"], ["b", "2", "0.3000"]]);
    deepEqual([...Deno.readDirSync(dir)].length, 1);
  } finally {
    Deno.chdir(before);
    await Deno.remove(dir, { recursive: true });
  }
});

test("score --help shows modes and examples", async () => {
  const out: string[] = [];
  equal(
    await execute(command, ["--help"], { output: { out: (line) => out.push(line), err() {} } }),
    0,
  );
  for (const part of ["masked-marginal", "--aggregate", "Examples:", "deno task score --assay"]) {
    ok(out.join("\n").includes(part), part);
  }
});

const MODEL = "esm2_t4_800K_SP50";
const MAVE = ["--mutant-column", "hgvs_pro", "--measured-column", "score", "--fasta", "gb1.fa"];

/** An assay among the fixtures (of GB1, measured values made up), on the model of the golden files. */
async function runAssay(
  name: string,
  args: string[],
  look: (found: {
    scores: Record<string, string>[];
    performance: Record<string, string>[];
    err: string;
    report: string;
  }) => void,
  extra = "",
): Promise<void> {
  const folder = new URL("./fixtures/assays/", import.meta.url);
  const read = (file: string) => Deno.readTextFile(new URL(file, folder));
  const files = { "a.csv": await read(name) + extra, "gb1.fa": await read("gb1.fa") };
  await run(
    ["--assay", "a.csv", "--bootstrap", "0", ...tinyModel, ...args],
    async ({ dir, err }) => {
      const table = async (file: string) => (await csv(`${dir}/${file}`)).rows.map((r) => r.fields);
      look({
        scores: await table("scores.csv"),
        performance: await table("performance.csv"),
        report: await Deno.readTextFile(`${dir}/report.html`),
        err,
      });
    },
    files,
  );
}

const groups = (performance: Record<string, string>[]) =>
  performance.map(({ group, variants }) => `${group} ${variants}`);

test("score keeps rows that cannot be scored, with the reason, and leaves them out of statistics", async () => {
  const cases = [
    ["mave_ter.csv", "", "1 stop", ["stop"]],
    ["mave_fs.csv", "", "1 frameshift", ["frameshift"]],
    [
      "mave_ter.csv",
      "x,NA,NA,p.?,1,NA\nx,NA,NA,_sy,2,NA\nx,NA,NA,NA,3,NA\nx,NA,NA,p.Ala20Ter,3,NA\n" +
      "x,NA,NA,p.Ala20Xaa,3,NA\nx,NA,NA,p.Met1ext-5,3,NA\n",
      "2 stop, 1 effect not known, 1 synonymous without residue, 1 no mutation given, " +
      "1 letter that is no amino acid, 1 stop lost or start gained",
      [
        ...["stop", "effect not known", "synonymous without residue", "no mutation given", "stop"],
        ...["letter that is no amino acid", "stop lost or start gained"],
      ],
    ],
  ] as const;
  for (const [file, extra, counts, reasons] of cases) {
    await runAssay(file, MAVE, ({ scores, performance, err }) => {
      equal(scores.length, 25 + reasons.length);
      deepEqual(scores.slice(25).map((row) => row[MODEL]), reasons.map(() => ""));
      deepEqual(scores.map((row) => row[`${MODEL}_reason`]), [...Array(25).fill(""), ...reasons]);
      ok(scores.slice(0, 25).every((row) => Number.isFinite(parseFloat(row[MODEL]))));
      deepEqual(groups(performance), ["all 25"]);
      allClose([Number(performance[0].spearman)], [0.011], { atol: 6e-4 });
      ok(err.includes(`out of statistics: ${counts}.`), err);
    }, extra);
  }
});

test("score keeps synonymous variants out of the headline, in a group of their own", () =>
  runAssay("mave_synonymous.csv", MAVE, ({ scores, performance }) => {
    const synonymous = scores.filter(({ hgvs_pro }) => hgvs_pro.endsWith("="));
    ok(synonymous.length > 0 && synonymous.every((row) => row[MODEL] === "0"));
    deepEqual(groups(performance), ["all 25", `synonymous ${synonymous.length}`]);
    allClose([Number(performance[0].spearman)], [0.011], { atol: 6e-4 });
  }));

test("score takes all measured variants where labels are missing; AUC and MCC those with a label", async () => {
  const spearman = async (file: string, labelled: string, aucs: RegExp) => {
    await runAssay(file, [], ({ performance }) => {
      equal(performance[0].labelled, labelled);
      deepEqual(groups(performance), ["all 25"]);
      allClose([Number(performance[0].spearman)], [0.390], { atol: 6e-4 });
      match(performance[0].auc, aucs);
      match(performance[0].mcc, aucs);
    });
  };
  await spearman("pg_nobin_empty.csv", "0", /^NaN$/);
  await spearman("pg_somebin.csv", "12", /^-?[01]\.?\d*$/);
});

test("score compares variants of other lengths by the score per residue, apart from substitutions", async () => {
  const gb1 = (await csv(new URL("./fixtures/assays/pg_somebin.csv", import.meta.url).pathname))
    .rows[0].fields.mutated_sequence.replace("GETCT", "GETTT");
  const half = gb1.slice(0, 28), longer = gb1 + "GS";
  const extra = `${half},${half},-3,0\n${longer},${longer},-1,1\nA20_A24del,,-2,0\n`;
  await runAssay("pg_somebin.csv", [], ({ scores, performance, err, report }) => {
    deepEqual(groups(performance), ["all 25", "indel 3", "indel_per_residue 3"]);
    allClose([Number(performance[0].spearman)], [0.390], { atol: 6e-4 });
    const perResidue = scores.map((row) => row[`${MODEL}_per_residue`]);
    ok(perResidue.slice(0, 25).every((value) => value === ""));
    // Half of a protein lost scores high by its sum only.
    ok(Number(scores[25][MODEL]) > 50, scores[25][MODEL]);
    ok(perResidue.slice(25).every((value) => Math.abs(Number(value)) < 1), perResidue.join());
    match(err, /3 of 28 variants changed in length/);
    match(report, /over 25 (single substitutions|variants); chance is 0/);
  }, extra);
});
