import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { similarityGroups } from "./similarity.ts";

const LETTERS = "ARNDCQEGHILKMFPSTWYV";
const draws = new PhiloxStream(7);
const random = (length: number, of: number) =>
  Array.from({ length }, (_, i) => LETTERS[draws.below(20, of, i)]).join("");

/** The same protein with every residue whose place gives a remainder replaced by the next letter. */
const changed = (protein: string, keep: (i: number) => boolean) =>
  Array.from(
    protein,
    (letter, i) => keep(i) ? letter : LETTERS[(LETTERS.indexOf(letter) + 7) % 20],
  ).join("");

const groupsOf = async (sequences: string[], options = {}) =>
  Array.from(await similarityGroups(sequences, options));

const protein = random(300, 1);

Deno.test("proteins of independent letters are groups of their own", async () => {
  const all = Array.from({ length: 40 }, (_, i) => random(200 + 10 * i, 100 + i));
  deepEqual(await groupsOf(all), all.map((_, i) => i));
});

Deno.test("copies, a part of at least half and the same with gaps are one group", async () => {
  const cases = {
    copy: protein,
    "lower case": protein.toLowerCase(),
    half: protein.slice(60, 220),
    "inside a longer one": random(200, 2) + protein + random(150, 3),
    "an insertion": protein.slice(0, 140) + random(12, 4) + protein.slice(140),
    "a deletion": protein.slice(0, 100) + protein.slice(120),
  };
  for (const [name, other] of Object.entries(cases)) {
    deepEqual(await groupsOf([protein, other]), [0, 0], name);
    deepEqual(await groupsOf([other, protein]), [0, 0], `${name}, the other way round`);
  }
});

Deno.test("less than half of the shorter is no group, unless less is asked for", async () => {
  const other = protein.slice(0, 90) + random(210, 5);
  deepEqual(await groupsOf([protein, other]), [0, 1]);
  deepEqual(await groupsOf([protein, other], { coverage: 0.25 }), [0, 0]);
});

Deno.test("identity parts what is below it: residues in words of five, then changed ones", async () => {
  // 5 of 9, 5 of 12 and 5 of 16 residues stay.
  const at = (period: number) => changed(protein, (i) => i % period < 5);
  for (
    const [period, identity, together] of [
      [9, 0.5, true],
      [9, 0.6, false],
      [12, 0.35, true],
      [12, 0.5, false],
    ] as const
  ) {
    const groups = await groupsOf([protein, at(period)], { identity });
    equal(groups[1] === 0, together, `5 of ${period} at ${identity}`);
  }
});

Deno.test("what is linked by way of another is one group, named by the first", async () => {
  const left = random(200, 6), right = random(200, 7);
  deepEqual(await groupsOf([left, random(250, 8), right, left + right]), [0, 1, 0, 0]);
});

Deno.test("stretches of one letter, X and short sequences link nothing", async () => {
  const run = "Q".repeat(120), unknown = "X".repeat(80);
  const all = [
    random(130, 9) + run,
    run + random(130, 10),
    unknown + random(80, 11),
    unknown,
    "MK",
    "",
  ];
  deepEqual(await groupsOf(all), all.map((_, i) => i));
});

Deno.test("progress is heard and can stop the search", async () => {
  const all = Array.from({ length: 64 }, (_, i) => random(40, 200 + i)), heard: number[] = [];
  await groupsOf(all, { onProgress: (done: number) => void heard.push(done) });
  deepEqual(heard, [32, 64]);
  let failed = false;
  await groupsOf(all, {
    onProgress() {
      throw new Error("enough");
    },
  }).catch(() => failed = true);
  ok(failed);
});
