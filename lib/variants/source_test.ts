import { deepEqual, equal, match, rejects } from "../../tests/assert.ts";
import { withTempDir } from "../checkpoint/testing/files.ts";
import { PROTEINGYM_COLUMNS } from "../proteins/options.ts";
import { readInputs } from "./inputs.ts";
import { rowNotes, scanVariants } from "./scan.ts";
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

Deno.test("an assay as a spreadsheet saved it: decimal commas, its errors, infinite values", () =>
  withTempDir(async (dir) => {
    const folder = new URL("../../tests/fixtures/assays/", import.meta.url);
    const measured = async (assay: string) => {
      const { source, target } = await readInputs({ ...PROTEINGYM_COLUMNS, offset: 1, assay });
      const rows = await Array.fromAsync(source.rows());
      return { values: rows.map(({ measured }) => measured), target, source };
    };
    const excel = new URL("excel_semicolon_comma_decimal.csv", folder).pathname;
    const written = (await Deno.readTextFile(excel)).trim().split(/\r?\n/).slice(1)
      .map((line) => Number(line.split(";")[2].replaceAll('"', "").replace(",", ".")));
    deepEqual((await measured(excel)).values, written);
    equal(written[0], 0.5126);
    const odd = (await measured(new URL("pg_nan2.csv", folder).pathname)).values;
    deepEqual([odd.length, odd.filter((value) => Number.isNaN(value)).length], [27, 2]);

    const path = `${dir}/a.csv`;
    const head = "mutant,mutated_sequence,DMS_score,note,note\n";
    await Deno.writeTextFile(path, `${head}K2A,MA,inf,,\nK2C,MC,-1,,\nK2D,MD,-Inf,,\n`);
    const { values, source, target } = await measured(path);
    deepEqual(values, [NaN, -1, NaN]);
    match(
      rowNotes(await scanVariants(source, target)).join(),
      /2 of 3 measured values are infinite/,
    );
    await Deno.writeTextFile(path, `${head}K2A,MA,"1,234.5",,\n`);
    await rejects(
      measured(path),
      /line 2 as column "DMS_score" must hold numbers without thousands/,
    );
    await Deno.writeTextFile(path, "mutant,DMS_score,DMS_score\nK2A,1,2\n");
    const doubled = readInputs({ ...flags, assay: path });
    await rejects(doubled, /column names must differ: .*two columns "DMS_score"/);
  }));
