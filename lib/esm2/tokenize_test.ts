import { deepEqual, equal, match, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { TOKENS } from "./alphabet.ts";
import { displayLetters, padBatch, tokenize } from "./tokenize.ts";

const message = (fn: () => unknown): string => {
  let text = "";
  throws(fn, (error) => {
    text = (error as Error).message;
    return error instanceof UserError;
  });
  return text;
};

Deno.test("TOKENS are the 33 of fair-esm in order", () => {
  equal(TOKENS.length, 33);
  equal(TOKENS.slice(4, 30).join(""), "LAGVSERTIDPKQNFYMHWCXBUZO.");
  deepEqual([0, 1, 2, 3, 30, 31, 32].map((i) => TOKENS[i]), [
    "<cls>",
    "<pad>",
    "<eos>",
    "<unk>",
    "-",
    "<null_1>",
    "<mask>",
  ]);
});

Deno.test("tokenize adds <cls> and <eos>, raises lower case, reads <mask>", () => {
  deepEqual([...tokenize({ id: "a", residues: "LaG<mask>c" })], [0, 4, 5, 6, 32, 23, 2]);
  equal(displayLetters("La<mask>c"), "LA_C");
});

Deno.test("tokenize names the record, the residue number and the letter", () => {
  const text = message(() => tokenize({ id: "P53_X", residues: "MK<mask>J" }));
  match(text, /"P53_X" as residue 4 must be an ESM-2 letter.*current value is "J"$/);
  match(message(() => tokenize({ id: "a", residues: "MK L" })), /residue 3 .* is " "$/);
  match(message(() => tokenize({ id: "a", residues: "M😀" })), /residue 2 .* is "😀"$/);
  // ı (dotless i) would become I if Unicode case folding were applied.
  match(message(() => tokenize({ id: "a", residues: "ı" })), /residue 1 .* is "ı"$/);
  match(message(() => tokenize({ id: "a", residues: "M*" })), /residue 2 .* is "\*"$/);
});

Deno.test("tokenize refuses empty and over-long sequences, naming the option", () => {
  match(message(() => tokenize({ id: "e", residues: "" })), /current length is 0/);
  const long = { id: "titin", residues: "A".repeat(1023) };
  match(message(() => tokenize(long)), /at most 1022 .* is 1023.*--max-length 1023/);
  equal(tokenize(long, { maxLength: 1023 }).length, 1025);
  equal(tokenize({ id: "b", residues: "A".repeat(1022) }).length, 1024);
});

Deno.test("padBatch pads to the longest and keeps lengths", () => {
  const batch = padBatch([Int32Array.of(0, 4, 2), Int32Array.of(0, 4, 5, 6, 2)]);
  deepEqual([...batch.ids], [0, 4, 2, 1, 1, 0, 4, 5, 6, 2]);
  deepEqual([batch.size, batch.width, batch.lengths], [2, 5, [3, 5]]);
});
