import { deepEqual, equal, match, ok, rejects } from "../../tests/assert.ts";
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { labelsOf, selectRows } from "./selection.ts";
import { splitProblem } from "./split.ts";
import type { LabelledProtein, Problem } from "./types.ts";

const LETTERS = "ARNDCQEGHILKMFPSTWYV", draws = new PhiloxStream(11);
const problem = (
  count: number,
  of: (p: number) => Partial<LabelledProtein> = () => ({}),
): Problem => ({
  ...{ per: "protein", kind: "classes", classes: ["a", "b"], label: "label" },
  proteins: Array.from({ length: count }, (_, p) => ({
    id: `p${p}`,
    residues: Array.from({ length: 30 }, (_, i) => LETTERS[draws.below(20, p, i)]).join(
      "",
    ),
    labels: Float64Array.of(Number(p % 4 === 0)),
    ...of(p),
  })),
});
const options = { test: 0.2, validation: 0.1, identity: 0.3, seed: 0 };
const counts = (sets: readonly string[]) =>
  ["train", "validation", "test"].map((set) => sets.filter((one) => one === set).length);

Deno.test("a random split has the shares asked for, in every class, and is that of its seed", async () => {
  const own = problem(200);
  const split = await splitProblem(own, { ...options, split: "random" }, []);
  deepEqual(counts(split.sets), [140, 20, 40]);
  const rare = split.sets.filter((_, p) => p % 4 === 0);
  deepEqual(counts(rare), [35, 5, 10]);
  const again = await splitProblem(own, { ...options, split: "random" }, []);
  deepEqual(again.sets, split.sets);
  const other = await splitProblem(own, { ...options, split: "random", seed: 1 }, []);
  ok(other.sets.join() !== split.sets.join());
});

Deno.test("a grouped split keeps groups whole and about the shares", async () => {
  const own = problem(300, (p) => ({ group: `g${p % 41}` }));
  const { sets, split, proteins } = await splitProblem(own, options, []);
  match(split, /^grouped by group: 41 groups of 300 proteins, the largest of 8/);
  const first = new Map<string, string>();
  proteins.forEach(({ group }, p) => {
    equal(first.get(group!) ?? sets[p], sets[p]);
    first.set(group!, sets[p]);
  });
  const [train, validation, test] = counts(sets);
  ok(Math.abs(train - 210) < 15 && Math.abs(validation - 30) < 12 && Math.abs(test - 60) < 15);
});

Deno.test("without groups proteins that are alike are one, with a warning", async () => {
  const notes: string[] = [];
  const twice = problem(
    60,
    (p) => p >= 30 ? { residues: problem(30).proteins[p - 30].residues } : {},
  );
  const { sets } = await splitProblem(twice, options, notes);
  for (let p = 0; p < 30; p++) equal(sets[p], sets[p + 30]);
  match(notes.join(), /No groups were given \(--group\).*30 % identical residues or more/);
});

Deno.test("a given split is kept; validation is drawn where there is none, whole groups at a time", async () => {
  const notes: string[] = [];
  const own = problem(100, (p) => ({ set: p < 80 ? "train" : "test", group: `g${p >> 2}` }));
  const { sets } = await splitProblem(own, options, notes);
  deepEqual(sets.slice(80), Array(20).fill("test"));
  const [, validation] = counts(sets);
  ok(validation >= 4 && validation <= 12 && validation % 4 === 0, String(validation));
  match(notes.join(), /no validation set/);
});

Deno.test("proteins that are tested and learnt from letter by letter are spoken of", async () => {
  const notes: string[] = [], { residues } = problem(1).proteins[0];
  const sets = ["train", "validation", "test"] as const;
  await splitProblem(
    problem(90, (p) => ({ set: sets[p % 3], ...p < 6 && { residues } })),
    options,
    notes,
  );
  match(notes.join(), /Warning: 2 proteins of the test set are in the training or validation set/);
});

Deno.test("a split without a set is refused", async () => {
  const own = problem(9, () => ({ set: "train" }));
  await rejects(() => splitProblem(own, options, []), /the test set must have a protein/);
});

Deno.test("of residues those with a label are drawn by the seed, of the test set all", async () => {
  const own: Problem = {
    ...problem(60),
    per: "residue",
    proteins: problem(60).proteins.map((protein, p) => ({
      ...protein,
      labels: Float64Array.from({ length: 30 }, (_, i) => i % 3 === 0 ? NaN : (i + p) % 2),
    })),
  };
  const split = await splitProblem(own, { ...options, split: "random" }, []);
  const selection = selectRows(split, 200, 0, () => 30);
  ok(Math.abs(selection.counts.train - 200) < 45, String(selection.counts.train));
  equal(selection.counts.test, 20 * selection.proteins.test.length);
  ok(labelsOf(split, selection, selection.proteins.train).every((label) => !Number.isNaN(label)));
  const whole = selectRows(split, 1e6, 0, () => 15);
  equal(whole.counts.train, 10 * whole.proteins.train.length, "of the residues that are read all");
});
