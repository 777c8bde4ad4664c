/** Structures that sae commands are given: their chain is found, drawn, and refused in one line. */
import { fidelityPanel } from "../data/fidelity_panel.ts";
import { readVariants } from "../lib/causal/variants.ts";
import { openInputs } from "../lib/sae/encode/inputs.ts";
import { PROTEINGYM_COLUMNS } from "../lib/proteins/options.ts";
import { deepEqual, equal, match, rejects } from "./assert.ts";
import { helix } from "./report_sample.ts";
import { runSae } from "./sae_run.ts";

const { functionalColumn: _, ...columns } = PROTEINGYM_COLUMNS;
const ALANINES = "A".repeat(40), GB1 = fidelityPanel[2].residues;

async function inFolder(files: Record<string, string>, look: (dir: string) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    await look(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const flags = { maxLength: 1022 };

Deno.test("a structure gives its sequence, or is drawn on one that it fits", () =>
  inFolder({ "h.pdb": helix(40) }, async (dir) => {
    const structure = `${dir}/h.pdb`;
    const own = await openInputs({ ...flags, structure });
    deepEqual([own.count, own.residues], [1, 39]);
    match(own.notes[0], /^h: the sequence is that of chain A of .*h\.pdb; residues without coord/);
    const whole = await openInputs({ ...flags, structure, sequence: ALANINES });
    const { points, numbers, secondary, source } = whole.shapes.get(0)!;
    // The file has 39 of the 40 residues.
    const at = numbers.indexOf(0);
    deepEqual(numbers.toSpliced(at, 1), Array.from({ length: 39 }, (_, i) => i + 1));
    points.forEach((value, i) => equal(Number.isNaN(value), Math.floor(i / 3) === at));
    equal(secondary.length, 40);
    match(source, /h\.pdb chain A$/);
    equal(own.shapes.get(0)!.points.length, 3 * 39);
  }));

Deno.test("structures that do not fit, belong to one, or have no such chain are refused", () =>
  inFolder({
    "h.pdb": helix(40),
    "two.fa": `>a\n${GB1}\n>b\n${ALANINES}\n`,
    "t.csv": `id,structure\ngb1,h.pdb\n`,
    "c.csv": `id,sequence,chain\na,${ALANINES},A\n`,
    "none.csv": "id,chain\na,\n",
  }, async (dir) => {
    const structure = `${dir}/h.pdb`, table = `${dir}/t.csv`;
    const refuses = (more: Parameters<typeof openInputs>[0] | object, message: RegExp) =>
      rejects(() => openInputs({ ...flags, ...more }), message);
    await refuses(
      { structure, sequence: GB1 },
      /^UserError: Cannot use ".*h\.pdb" for "sequence" as its chain must fit the sequence: chain A agrees in/,
    );
    await refuses(
      { structure, fasta: `${dir}/two.fa` },
      /^UserError: Cannot use --structure for 2 sequences as it belongs to one/,
    );
    await refuses({ structure, chain: "Q", sequence: ALANINES }, /must be one of A: .* "Q"$/);
    await refuses({ chain: "A", sequence: ALANINES }, /Cannot use --chain as --structure must/);
    await refuses({ table, structure }, /^UserError: Cannot use --table together with --structure/);
    await refuses(
      { table: `${dir}/c.csv` },
      /Cannot use column chain as column structure must be given .*c\.csv line 2\)$/,
    );
    await refuses(
      { table: `${dir}/none.csv` },
      /none\.csv line 2 as it must have a sequence, .*: current value is none$/,
    );
    const found = await openInputs({ ...flags, table });
    deepEqual([found.count, found.shapes.size], [1, 1]);
  }));

Deno.test("readVariants() reads a structure for the protein, and a column of structures", () =>
  inFolder({
    "h.pdb": helix(40),
    "t.csv": `id,sequence,mutations,structure\na,${ALANINES},A3G,h.pdb\nb,${GB1},M1A,\n`,
    "bad.csv": `id,sequence,mutations,structure\nb,${GB1},M1A,h.pdb\n`,
  }, async (dir) => {
    const usual = { ...columns, offset: 1, seed: 0, assay: [] };
    const one = await readVariants({
      ...usual,
      ...{ sequence: ALANINES, mutations: "A3G", id: "p", structure: `${dir}/h.pdb` },
    });
    equal(one.shapes.get("p")!.points.length, 120);
    const two = await readVariants({ ...usual, table: `${dir}/t.csv` });
    deepEqual([...two.shapes.keys()], ["a"]);
    await rejects(
      () => readVariants({ ...usual, table: `${dir}/bad.csv` }),
      /^UserError: Cannot use ".*h\.pdb" for "b" as its chain must fit .*\(.*bad\.csv line 2\)$/,
    );
    await rejects(
      () => readVariants({ ...usual, table: `${dir}/t.csv`, structure: `${dir}/h.pdb` }),
      /^UserError: Cannot use --table and --structure together/,
    );
  }));

Deno.test("sae patch, ig, circuit and steer refuse a structure of another protein, and write nothing", async () => {
  const more = { steer: ["--set", "1=2"] };
  for (const name of ["patch", "ig", "circuit", "steer"] as const) {
    const own = name === "steer" ? more.steer : ["--mutations", "M1A"];
    const args = [name, "--sequence", GB1, ...own, "--structure", "h.pdb", "--backend", "cpu"];
    await runSae(args, ({ code, err, files }) => {
      equal(code, 2, err);
      match(err, /^error: Cannot use "h\.pdb" for .* as its chain must fit the sequence: chain A/m);
      deepEqual(files, []);
    }, { "h.pdb": helix(40) });
  }
});

Deno.test("sae encode draws the structure, and its tables are those without", async () => {
  const args = ["encode", "--sequence", ALANINES, "--backend", "cpu", "--no-fidelity"];
  const tables: string[][] = [];
  for (const more of [["--structure", "h.pdb"], ["--no-report"], []]) {
    await runSae([...args, ...more], async ({ dir, code, err, files }) => {
      equal(code, 0, err);
      const isDrawn = more[0] !== "--no-report";
      equal(files.includes("report.html"), isDrawn);
      tables.push(
        await Promise.all(
          ["latents.csv", "top_latents.csv"].map((name) => Deno.readTextFile(`${dir}/out/${name}`)),
        ),
      );
      if (!isDrawn) return;
      const html = await Deno.readTextFile(`${dir}/out/report.html`);
      equal(html.includes('data-figure="structure"'), more.length > 0);
      match(html, /was not measured/);
    }, { "h.pdb": helix(40) });
  }
  deepEqual(tables[1], tables[0]);
  deepEqual(tables[2], tables[0]);
});
