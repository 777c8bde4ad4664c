import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { parseFasta } from "./fasta.ts";

const message = (pattern: RegExp) => (error: unknown) =>
  error instanceof UserError && pattern.test(error.message) && !error.message.includes("\n");

Deno.test("parseFasta joins wrapped lines and keeps the whole first word as id", () => {
  const text =
    "; a comment\n\n>sp|P29274|AA2AR_HUMAN Adenosine  receptor\nMPIM\nGSSV\n\n>b\nac DE\n";
  deepEqual(parseFasta(text, "a.fasta"), [
    {
      id: "sp|P29274|AA2AR_HUMAN",
      description: "Adenosine receptor",
      sequence: "MPIMGSSV",
      line: 3,
    },
    { id: "b", description: "", sequence: "acDE", line: 7 },
  ]);
});

Deno.test("parseFasta reads CRLF, old Mac line ends, a byte order mark and a closing stop", () => {
  for (const text of ["\uFEFF>a\r\nMK\r\nV*\r\n", ">a\rMK\rV\r", "> a\nM K V*"]) {
    deepEqual(parseFasta(text, "a.fasta").map((record) => [record.id, record.sequence]), [
      ["a", "MKV"],
    ]);
  }
});

Deno.test("parseFasta keeps gaps, which are letters of ESM-2 and count as residues", () => {
  equal(parseFasta(">a\nM-K.V\n", "a.fasta")[0].sequence, "M-K.V");
});

Deno.test("parseFasta names file and line of what is wrong", () => {
  const cases: [string, RegExp][] = [
    ["", /"x\.fasta".*at least one record: current value is an empty file/],
    ["\n; only\n", /at least one record: current value is no line/],
    ["\nMKV\n>a\nMK", /"x\.fasta" line 2 as the first line must be a header.*"MKV"/],
    [">a\nMK\n>\nMK", /line 3 as a header must have a name/],
    [">a\n\n>b\nMK", /line 1 as a record must have a sequence: current value is "a"/],
    [">a\nMK\n>b", /line 3 as a record must have a sequence: current value is "b"/],
    [">a\n*\n", /line 1 as a record must have a sequence/],
    [">a\nMK\n>a x\nMK", /line 3 as record names must differ \(line 1 has the same\).*"a"/],
    [">a\nMK*V\n", /line 1 as "\*" may only close.*residue 3 of a/],
    [
      ">a\n  61 mktay\n",
      /line 2 must hold residue letters only.*"61 mktay" with a digit in column 3/,
    ],
    ["PK\u0003\u0004\u0000", /must be plain text: current value is a binary character \(U\+0003\)/],
    [">a\nMK\uFFFD", /binary character \(U\+FFFD\) in line 2/],
  ];
  for (const [text, pattern] of cases) {
    throws(() => parseFasta(text, "x.fasta"), message(pattern), JSON.stringify(text));
  }
});

Deno.test("parseFasta reads the example file", async () => {
  const text = await Deno.readTextFile(new URL("../../data/a2a.fasta", import.meta.url));
  const { a2a } = (await import("../../data/examples.ts")).examples;
  equal(parseFasta(text, "a2a.fasta")[0].sequence, a2a.residues);
});
