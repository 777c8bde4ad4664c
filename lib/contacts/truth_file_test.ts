import { deepEqual, equal, match, rejects } from "../../tests/assert.ts";
import { readTruth } from "./truth_file.ts";

const PROTEIN = { id: "p", residues: "MKTAYIAKQR" };

async function read(text: string): Promise<{ pairs: string; notes: string[] }> {
  const path = await Deno.makeTempFile({ suffix: ".rr" }), notes: string[] = [];
  try {
    await Deno.writeTextFile(path, text);
    const { contacts } = await readTruth(path, PROTEIN, { notes });
    const pairs: string[] = [];
    for (let i = 0; i < 10; i++) {
      for (let j = i + 1; j < 10; j++) {
        equal(contacts[10 * i + j], contacts[10 * j + i]);
        if (contacts[10 * i + j]) pairs.push(`${i + 1}-${j + 1}`);
      }
    }
    return { pairs: pairs.join(" "), notes: notes.map((note) => note.replace(path, "FILE")) };
  } finally {
    await Deno.remove(path);
  }
}

const RECORDS = "PFRMAT RR\nTARGET T0001\nAUTHOR 1-2\nREMARK 1 2 3\nMETHOD none\nMODEL  1\n";
const ALL = "1-7 2-9 3-10";
const forms: [name: string, text: string, pairs: string, note?: RegExp][] = [
  ["CASP RR", `${RECORDS}MKTAY\nIAKQR\n1 7 0 8 0.99\n2 9 0 8 0.7\n3 10 0 8 0.5\nEND\nx\n`, ALL],
  ["RR without records", "1 7 0 8 1\n2 9 0 8 1\n10 3 0 8 1\n", ALL],
  [
    "predictions",
    "1 7 0 8 0.99\n2 9 0 8 0.4\n3 10 0 12 0.9\n",
    "1-7",
    /^p: 1 of 3 pairs of FILE, those of a probability of 0.5 at least within 8 Å, are taken/,
  ],
  ["scores of PSICOV", "1 7 0 8 2.31\n2 9 0 8 0.8\n3 10 0 8 0.1\n", ALL],
  ["measured distances", "1 7 0 8 5.31\n2 9 0 8 7.8\n3 10 0 8 4.1\n", ALL],
  [
    "bins of CASP 14",
    "1 7 0.9 0 0 .1 .1 .2 .5 0 0 0 0 0 0\n2 9 0.2 0 0 0 0 0 .1 .1 0 0 0 0 0 0\n",
    "1-7",
    /^p: 1 of 2/,
  ],
  ["pairs alone", "# contacts\n1\t7\n2\t9\n3\t10\n", ALL],
  ["pairs with commas", "1,7\n2,9\n3,10\n", ALL],
  ["a table", "i,j,probability\n1,7,0.1\n2,9,0.1\n3,10,0.1\n", ALL],
];
for (const [name, text, pairs, note] of forms) {
  Deno.test(`readTruth reads ${name}`, async () => {
    const found = await read(text);
    equal(found.pairs, pairs);
    deepEqual(found.notes.map((each) => note?.test(each)), note ? [true] : []);
  });
}

Deno.test("readTruth refuses a list that is not of the protein, with the line", async () => {
  const cases: [string, RegExp][] = [
    [
      `${RECORDS}MKTAYIAKQW\n1 7 0 8 1\n`,
      /its sequence must be the protein's: .*"MKTAYIAKQW" \(10/,
    ],
    ["1 7 0 8 1\n2 11 0 8 0.1\n", /line 2 for "p" as j must be a residue in 1\.\.10: .*"11"/],
    ["1 7 0 8 1\n2 x 0 8 1\n", /line 2 as a pair must be numbers .*"2 x 0 8 1"/],
    ["1 7 0 8 0.4\n", /probability of 0\.5 at least, within 8 Å: current count is 0 of 1/],
  ];
  for (const [text, says] of cases) {
    await rejects(read(text), (error: Error) => {
      match(error.message, says);
      return error.name === "UserError" && !error.message.includes("\n");
    });
  }
});
