import { deepEqual, equal, match, rejects } from "../../tests/assert.ts";
import { withTempDir } from "../checkpoint/testing/files.ts";
import { PROTEINGYM_COLUMNS, readInputs } from "./inputs.ts";
import { listedOrFile } from "./source.ts";

const flags = { ...PROTEINGYM_COLUMNS, offset: 1, sequence: "MKTAYIAKQR" };

Deno.test("--mutations is a list or a file with one variant per line", () =>
  withTempDir(async (dir) => {
    const texts = async (given: string) =>
      (await Array.fromAsync((await listedOrFile(given)).rows())).map(({ text }) => text);
    deepEqual(await texts("K2R,T3A:A4G"), ["K2R", "T3A:A4G"]);
    const path = `${dir}/mine.txt`;
    const lines = ["\uFEFFmutation", "K2R", "", "# a comment", "T3A,A4G  # two", "p.Ala4Gly"];
    await Deno.writeTextFile(path, lines.join("\r\n"));
    deepEqual(await texts(path), ["K2R", "T3A,A4G", "p.Ala4Gly"]);
    const rows = await Array.fromAsync((await listedOrFile(path)).rows());
    deepEqual([rows[1].place, rows[1].raw], [`${path} line 5`, '"T3A,A4G"']);
    await Deno.writeTextFile(path, "mutation\n");
    await rejects(listedOrFile(path), /must name a mutation such as A10G, or a file of some/);
  }));

Deno.test("columns of MaveDB and nn4dms are known, unless others are named", () =>
  withTempDir(async (dir) => {
    const path = `${dir}/a.csv`;
    const read = async (text: string, more = {}) => {
      await Deno.writeTextFile(path, text);
      const { source, notes } = await readInputs({ ...flags, assay: path, ...more });
      const rows = await Array.fromAsync(source.rows());
      return { notes, rows: rows.map(({ text, measured }) => [text, measured]) };
    };
    const mave = await read("accession,hgvs_nt,hgvs_pro,score\nx,NA,NP_1.1:p.Lys2Arg,-1.5\n");
    deepEqual(mave.rows, [["NP_1.1:p.Lys2Arg", -1.5]]);
    match(mave.notes.join(), /MaveDB: hgvs_pro and score/);
    const nn4dms = await read("variant\tnum_mutations\tinp\tscore\nK2R,T3A\t2\t9\t0.5\n");
    deepEqual(nn4dms.rows, [["K2R,T3A", 0.5]]);
    const own = { mutantColumn: "hgvs_pro" };
    equal((await read("hgvs_pro,score\np.Lys2Arg,1\n", own)).notes.length, 0);
  }));
