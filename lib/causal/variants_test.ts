import { deepEqual, ok, rejects } from "../../tests/assert.ts";
import { PROTEINGYM_COLUMNS } from "../proteins/options.ts";
import { readVariants } from "./variants.ts";

const { functionalColumn: _, ...columns } = PROTEINGYM_COLUMNS;
const residues = "MKTAYIAKQR";

/** Reads files of a folder as the commands do. */
async function read(files: Record<string, string>, flags: { assay?: string; table?: string }) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    return await readVariants({
      ...{ ...columns, offset: 1, seed: 0 },
      assay: flags.assay ? [`${dir}/${flags.assay}`] : [],
      table: flags.table && `${dir}/${flags.table}`,
      sequence: flags.table ? undefined : residues,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("readVariants leaves out rows that cannot be scored, and counts them by reason", async () => {
  const rows = ["K2R,1", "A4*,2", "p.Tyr5fs,3", ",4", "T3=,5", "A4del,6", "K2R:A4G,7", "A4X,8"];
  const text = `mutant,DMS_score\n${rows.join("\n")}\n`;
  const { proteins, notes } = await read({ "a.csv": text }, { assay: "a.csv" });
  deepEqual(proteins[0].variants.map(({ name, number, measured }) => [name, number, measured]), [
    ["K2R", 0, 1],
    ["K2R:A4G", 6, 7],
  ]);
  ok(
    notes.at(-1)!.endsWith(
      "are left out: 1 stop, 1 frameshift, 1 no mutation given, 1 letter that is no amino acid, " +
        "1 without a substitution, 1 where residues come or go.",
    ),
    notes.join("\n"),
  );
  await rejects(
    () => read({ "a.csv": `${text}M2*,9\n` }, { assay: "a.csv" }),
    /"M2\*" .* residue 2 must be the sequence's K/,
  );
});

Deno.test("readVariants names the row of a table that is wrong, and its columns", async () => {
  const assay = "mutant,mutated_sequence,DMS_score\nK2R,MRTAYIAKQR,1\n";
  const table = "assay,id\na.csv,\na.csv,b\n";
  await rejects(
    () => read({ "a.csv": assay, "t.csv": table }, { table: "t.csv" }),
    /use column id as column fasta or column sequence must be given .*t\.csv line 3\)$/,
  );
});
