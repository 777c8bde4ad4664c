import { deepEqual, equal, match, throws } from "../../tests/assert.ts";
import { parseMsa } from "./msa_file.ts";

// The second row has an insertion beside the first.
const ROWS = ["MKTAYIAK", "MR-AYLAK", "-KTAFI--"];
const A3M = ">query\nMKTAYIAK\n>b/1-9\nMR-AgYLAK\n>c\n-KTAFI--\n";
const forms: [name: string, text: string, note?: RegExp][] = [
  ["A3M", A3M],
  ["A3M wrapped, with repeated names", A3M.replace("c\n", "query\n").replace("TAYI", "TA\nYI")],
  ["ColabFold", `#8\t1\n${A3M.replace("query", "101")}\0`],
  ["ColabFold, several queries", `#8\t1\n${A3M}\0>102\nWWW\n`, /the first of 2 alignments/],
  [
    "HH-suite",
    "#hits\n>ss_dssp\n--HHHH--\n>ss_pred PSIPRED\nCCHHHHCC\n>ss_conf\n99912999\n>sa_dssp\nABCDABCD\n" +
    `>aa_dssp\nMKTAYIAK\n>query_consensus\nxKtAYIAK\n${A3M}`,
    /6 rows of structure or consensus/,
  ],
  ["A2M", ">query\nMKTA.YIAK\n>b\nMR-AgYLAK\n>c\n-KTA.FI--\n"],
  ["dotted FASTA", ">query\nMKTAYIAK\n>b\nMR.AYLAK\n>c\n.KTAFI..\n"],
  ["lower case", ">query\nmktayiak\n>b\nmr-aylak\n>c\n-ktafi--\n"],
  [
    "Stockholm in blocks",
    "# STOCKHOLM 1.0\n#=GF ID X\n\nquery MKTA.\nb/1-9 MR-Ag\nc     -KTA.\n#=GR c PP 9999.\n#=GC RF xxxx.\n\n" +
    "query YIAK\nb/1-9 YLAK\nc     FI--\n#=GC RF xxxx\n//\n# STOCKHOLM 1.0\nz WW\n//\n",
  ],
  [
    "CLUSTAL",
    "CLUSTAL O(1.2.4) multiple sequence alignment\n\n\nquery      MKTAY 5\nb          MR-AY 4\n" +
    "c          -KTAF 4\n             *.  \n\nquery      IAK 8\nb          LAK 7\nc          I-- 5\n           :  \n",
  ],
  [
    "MUSCLE",
    "MUSCLE (3.8) multiple sequence alignment\n\nquery MKTAYIAK\nb MR-AYLAK\nc -KTAFI--\n",
  ],
  [
    "Stockholm with a name twice",
    "# STOCKHOLM 1.0\nq MKTA\nb MR-A\nb -KTA\n\nq YIAK\nb YLAK\nb FI--\n//\n",
  ],
  ["PSICOV", "MKTAYIAK\nMR-AYLAK\n-KTAFI--\n"],
  ["PSI-BLAST", "query MKTAYIAK\nb     MR-AYLAK\nc     -KTAFI--\n"],
];
for (const [name, text, note] of forms) {
  Deno.test(`parseMsa reads ${name}`, () => {
    for (const each of [text, text.replaceAll("\n", "\r\n")]) {
      const { rows, notes } = parseMsa(each, "x");
      deepEqual(rows, ROWS);
      equal(notes.length, note ? 1 : 0, notes.join());
      if (note) match(notes[0], note);
    }
  });
}

Deno.test("parseMsa keeps the columns of a dotted row that is the sequence", () => {
  // JackHMMER: an insertion of others stands beside the query.
  const { rows } = parseMsa("# STOCKHOLM 1.0\nq MK.TA\nb MKETA\nc M-.T-\n//\n", "x");
  deepEqual(rows, ["MK-TA", "MKETA", "M--T-"]);
});

Deno.test("parseMsa names what is wrong in one line", () => {
  const cases: [string, RegExp][] = [
    [">a\nMKT\n", /at least 2 rows: current value is 1$/],
    [">a\nMKT\n>b\nMK\n", /row 2 has 2 columns, the first 3 \(lines 3 and 1\)/],
    ["MKT\nM1T\n", /line 2 as a row must have letters and gaps only: current value is "M1T"/],
    ["# STOCKHOLM 1.0\na MKT\nb\n", /line 3 as it must have a name and a piece/],
    ["some words, no rows\n", /an alignment must be FASTA, A3M, .*: current value is "some words/],
    ["", /"x".*empty file/],
  ];
  for (const [text, says] of cases) {
    throws(() => parseMsa(text, "x"), (error: Error) => {
      match(error.message, says);
      return error.name === "UserError" && !error.message.includes("\n");
    });
  }
});
