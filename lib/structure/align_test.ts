import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { alignChain, alignLetters } from "./align.ts";
import type { Chain } from "./structure.ts";

const chainFrom = (letters: string, numbers: number[]): Chain => ({
  id: "A",
  residues: [...letters].map((letter, i) => ({
    letter,
    label: String(numbers[i]),
    number: numbers[i],
    name: "ALA",
    secondary: "-",
    alpha: [0, 0, 0],
    backbone: {},
  })),
});

Deno.test("alignLetters() finds pieces of a sequence, with free ends", () => {
  const query = "MKTAYIAKQRQISFVKSHFSRQ";
  const { toChain, aligned, identical } = alignLetters(query, query.slice(3, 15));
  equal(aligned, 12);
  equal(identical, 12);
  deepEqual([...toChain.slice(2, 5)], [-1, 0, 1]);
  equal(toChain[14], 11);
  equal(toChain[15], -1);
});

Deno.test("alignChain() puts a gap where the numbering jumps, though letters leave a choice", () => {
  // A missing "AA" in a run of A: only the numbers say which residues are missing.
  const query = "MKTWAAAAAAYLRDE";
  for (const from of [4, 5, 6, 7, 8]) {
    const numbers = [...query].map((_, i) => i + 1).filter((n) => n !== from + 1 && n !== from + 2);
    const letters = numbers.map((n) => query[n - 1]).join("");
    const { toChain, aligned } = alignChain(query, chainFrom(letters, numbers));
    equal(aligned, query.length - 2);
    deepEqual([toChain[from], toChain[from + 1]], [-1, -1], `missing after ${from}`);
  }
});

Deno.test("alignChain() tolerates substitutions and residues that the sequence lacks", () => {
  const query = "MKTAYIAKQRQISFVKSHFSRQ";
  const letters = "GSHM" + query.slice(1, 9) + "W" + query.slice(10);
  const numbers = [...letters].map((_, i) => i - 3);
  const { toChain, aligned, identical } = alignChain(query, chainFrom(letters, numbers));
  equal(toChain[0], 3);
  equal(toChain[21], letters.length - 1);
  equal(aligned, 22);
  equal(identical, 21);
});

Deno.test("alignLetters() pairs in ascending order and never twice", () => {
  const word = fc.array(fc.constantFrom(..."AGWK"), { maxLength: 14 }).map((a) => a.join(""));
  fc.assert(
    fc.property(word, word, (query, other) => {
      const { toChain, aligned } = alignLetters(query, other);
      const pairs = [...toChain].filter((j) => j >= 0);
      equal(pairs.length, aligned);
      pairs.forEach((j, k) => ok(k === 0 || j > pairs[k - 1]));
      ok(pairs.every((j) => j < other.length));
      if (query === other) equal(aligned, query.length);
    }),
    { numRuns: 200 },
  );
});
