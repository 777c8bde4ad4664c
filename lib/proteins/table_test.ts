import { deepEqual, equal, match, rejects } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import * as column from "./table.ts";

const columns = { ...column.proteinColumns, truth: column.path, mutations: column.textOrPath };

/** Reads a table, with some files beside it, from another folder. */
async function withTable(
  text: string,
  look: (path: string, dir: string) => Promise<void>,
  files: Record<string, string> = {},
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/sub`);
    for (const [name, contents] of Object.entries({ "t.csv": text, ...files })) {
      await Deno.writeTextFile(`${dir}/sub/${name}`, contents);
    }
    await look(`${dir}/sub/t.csv`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("paths of a table start at its folder, records are found by accession or entry name", () =>
  withTable(
    "id,fasta_id,sequence,truth,mutations,\na,,MK-T,x.csv,A1G,\nb,P1,,/abs.csv,list.txt,\nB_X,,,,,\n",
    async (path, dir) => {
      const notes: string[] = [];
      const rows = await column.readProteinTable(
        path,
        columns,
        { fasta: `${dir}/sub/p.fasta` },
        notes,
      );
      deepEqual(rows.map(({ protein }) => protein?.residues), ["MKT", "MAA", "MCC"]);
      deepEqual(rows.map(({ row }) => row.get("truth")), [
        `${dir}/sub/x.csv`,
        "/abs.csv",
        undefined,
      ]);
      deepEqual(rows.map(({ row }) => row.get("mutations")), [
        "A1G",
        `${dir}/sub/list.txt`,
        undefined,
      ]);
      equal(rows[2].row.place, `${path} line 4`);
      match(notes.join(), /^a: 1 gap \(- or \.\) is removed/);
    },
    { "p.fasta": ">sp|P1|A_X\nMAA\n>sp|P2|B_X\nMCC\n", "list.txt": "A1G\n" },
  ));

Deno.test("a column that is not known is refused with the nearest, two of a name only if asked for", async () => {
  const refuses = (text: string, says: RegExp) =>
    withTable(text, (path) =>
      rejects(
        async () => {
          const rows = await column.readTable(path, columns, []);
          rows.forEach((row) => row.get("sequence"));
        },
        (error) => error instanceof UserError && says.test(error.message) || fail(error, says),
      ));
  const fail = (error: unknown, says: RegExp) => {
    throw new Error(`${error} must match ${says}`);
  };
  await refuses("id,sequence,thruth\na,MKT,x\n", /"thruth"; did you mean truth\?$/);
  await refuses("ID,sequence\na,MKT\n", /"ID"; did you mean id\?$/);
  await refuses("id,organism\na,x\n", /among id, sequence, .*: current value is "organism"$/);
  await refuses("sequence\nMKT\n", /must have the column "id"/);
  await refuses("id,sequence\n", /must have a row per protein/);
  await refuses("id,sequence,sequence\na,MKT,MKT\n", /two columns "sequence"/);
  await withTable("id,sequence,truth,truth\na,MKT,x,y\n", async (path) => {
    const [row] = await column.readTable(path, columns, []);
    equal(row.get("sequence"), "MKT");
  });
});
