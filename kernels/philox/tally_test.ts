import { deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { multiplyHigh, philox4x32, philoxKey } from "./philox.ts";
import { tallyBelow } from "./tally.ts";
import { BLOCK_WORDS, MOST_BLOCKS, philoxWords } from "./words.ts";

const key = philoxKey(0xfedc_ba98_7654_3210n), stream = 0x8000_0003;

/** The words of a draw's counters, attempt by attempt, as the docstrings state them. */
function* attempts(trial: number, draw: number): Generator<number> {
  const out = new Uint32Array(4), block = Math.floor(draw / BLOCK_WORDS);
  for (let attempt = 0;; attempt++) {
    philox4x32(out, trial, 4 * block + draw % 4, attempt, stream, key);
    yield out[Math.floor(draw / 4) % 4];
  }
}

Deno.test("philoxWords() gives the words of philox4x32, four counters side by side", () => {
  const found = philoxWords()(3, { trial: 0xffff_fff0, firstBlock: 5, stream }, key);
  equal(found.length, 3 * BLOCK_WORDS);
  deepEqual(
    [...found],
    Array.from(found, (_, i) => attempts(0xffff_fff0, 5 * BLOCK_WORDS + i).next().value!),
  );
  throws(
    () => philoxWords()(MOST_BLOCKS + 1, { trial: 0, firstBlock: 0, stream }, key),
    /at most 1024 blocks fit: current value is 1025/,
  );
});

// The draws of the first are more than one filling of the words.
for (const [bound, draws] of [[7, 20_000], [1, 5], [1000, 1], [3_000_001, 100]]) {
  Deno.test(`tallyBelow() counts ${draws} unbiased draws below ${bound}`, () => {
    const counts = new Uint32Array(bound), expected = new Uint32Array(bound);
    tallyBelow(counts, draws, { trial: 9, stream, key });
    const unfair = (2 ** 32 - bound) % bound;
    for (let draw = 0; draw < draws; draw++) {
      for (const word of attempts(9, draw)) {
        if (Math.imul(word, bound) >>> 0 < unfair) continue;
        expected[multiplyHigh(word, bound)]++;
        break;
      }
    }
    equal(counts.reduce((a, b) => a + b), draws);
    ok(counts.every((count, i) => count === expected[i]));
  });
}

Deno.test("tallyBelow() leaves out words that would make some values likelier", () => {
  // 2^32 is 2 bounds and 1,294,967,294: three of ten words are left out.
  const bound = 1_500_000_001, unfair = (2 ** 32 - bound) % bound, draws = 64;
  let rejected = 0;
  for (let draw = 0; draw < draws; draw++) {
    if (Math.imul(attempts(9, draw).next().value!, bound) >>> 0 < unfair) rejected++;
  }
  ok(rejected > 10, "the bound must provoke rejections");
  // Counted in a stand-in, as a list of that length would take 6 GB.
  const seen: number[] = [];
  const counts = new Proxy({ length: bound } as unknown as Uint32Array, {
    get: (of, name) => name === "length" ? of.length : 0,
    set: (_, name) => seen.push(Number(name)) > 0,
  });
  tallyBelow(counts, draws, { trial: 9, stream, key });
  const expected = Array.from({ length: draws }, (_, draw) => {
    for (const word of attempts(9, draw)) {
      if (Math.imul(word, bound) >>> 0 >= unfair) return multiplyHigh(word, bound);
    }
    return NaN;
  });
  deepEqual(seen.sort((a, b) => a - b), expected.sort((a, b) => a - b));
});
