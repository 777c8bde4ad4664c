/** `fold` from the command line: the files of the golden structures, tables, and a run that goes on. */
import { adapterArrays, newAdapter, withArrays, writeAdapter } from "../lib/adapter/mod.ts";
import { execute } from "../lib/cli/main.ts";
import { openFold } from "../lib/fold/mod.ts";
import { randomSae } from "../lib/sae/testing/random.ts";
import { writeSae } from "../lib/sae/write.ts";
import { command } from "../tasks/fold.ts";
import { command as merge } from "../tasks/merge.ts";
import { inFolder, listing, type Outcome, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { testBadInputs } from "./bad_input.ts";
import { fixturePath, readFixture } from "./fixtures.ts";
import { stoppedRun } from "./stopped_run.ts";

const MODEL = fixturePath("esmfold/model");
const golden = (name: string) => Deno.readTextFileSync(fixturePath(`esmfold/${name}_fair.pdb`));

/** The sequences of the golden structures. */
const S12 = "MKTAYIAKQRQW", S21 = "GSHVLCEPDFNRXKGYWTMIA", MULTIMER = "MKTAYI:GSHVL";

async function fold(...args: string[]): Promise<Outcome> {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, ["--model", MODEL, "--backend", "cpu", ...args], {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function folded(dir: string, ...args: string[]): Promise<Outcome> {
  const outcome = await fold("--out", dir, "--quiet", ...args);
  equal(outcome.code, 0, outcome.err);
  return outcome;
}

function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name: `fold ${name}`,
    // The native library's threads outlive a run.
    ...{ sanitizeOps: false, sanitizeResources: false },
    fn: () => inFolder(fn),
  });
}

test("writes fair-esm's files, byte for byte, with their tables and record", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.fasta`, `>s12\n${S12}\n>s21\n${S21}\n`);
  const { out } = await folded(`${dir}/out`, "--fasta", `${dir}/in.fasta`);
  for (const name of ["s12", "s21"]) {
    equal(Deno.readTextFileSync(`${dir}/out/${name}.pdb`), golden(name), name);
  }
  const summary = readCsv(`${dir}/out/summary.csv`).rows;
  deepEqual(summary.map(({ protein, length }) => [protein, length]), [["s12", "12"], [
    "s21",
    "21",
  ]]);
  const residues = readCsv(`${dir}/out/plddt.csv`).rows;
  equal(residues.length, 33);
  // The B-factor of a Cα is its residue's pLDDT; X has no atoms and is a residue all the same.
  const alphas = golden("s21").split("\n").filter((line) => /^ATOM.{9}CA /.test(line));
  const own = residues.filter(({ protein, letter }) => protein === "s21" && letter !== "X");
  deepEqual(
    own.map(({ plddt }) => Number(plddt).toFixed(2)),
    alphas.map((line) => line.slice(60, 66).trim()),
  );
  match(out, /s12 +12 +[\d.]+ +[\d.]+/);
  const run = JSON.parse(Deno.readTextFileSync(`${dir}/out/run.json`));
  equal(run.command, "fold");
  ok(listing(`${dir}/out`).includes("s12.cif"));
});

test("folds chains together where : stands between them", async (dir) => {
  await folded(dir, "--sequence", MULTIMER, "--id", "multimer", "--recycles", "0");
  equal(Deno.readTextFileSync(`${dir}/multimer.pdb`), golden("multimer"));
  const [row] = readCsv(`${dir}/summary.csv`).rows;
  deepEqual([row.chains, row.length], ["2", "11"]);
});

test("gives the same whatever number of rows runs at a time", async (dir) => {
  await folded(dir, "--sequence", S12, "--id", "s12", "--chunk-size", "5");
  equal(Deno.readTextFileSync(`${dir}/s12.pdb`), golden("s12"));
});

Deno.test("fold without a model says that none comes with the project, and how to have one", () =>
  inFolder(async (dir) => {
    const err: string[] = [];
    const code = await execute(command, ["--sequence", S12, "--out", `${dir}/out`], {
      output: { out: () => {}, err: (line) => err.push(line) },
    });
    equal(code, 2);
    equal(err.length, 1);
    match(err[0], /no trained trunk comes with the project.*deno task fetch esmfold_v1.*8\.4 GB/);
    deepEqual(listing(dir), []);
  }));

test("--mask folds before and after residues are hidden", async (dir) => {
  // Residues 3 and 8 are those of the golden file.
  await folded(dir, "--sequence", S12, "--id", "s12", "--mask", "3,8", "--recycles", "0");
  const golden = readFixture("esmfold/s12_maskpattern_fair").plddt.data;
  const { rows } = readCsv(`${dir}/plddt.csv`);
  const first = golden.length - 37 * rows.length;
  allClose(
    rows.map(({ plddt_changed }) => Number(plddt_changed)),
    rows.map((_, i) => 100 * golden[first + 37 * i + 1]),
    { atol: 1e-3 },
  );
  for (const { plddt, plddt_changed, plddt_change } of rows) {
    equal(Number(plddt_change), Number(plddt_changed) - Number(plddt));
  }
  const files = listing(dir);
  for (const name of ["s12.pdb", "s12_changed.pdb", "s12_changed.cif"]) ok(files.includes(name));
  await folded(`${dir}/plain`, "--sequence", S12, "--id", "s12", "--recycles", "0");
  equal(Deno.readTextFileSync(`${dir}/s12.pdb`), Deno.readTextFileSync(`${dir}/plain/s12.pdb`));
  const [row] = readCsv(`${dir}/summary.csv`).rows;
  ok(Number(row.rmsd_changed) > 0.05 && Number(row.tm_changed) < 1, JSON.stringify(row));
});

test("--truth holds a fold against a structure in whatever place, with residues missing", async (dir) => {
  // Turned, moved, without residue 4, numbered anew, with one letter changed.
  const lines = golden("s12").split("\n").filter((line) => line.startsWith("ATOM"));
  const turned = lines.filter((line) => line.slice(22, 26).trim() !== "4").map((line) => {
    const [x, y, z] = [30, 38, 46].map((at) => Number(line.slice(at, at + 8)));
    const place = [5 - y, x + 3, z - 40].map((value) => value.toFixed(3).padStart(8)).join("");
    const number = String(Number(line.slice(22, 26)) + 100).padStart(4);
    const name = line.slice(17, 20) === "TRP" ? "PHE" : line.slice(17, 20);
    return `${line.slice(0, 17)}${name} B${number}    ${place}${line.slice(54)}`;
  });
  await Deno.writeTextFile(`${dir}/true.pdb`, [...turned, "END", ""].join("\n"));
  const args = ["--sequence", S12, "--id", "s12", "--truth", `${dir}/true.pdb`];
  const { out } = await folded(`${dir}/out`, ...args);
  match(out, /RMSD to truth/);
  const [row] = readCsv(`${dir}/out/summary.csv`).rows;
  equal(row.truth_residues, "11");
  allClose([row.rmsd, row.tm, row.lddt].map(Number), [0, 1, 1], { atol: 2e-3 });
  const { rows } = readCsv(`${dir}/out/plddt.csv`);
  deepEqual(rows.filter(({ lddt }) => lddt === "").map(({ position }) => position), ["4"]);
  // The mmCIF file of the run says the same of itself.
  await folded(`${dir}/own`, "--sequence", S12, "--truth", `${dir}/out/s12.cif`, "--mask", "2");
  const [own] = readCsv(`${dir}/own/summary.csv`).rows;
  equal(own.truth_residues, "12");
  allClose([own.rmsd, own.tm, own.lddt].map(Number), [0, 1, 1], { atol: 2e-3 });
  allClose([Number(own.rmsd_of_changed)], [Number(own.rmsd_changed)], { atol: 2e-3 });
});

test("--truth matches every chain of a complex to one of the file's", async (dir) => {
  const args = ["--sequence", MULTIMER, "--id", "multimer", "--recycles", "0"];
  await folded(`${dir}/out`, ...args, "--truth", fixturePath("esmfold/multimer_fair.pdb"));
  const [row] = readCsv(`${dir}/out/summary.csv`).rows;
  equal(row.truth_residues, "11");
  allClose([row.rmsd, row.tm, row.lddt].map(Number), [0, 1, 1], { atol: 2e-3 });
});

test("--scan heads ranks heads by what folds without them lose", async (dir) => {
  const protein = ["--sequence", S12, "--id", "s12"];
  const { code, err } = await fold("--out", `${dir}/out`, ...protein, "--scan", "heads");
  equal(code, 0, err);
  match(err, /^Scan: all 8 heads, 9 folds, each of 1 pass \(--recycles 0\)\.$/m);
  const { rows } = readCsv(`${dir}/out/scan.csv`);
  deepEqual(rows.map(({ rank }) => rank), ["1", "2", "3", "4", "5", "6", "7", "8"]);
  const lost = rows.map(({ contacts_lost }) => Number(contacts_lost));
  deepEqual(lost, lost.toSorted((a, b) => b - a));
  // As a change of that head alone has it.
  const { layer, head } = rows[0];
  const alone = ["--ablate-heads", `${layer}:${head}`, "--recycles", "0"];
  await folded(`${dir}/alone`, ...protein, ...alone);
  const [row] = readCsv(`${dir}/alone/summary.csv`).rows;
  for (const name of ["contacts", "contacts_lost", "contacts_gained"]) {
    equal(rows[0][name], row[name], name);
  }
  equal(rows[0].rmsd, row.rmsd_changed);
  equal(rows[0].tm, row.tm_changed);

  const some = ["--scan", "heads", "--scan-layers", "1", "--scan-most", "3"];
  const bounded = await fold("--out", `${dir}/some`, ...protein, ...some);
  match(bounded.err, /^Scan: 3 of 4 heads \(--scan-most\), 4 folds/m);
  deepEqual(
    readCsv(`${dir}/some/scan.csv`).rows.map(({ layer, head }) => `${layer}:${head}`).sort(),
    ["1:0", "1:1", "1:2"],
  );
});

test("--adapter folds before and after, and one that adds nothing changes nothing", async (dir) => {
  using checkpoint = await openFold(MODEL);
  const made = await newAdapter(checkpoint.esm, {
    ...{ kind: "base", task: null, baseModel: "esm2_tiny", rank: 2, alpha: 4 },
    ...{ targets: ["query", "value"], name: "made", seed: 1 },
  });
  const protein = ["--sequence", S12, "--id", "s12", "--recycles", "0"];
  for (const scale of [0, 0.5]) {
    const values = Object.entries(adapterArrays(made)).filter(([name]) => name.endsWith("lora_B"))
      .map(([name, { values }]) => [name, values.map((_, i) => scale * Math.sin(i))]);
    const own = withArrays(made, Object.fromEntries(values));
    await Deno.mkdir(`${dir}/made`, { recursive: true });
    await writeAdapter((file) => `${dir}/made/${file}`, own);
    await folded(`${dir}/out`, ...protein, "--adapter", `${dir}/made`);
    const [plain, changed] = ["s12", "s12_changed"]
      .map((name) => Deno.readTextFileSync(`${dir}/out/${name}.pdb`));
    equal(plain === changed, scale === 0, String(scale));
    match(JSON.parse(Deno.readTextFileSync(`${dir}/out/run.json`)).model.name, /\+made$/);
  }
});

test("--steer holds latents of an autoencoder", async (dir) => {
  const sae = randomSae({ dModel: 40, latents: 64, k: 8, depth: 1 }, 3);
  await writeSae(`${dir}/sae.safetensors`, sae);
  const args = ["--sequence", S12, "--id", "s12", "--recycles", "0"];
  await folded(`${dir}/out`, ...args, "--sae", `${dir}/sae.safetensors`, "--steer", "5=3");
  const [row] = readCsv(`${dir}/out/summary.csv`).rows;
  ok(Number(row.rmsd_changed) > 0.01, row.rmsd_changed);
  const run = JSON.parse(Deno.readTextFileSync(`${dir}/out/run.json`));
  equal(run.change, "latent 5 at 3");
});

for (
  const [what, args, files] of [
    ["of many proteins with a change", ["--mask", "2"], [
      ...["plddt.csv", "pae.npz", "p0.pdb", "p5_changed.cif"],
    ]],
    ["of a scan", ["--scan", "heads"], ["plddt.csv", "scan.csv", "p0.pdb"]],
  ] as const
) {
  test(`${what} goes on where it was killed, and its shards merge to the run in one piece`, async (dir) => {
    const letters = Array.from({ length: 6 }, (_, p) => `>p${p}\n${S21.slice(p)}${S12}\n`);
    await Deno.writeTextFile(`${dir}/in.fasta`, letters.join(""));
    const own = ["--fasta", `${dir}/in.fasta`, "--recycles", "0", ...args];
    await folded(`${dir}/whole`, ...own);
    const same = (folder: string) => {
      for (const file of files) {
        deepEqual(
          Deno.readFileSync(`${dir}/${folder}/${file}`),
          Deno.readFileSync(`${dir}/whole/${file}`),
          file,
        );
      }
    };
    const script = new URL("../tasks/fold.ts", import.meta.url).pathname;
    const out = ["--model", MODEL, "--backend", "cpu", "--out", `${dir}/again`];
    await Deno.mkdir(`${dir}/again`);
    const { code } = await stoppedRun(
      script,
      [...own, ...out],
      "SIGKILL",
      () =>
        [...Deno.readDirSync(`${dir}/again`)].some(({ name }) =>
          name.endsWith(".progress") && Deno.statSync(`${dir}/again/${name}`).size > 10_000
        ),
    );
    ok(code !== 0, "it was killed");
    const again = await fold("--out", `${dir}/again`, ...own);
    equal(again.code, 0, again.err);
    match(again.err, /Continuing an interrupted run/);
    same("again");
    for (const shard of ["2/3", "1/3", "3/3"]) {
      await folded(`${dir}/parts`, ...own, "--shard", shard);
    }
    const err: string[] = [];
    const merged = await execute(merge, [`${dir}/parts`, "--out", `${dir}/merged`], {
      output: { out: () => {}, err: (line) => err.push(line) },
    });
    equal(merged, 0, err.join("\n"));
    same("merged");
  });
}

const given = ["--model", MODEL, "--sequence", S12];

testBadInputs("fold", (args, settings) => execute(command, args, settings), [
  {
    name: "an id without a file",
    args: ["--model", MODEL, "--id", "a"],
    says: /--id as --fasta or --sequence/,
  },
  {
    name: "a chain without residues",
    args: ["--model", MODEL, "--sequence", "MKT::AY"],
    says: /every chain must have a residue/,
  },
  {
    name: "more chains than a PDB file has letters for",
    args: ["--model", MODEL, "--sequence", Array(27).fill("A").join(":")],
    says: /as PDB as it must have at most 26 chains, .*: current values are 27, 163, \d+$/,
  },
  {
    name: "residue numbers that a PDB file has no room for",
    args: ["--model", MODEL, "--sequence", Array(20).fill("A").join(":")],
    says: /residue numbers of 9999: current values are 20, 121, 10223$/,
  },
  {
    name: "a protein without atoms",
    args: ["--model", MODEL, "--sequence", "XXX"],
    says: /as PDB as it must have an atom: it has none/,
  },
  {
    name: "a hidden residue that the protein has not",
    args: [...given, "--mask", "5,13"],
    says: /--mask must be in 1\.\.12: current value is 13/,
  },
  {
    name: "a hidden residue 0",
    args: [...given, "--mask", "0-3"],
    says: /--mask .* 1\.\.99999/,
  },
  {
    name: "a head that the language model has not",
    args: [...given, "--ablate-heads", "1:4"],
    says: /--ablate-heads as layers must be in 0\.\.1 and heads in 0\.\.3.*1:4/,
  },
  {
    name: "latents without an autoencoder",
    args: [...given, "--steer", "5=3"],
    says: /--steer as --sae must be given/,
  },
  {
    name: "an autoencoder without latents",
    args: [...given, "--sae", "interplm-8m:l3"],
    says: /--sae as --steer must be given/,
  },
  {
    name: "an autoencoder that is not there",
    args: [...given, "--sae", "nothing", "--steer", "5=3"],
    says: /nothing/,
  },
  {
    name: "latents that are none",
    args: [...given, "--sae", "a", "--steer", "five"],
    says: /Cannot read --steer as it must be latents and numbers/,
  },
  {
    name: "a scan and a change",
    args: [...given, "--scan", "heads", "--mask", "3"],
    says: /--scan together with --mask/,
  },
  {
    name: "bounds of a scan without one",
    args: [...given, "--scan-most", "3"],
    says: /--scan-most as --scan heads must be given/,
  },
  {
    name: "a layer to scan that the model has not",
    args: [...given, "--scan", "heads", "--scan-layers", "2"],
    says: /--scan-layers as layers must be in 0\.\.1/,
  },
  {
    name: "a true structure that is not there",
    args: [...given, "--truth", "none.pdb"],
    says: /none\.pdb/,
  },
  {
    name: "a true structure that is none",
    files: { "a.pdb": "hello\n" },
    args: [...given, "--truth", "a.pdb"],
    says: /a structure must be a PDB file/,
  },
  {
    name: "a true structure of another protein",
    args: [
      ...["--model", MODEL, "--sequence", "WWWWPPPPHHHHCCCC"],
      ...["--truth", fixturePath("esmfold/s21_fair.pdb")],
    ],
    says: /its chain must fit the sequence/,
  },
  {
    name: "a true structure with fewer chains",
    args: [
      ...["--model", MODEL, "--sequence", `${S21}:${S21}`],
      ...["--truth", fixturePath("esmfold/s21_fair.pdb")],
    ],
    says: /a chain for each of the 2 that are folded: current count is 1/,
  },
  {
    name: "a true structure of many proteins",
    files: { "two.fasta": `>a\n${S12}\n>b\n${S21}\n` },
    args: [
      ...["--model", MODEL, "--fasta", "two.fasta"],
      ...["--truth", fixturePath("esmfold/s21_fair.pdb")],
    ],
    says: /--truth for 2 proteins as it belongs to one/,
  },
  {
    name: "a chain without a true structure",
    args: [...given, "--chain", "A"],
    says: /--chain as --truth must be given/,
  },
  {
    name: "a chain that the true structure has not",
    args: [...given, "--truth", fixturePath("esmfold/s12_fair.pdb"), "--chain", "Q"],
    says: /--chain with .*s12_fair\.pdb.* must be one of A/,
  },
]);
