import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { LETTERS } from "../esm2/alphabet.ts";
import { parseFasta } from "../io/fasta.ts";
import { FastaScanner, residueTokens } from "./fasta_scan.ts";

function scan(text: string | Uint8Array, cuts: number[] = []) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const scanner = new FastaScanner("in.fasta");
  let at = 0;
  for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
    const end = Math.min(cut, bytes.length);
    if (end > at || bytes.length === 0) scanner.add(bytes.subarray(at, end));
    at = Math.max(at, end);
  }
  const { begins, lengths } = scanner.finish();
  return [...begins].map((begin, i) => {
    const record = bytes.subarray(begin, begins[i + 1] ?? bytes.length);
    return { length: lengths[i], tokens: residueTokens(record, lengths[i]) };
  });
}

const letters = fc.string({
  unit: fc.constantFrom(..."ACDEFGHIKLMNPQRSTVWYXBUZOacgt"),
  minLength: 1,
  maxLength: 9,
});
const line = fc.oneof({ weight: 5, arbitrary: letters }, {
  weight: 1,
  arbitrary: fc.constantFrom("", "; MKT > note", "  ", "A C\tD"),
});

Deno.test("FastaScanner finds what parseFasta finds, wherever the bytes are cut", () =>
  fc.assert(fc.property(
    fc.array(fc.tuple(letters, fc.array(line, { maxLength: 5 })), { minLength: 1, maxLength: 6 }),
    fc.constantFrom("\n", "\r\n"),
    fc.constantFrom("", "*"),
    fc.array(fc.nat(200), { maxLength: 4 }),
    (records, newline, stop, cuts) => {
      const text = records.map(([first, rest], i) =>
        [`>r${i} an M*N 7 header`, first, ...rest].join(newline) + stop + newline
      ).join("");
      const expected = parseFasta(text, "in.fasta").map(({ sequence }) => ({
        length: sequence.length,
        tokens: Int32Array.from(sequence.toUpperCase(), (letter) => LETTERS.get(letter)!),
      }));
      deepEqual(scan(text, cuts), expected);
    },
  )));

Deno.test("FastaScanner knows a byte order mark, and names may repeat", () => {
  equal(scan("\uFEFF>a\nMK\n>a\nMKT\n").length, 2);
});

const refusals: [string, string | Uint8Array, RegExp][] = [
  ["an empty file", "", /at least one record: current value is an empty file/],
  ["blank lines only", "\n\n", /at least one record/],
  ["text before the first header", "MKT\n>a\nMKT\n", /line 1 as the first line must be a header/],
  [
    "a record without sequence",
    ">a\nMK\n>b\n\n>c\nMK\n",
    /line 3 as a record must have a sequence/,
  ],
  ["no sequence at the end", ">a", /line 1 as a record must have a sequence/],
  ["an unknown letter", ">a\nMKT\nMKJ\n", /line 3 as sequences must have ESM-2 letters .*is "J"/],
  ["a digit", ">a\n1 MKT\n", /line 2 .*is "1"/],
  ["a stop codon inside", ">a\nMK*\nMK\n", /line 3 as "\*" may only close/],
  ["a stop codon alone", ">a\n*\n", /line 2/],
  ["a binary byte", Uint8Array.of(62, 97, 10, 77, 0), /line 2 .*byte 0x00/],
];
for (const [name, text, says] of refusals) {
  Deno.test(`FastaScanner refuses ${name} in one line`, () => {
    throws(() => scan(text), (error: Error) => {
      equal(error.name, "UserError");
      equal(says.test(error.message) && !error.message.includes("\n"), true, error.message);
      return true;
    });
  });
}
