/** `embed --map` and `--search`, from the command line to the files. */
import { cosine, vectorOf } from "../lib/embed/vectors.ts";
import { csvNumber, inFolder, listing, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { testBadInputs } from "./bad_input.ts";
import { embedded, readArrays } from "./embed_run.ts";
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/embed.ts";

const LETTERS = "LAGVSERTIDPKQNFYMHWC";

/** Proteins of two compositions, so that neighbours mean something. */
const proteins = Array.from({ length: 24 }, (_, p) => ({
  id: `p${p}`,
  kind: p % 2 === 0 ? "even" : "odd",
  residues: Array.from(
    { length: 30 + p },
    (_, i) => LETTERS[(p % 2) * 10 + (p * 31 + i * i * 7 + i * 3) % 10],
  ).join(""),
}));

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test({
    name: `embed ${name}`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () =>
      inFolder(async (dir) => {
        const rows = proteins.map(({ id, residues, kind }) => `${id},${residues},${kind}`);
        await Deno.writeTextFile(`${dir}/in.csv`, `id,sequence,kind\n${rows.join("\n")}\n`);
        const records = proteins.map(({ id, residues }) => `>db_${id}\n${residues}\n`);
        await Deno.writeTextFile(`${dir}/db.fasta`, records.join(""));
        await fn(dir);
      }),
  });

test("--search names the nearest by cosine of the vectors that it writes", async (dir) => {
  const { out } = await embedded(
    ...["--table", `${dir}/in.csv`, "--search", `${dir}/db.fasta`, "--top", "3"],
    // A small budget puts proteins and database into many groups.
    ...["--token-budget", "40", "--layers", "2,last", "--out", `${dir}/out`],
  );
  match(
    out,
    /Of 24 proteins' nearest among 24, db_p\d+ is the most similar to p\d+: cosine 1\.0000/,
  );
  const { arrays } = await readArrays(`${dir}/out/embeddings.npz`);
  const { data: values, shape: [count, width] } = arrays.get("mean_representations.2")!;
  equal(count, 24, "the database is not among the arrays");
  const { rows } = readCsv(`${dir}/out/neighbours.csv`);
  equal(rows.length, 72);
  proteins.forEach(({ id }, p) => {
    const own = rows.filter(({ protein }) => protein === id);
    const wanted = proteins.map((other, o) => ({
      id: `db_${other.id}`,
      cosine: cosine(vectorOf({ values, width }, p), vectorOf({ values, width }, o)),
    })).sort((a, b) => b.cosine - a.cosine).slice(0, 3);
    deepEqual(own.map(({ rank }) => rank), ["1", "2", "3"]);
    equal(own[0].neighbour, `db_${id}`, "itself");
    // Batches of other sizes round otherwise in the last bits, which may exchange equals.
    allClose(own.map((row) => csvNumber(row.cosine)), wanted.map((one) => one.cosine), {
      atol: 1e-6,
    });
  });
  ok(listing(`${dir}/out`).includes("report.html"));
});

test("--map writes a row per protein, and colours by a column", async (dir) => {
  const { out } = await embedded(
    ...["--table", `${dir}/in.csv`, "--map", "pca", "--colour-by", "kind"],
    ...["--out", `${dir}/out`],
  );
  match(
    out,
    /For 100\u202f% of 24 proteins the most similar one has the same kind, where chance gives 48/,
  );
  const { rows, columns } = readCsv(`${dir}/out/map.csv`);
  deepEqual(columns, ["protein", "x", "y", "kept"]);
  deepEqual(rows.map(({ protein }) => protein), proteins.map(({ id }) => id));
  const html = await Deno.readTextFile(`${dir}/out/report.html`);
  match(html, /"colourBy":"kind"/);
  const run = JSON.parse(await Deno.readTextFile(`${dir}/out/run.json`));
  equal(run.map.agreements[0].column, "kind");
  ok(run.map.trustworthiness > 0.5);
  // The same again, and another seed of a method without one.
  await embedded(
    "--table",
    `${dir}/in.csv`,
    "--map",
    "pca",
    "--seed",
    "4",
    "--out",
    `${dir}/again`,
  );
  deepEqual(readCsv(`${dir}/again/map.csv`).rows, rows);
});

test("without a map or a search writes no report", async (dir) => {
  await embedded("--fasta", `${dir}/db.fasta`, "--out", `${dir}/out`);
  deepEqual(listing(`${dir}/out`), [
    ...["embeddings.csv", "embeddings.npz", "proteins.csv", "run.json"],
  ]);
});

const table = `id,sequence,kind\n${
  proteins.slice(0, 6).map(({ id, residues }) => `${id},${residues},x`).join("\n")
}\n`;

testBadInputs("embed", (args, settings) => execute(command, [...args], settings), [
  {
    name: "a map of a few proteins",
    args: ["--map", "umap"],
    says: /Cannot draw a map as --map umap must have 5 to 50000 proteins: current value is 1$/,
  },
  {
    name: "a map of residues alone",
    files: { "in.csv": table },
    args: ["--table", "in.csv", "--map", "umap", "--pool", "none"],
    says: /Cannot use --map as it compares vectors of proteins/,
  },
  {
    name: "a search with residues alone",
    files: { "in.csv": table },
    args: ["--search", "in.csv", "--pool", "none"],
    says: /Cannot use --search as it compares vectors of proteins/,
  },
  {
    name: "a colour that is no column",
    files: { "in.csv": table },
    args: ["--table", "in.csv", "--map", "umap", "--colour-by", "class"],
    says:
      /--colour-by as it must be length or a column of --table: current value is "class", columns are "kind"/,
  },
  {
    name: "a colour without a map",
    files: { "in.csv": table },
    args: ["--table", "in.csv", "--colour-by", "kind"],
    says: /Cannot use --colour-by as --map must be given with it/,
  },
  {
    name: "a database that is none",
    files: { "in.csv": table, "db.fasta": ">a\nMK1\n" },
    args: ["--table", "in.csv", "--search", "db.fasta"],
    says: /db\.fasta" as line 2 must hold residue letters only: current value is "MK1"/,
  },
  {
    name: "a method that is none",
    args: ["--map", "isomap"],
    says: /--map as it must be one of umap, tsne, pca: current value is "isomap"/,
  },
]);
