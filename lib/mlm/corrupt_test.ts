import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { MASK } from "../esm2/alphabet.ts";
import { tokenize } from "../esm2/mod.ts";
import { corrupt, type Corruption, IGNORED } from "./corrupt.ts";

const residues = "LAGVSERTIDPKQNFYMHWC".repeat(50);
const row = tokenize({ id: "p", residues });

/** Counts over a hundred thousand residues. */
function count(corruption: Corruption) {
  let label = 0, mask = 0, changed = 0, kept = 0, special = 0;
  for (let draw = 0; draw < 100; draw++) {
    const { ids, labels } = corrupt(row, corruption, { seed: 3, sequence: 7, draw });
    ids.forEach((id, t) => {
      if (labels[t] === IGNORED) return equal(id, row[t]);
      equal(labels[t], row[t]);
      label++;
      if (id === MASK) mask++;
      else if (id === row[t]) kept++;
      else changed++;
      if (id < 4 || id > 23 && id !== MASK) special++;
    });
    equal(labels[0], IGNORED, "<cls>");
    equal(labels.at(-1), IGNORED, "<eos>");
  }
  return { label, mask, changed, kept, special };
}

/** Within four standard deviations of a binomial count. */
function near(found: number, share: number): void {
  const n = 100_000, sd = Math.sqrt(n * share * (1 - share));
  ok(Math.abs(found - n * share) < 4 * sd, `${found} of ${n * share}`);
}

Deno.test("corrupt: counts follow the law of 15 %, 80, 10 and 10 %", () => {
  const { label, mask, changed, kept, special } = count({});
  near(label, 0.15);
  near(mask, 0.12);
  // Of replaced letters one in twenty is the same.
  near(changed, 0.015 * 19 / 20);
  near(kept, 0.015 + 0.015 / 20);
  equal(special, 0);
});

Deno.test("corrupt: Hugging Face's letters are of all 33 tokens", () => {
  const { label, changed, special } = count({ letters: "hf", share: 0.3 });
  near(label, 0.3);
  near(changed, 0.03 * 32 / 33 - 0.03 / 33);
  // All that are no amino acid but <mask> itself, which counts as masked.
  near(special, 0.03 * 12 / 33);
});

Deno.test("corrupt: a share between bounds is one for a sequence, and masks alone are possible", () => {
  const shares = Array.from({ length: 200 }, (_, sequence) => {
    const { labels } = corrupt(row, { share: [0.1, 0.3], masked: 1, replaced: 0 }, {
      ...{ seed: 1, sequence, draw: 0 },
    });
    return labels.filter((label) => label !== IGNORED).length / residues.length;
  });
  const mean = shares.reduce((a, b) => a + b) / 200;
  // A uniform share has sd 0.2 / √12, of 200 sequences 0.0041 in the mean.
  ok(Math.abs(mean - 0.2) < 4 * 0.0045, `${mean}`);
  ok(Math.min(...shares) < 0.13 && Math.max(...shares) > 0.27);
});

Deno.test("corrupt: the same draw is the same, others differ, and what comes in stays", () => {
  const before = row.slice(), at = { seed: 1, sequence: 2, draw: 3 };
  deepEqual(corrupt(row, {}, at), corrupt(row, {}, at));
  const { labels } = corrupt(row, {}, at);
  for (const other of [{ seed: 2 }, { sequence: 3 }, { draw: 4 }]) {
    ok(corrupt(row, {}, { ...at, ...other }).labels.some((label, t) => label !== labels[t]));
  }
  deepEqual(row, before);
  const gaps = tokenize({ id: "p", residues: "-.A<mask>X" });
  const { labels: asked } = corrupt(gaps, { share: 1 }, at);
  deepEqual([...asked].map((label) => label !== IGNORED), [
    ...[false, false, false, true, false, true, false],
  ]);
});
