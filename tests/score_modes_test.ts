/** Each way of scoring against passes made by hand. */
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { CLS, EOS, LETTERS, MASK } from "../lib/esm2/alphabet.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { windowsOf } from "../lib/variants/windows.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";
import { type AllScores, scoreAll } from "./score_all.ts";

const residues = "MQIFVKTLTGKTITLEVEPSDT";
/** Float32 through the model in batches of other sizes. */
const TOLERANCE = { atol: 1e-4 };

const token = (letter: string) => LETTERS.get(letter)!;
const tokensOf = (sequence: string) => [CLS, ...[...sequence].map(token), EOS];

/** log softmax over the 33 tokens at one place of a row of tokens, in double precision. */
async function logProbs(model: Esm2, ids: readonly number[], at: number): Promise<number[]> {
  const batch = { ids: Int32Array.from(ids), size: 1, width: ids.length, lengths: [ids.length] };
  using result = await model.run(batch, { head: true });
  const row = [...(await result.logits!.read()).subarray(at * 33, (at + 1) * 33)];
  const sum = Math.log(row.reduce((total, x) => total + Math.exp(x), 0));
  return row.map((x) => x - sum);
}

/** log p(to) − log p(from) at a residue (from 1) of some tokens. */
async function difference(model: Esm2, ids: number[], at: number, from: string, to: string) {
  const logs = await logProbs(model, ids, at);
  return logs[token(to)] - logs[token(from)];
}

const masked = (ids: readonly number[], ...at: number[]) =>
  ids.map((id, i) => at.includes(i) ? MASK : id);

async function pseudoLogLikelihood(model: Esm2, sequence: string): Promise<number> {
  const ids = tokensOf(sequence);
  let sum = 0;
  for (let i = 1; i <= sequence.length; i++) {
    sum += (await logProbs(model, masked(ids, i), i))[ids[i]];
  }
  return sum;
}

async function unmaskedLogLikelihood(model: Esm2, sequence: string): Promise<number> {
  const ids = tokensOf(sequence);
  let sum = 0;
  for (let i = 1; i <= sequence.length; i++) sum += (await logProbs(model, ids, i))[ids[i]];
  return sum;
}

Deno.test({
  name: "scoreVariants in every mode equals passes made by hand",
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t) {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    using checkpoint = await openCheckpoint(tinyPath);
    await using model = await Esm2.open(checkpoint, backend);
    const ids = tokensOf(residues);
    const score = (options: Parameters<typeof scoreAll>[2]) => scoreAll(model, residues, options);

    await t.step("additive sums single marginals", async () => {
      const { scores } = await score({ mutations: "Q2A,V5D,Q2A:V5D,WT,Q2Q" });
      const first = await difference(model, masked(ids, 2), 2, "Q", "A");
      const second = await difference(model, masked(ids, 5), 5, "V", "D");
      allClose(scores, [first, second, first + second, 0, 0], TOLERANCE);
      deepEqual(scores.slice(3), [0, 0]);
    });
    await t.step("joint masks all residues of a variant at once", async () => {
      const { scores, passes } = await score({
        mutations: "Q2A:V5D,Q2A,V5D:Q2C",
        multi: "joint",
      });
      const both = masked(ids, 2, 5);
      const at2 = (to: string) => difference(model, both, 2, "Q", to);
      const at5 = await difference(model, both, 5, "V", "D");
      const alone = await difference(model, masked(ids, 2), 2, "Q", "A");
      allClose(scores, [await at2("A") + at5, alone, await at2("C") + at5], TOLERANCE);
      // Two positions alone, and one pass that both doubles share.
      equal(passes, 3);
    });
    await t.step("mutant-marginal reads the mutant's own sequence", async () => {
      const { scores, matrix } = await score({ mutations: "Q2A:V5D,Q2A", mode: "mutant-marginal" });
      const double = tokensOf("MAIFDKTLTGKTITLEVEPSDT"), one = tokensOf(residues.replace("Q", "A"));
      const single = await difference(model, one, 2, "Q", "A");
      const expected = await difference(model, double, 2, "Q", "A") +
        await difference(model, double, 5, "V", "D");
      allClose(scores, [expected, single], TOLERANCE);
      allClose([matrix.score(2, "A")], [single], TOLERANCE);
      ok(Number.isNaN(matrix.score(2, "C")), "what was not asked for is not computed");
    });
    await t.step("pseudo-perplexity compares whole sequences", async () => {
      const { scores, wildPll } = await score({ mutations: "V5D", mode: "pseudo-perplexity" });
      const wild = await pseudoLogLikelihood(model, residues);
      const mutant = await pseudoLogLikelihood(model, residues.replace("FV", "FD"));
      allClose([...scores, wildPll!], [mutant - wild, wild], { atol: 2e-3 });
    });
    await t.step("indels are scored by the masked ratio", async () => {
      const { scores } = await score({ mutations: "Q2_I3insWW,T7_T9del,T7dup" });
      const wild = await pseudoLogLikelihood(model, residues);
      const expected = [];
      for (
        const sequence of [
          "MQWWIFVKTLTGKTITLEVEPSDT",
          "MQIFVKGKTITLEVEPSDT",
          "MQIFVKTTLTGKTITLEVEPSDT",
        ]
      ) expected.push(await pseudoLogLikelihood(model, sequence) - wild);
      allClose(scores, expected, { atol: 2e-3 });
    });
    await t.step("indels are scored by the unmasked ratio in one pass each", async () => {
      const { scores, passes } = await score({ mutations: "T7_T9del", mode: "wt-marginal" });
      const expected = await unmaskedLogLikelihood(model, "MQIFVKGKTITLEVEPSDT") -
        await unmaskedLogLikelihood(model, residues);
      allClose(scores, [expected], { atol: 2e-3 });
      equal(passes, 2);
    });
    await t.step("numbering moves names, not numbers", async () => {
      const plain = await score({ mutations: "Q2A,V5D:K6E" });
      const moved = await score({ mutations: "Q102A,V105D:K106E", offset: 101 });
      deepEqual(moved.scores, plain.scores);
    });
    await t.step("all singles: 19 per residue, the matrix holds the same numbers", async () => {
      const all: AllScores = await score({});
      equal(all.scores.length, 19 * residues.length);
      equal(all.passes, residues.length);
      all.names.forEach((name, i) =>
        equal(all.matrix.score(Number(name.slice(1, -1)), name.at(-1)!), all.scores[i])
      );
      residues.split("").forEach((letter, i) => equal(all.matrix.score(i + 1, letter), 0));
    });
  },
});

Deno.test({
  name: "scoreVariants of a long protein reads each residue from its windows",
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t) {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    using checkpoint = await openCheckpoint(tinyPath);
    await using model = await Esm2.open(checkpoint, backend);
    const unit = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG";
    const long = unit.repeat(16).slice(0, 1200), ids = tokensOf(long);
    const positions = [1, 500, 620, 1200];
    const names = positions.map((p) => `${long[p - 1]}${p}${long[p - 1] === "W" ? "A" : "W"}`);
    const mutations = names.join();
    const to = (name: string) => name.at(-1)!, from = (name: string) => name[0];

    const byHand = async (kind: "optimal" | "overlapping", cropped: boolean, mask: boolean) => {
      const expected = [];
      for (const [i, position] of positions.entries()) {
        let sum = 0, weights = 0;
        for (const { window, weight } of windowsOf(position, ids.length, { kind, cropped })) {
          const part = ids.slice(window.begin, window.end);
          const row = cropped ? part : [CLS, ...part, EOS];
          const at = position - window.begin + (cropped ? 0 : 1);
          if (mask) row[at] = MASK;
          sum += weight * await difference(model, row, at, from(names[i]), to(names[i]));
          weights += weight;
        }
        expected.push(sum / weights);
      }
      return expected;
    };
    await t.step("optimal, framed", async () => {
      const { scores } = await scoreAll(model, long, { mutations });
      allClose(scores, await byHand("optimal", false, true), TOLERANCE);
    });
    await t.step("optimal, as ProteinGym cuts them", async () => {
      const { scores } = await scoreAll(model, long, { mutations, legacy: "proteingym" });
      allClose(scores, await byHand("optimal", true, true), TOLERANCE);
    });
    await t.step("overlapping wild-type marginals, both ways", async () => {
      const options = { mutations, mode: "wt-marginal", window: "overlapping" } as const;
      const ours = await scoreAll(model, long, options);
      allClose(ours.scores, await byHand("overlapping", false, false), TOLERANCE);
      const legacy = await scoreAll(model, long, { ...options, legacy: "proteingym" });
      allClose(legacy.scores, await byHand("overlapping", true, false), TOLERANCE);
      ok(ours.scores.some((score, i) => Math.abs(score - legacy.scores[i]) > 1e-3));
    });
    await t.step("full runs the whole sequence", async () => {
      const full = await scoreAll(model, long, { mutations, mode: "wt-marginal", window: "full" });
      const expected = [];
      for (const [i, position] of positions.entries()) {
        expected.push(await difference(model, ids, position, from(names[i]), to(names[i])));
      }
      allClose(full.scores, expected, TOLERANCE);
      equal(full.passes, 1);
      // ProteinGym's wild-type marginals with the default window do the same.
      const legacy = await scoreAll(model, long, {
        ...{ mutations, mode: "wt-marginal", legacy: "proteingym" },
      });
      deepEqual(legacy.scores, full.scores);
    });
  },
});
