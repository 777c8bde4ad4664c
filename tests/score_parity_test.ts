/** Scores of GB1 against fair-esm in double precision, on every backend. */
import { ENTROPY, REFERENCE_LOG_PROB, ROW_VALUES } from "../kernels/token_log_probs/mod.ts";
import { type Backend, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { LETTERS } from "../lib/esm2/alphabet.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { AMINO_ACIDS } from "../lib/variants/letters.ts";
import { idsOf } from "../lib/variants/matrix.ts";
import { QueryRunner } from "../lib/variants/runner.ts";
import { scoreAll } from "./score_all.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { fixtureIndex, readFixture, tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";

const entry = fixtureIndex.tiny_variants_gb1;
const residues = entry.sequences![0], length = residues.length;
const golden = readFixture("tiny_variants_gb1");
/** Single precision through a trained model; logits reach 21 (fixtures' README). */
const TOLERANCE = { atol: 1e-4 };

/** A golden [L, 20] array, whose letters are tokens 4..23, in the order of our columns. */
function alphabetical(values: ArrayLike<number>): number[] {
  return Array.from({ length: length * 20 }, (_, i) => {
    const letter = AMINO_ACIDS[i % 20];
    return values[Math.floor(i / 20) * 20 + LETTERS.get(letter)! - 4];
  });
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Variant scores agree with fair-esm: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    // The native library keeps its thread pool and timers for the life of the process.
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using checkpoint = await openCheckpoint(tinyPath);
      {
        await using model = await Esm2.open(checkpoint, backend);
        await t.step("wild-type marginals", () => marginals(model, "wt-marginal"));
        await t.step("masked marginals", () => marginals(model, "masked-marginal"));
        await t.step("pseudo-log-likelihood and pseudo-perplexity", () => pseudo(model));
        await t.step("the published off-by-one sum", () => legacyPseudo(model));
        await t.step("the head of chosen rows equals the head of all", () => chosenRows(model));
        await t.step("queries do not depend on the batch", () => batches(model, backend));
      }
      equal(backend.liveBytes, 0, "every tensor is freed");
    },
  });
}

async function marginals(model: Esm2, mode: "wt-marginal" | "masked-marginal"): Promise<void> {
  const { matrix } = await scoreAll(model, residues, { mode });
  const kind = mode === "wt-marginal" ? "wt" : "masked";
  allClose(matrix.scores, alphabetical(golden[`${kind}_marginal`].data), TOLERANCE, mode);
  const wild = Array.from(
    residues,
    (letter, i) => golden[`${kind}_log_probs33`].data[i * 33 + LETTERS.get(letter)!],
  );
  allClose(matrix.wildTypeLogProb, wild, TOLERANCE, "wild type");
  if (mode === "masked-marginal") {
    allClose(matrix.entropy, golden.masked_entropy20_nats.data, TOLERANCE, "entropy");
  }
}

async function pseudo(model: Esm2): Promise<void> {
  const { wildPll } = await scoreAll(model, residues, {
    mode: "pseudo-perplexity",
    mutations: "WT",
  });
  // A sum over 56 residues of values good to 1e-4.
  allClose([wildPll!], [entry.pseudo_log_likelihood33 as number], { atol: 56e-4 });
  allClose([Math.exp(-wildPll! / length)], [entry.pseudo_perplexity33 as number], { rtol: 1e-4 });
}

async function legacyPseudo(model: Esm2): Promise<void> {
  const { scores } = await scoreAll(model, residues, {
    mode: "pseudo-perplexity",
    mutations: "WT",
    legacy: "fair-esm",
  });
  // for i in range(1, len(sequence) - 1): token i is residue i; sequence[i] is the letter after it.
  let expected = 0;
  for (let i = 1; i < length - 1; i++) {
    const next = LETTERS.get(residues[i])!;
    expected += golden.masked_log_probs33.data[(i - 1) * 33 + next];
  }
  allClose(scores, [expected], { atol: 56e-4 });
  ok(Math.abs(expected - (entry.pseudo_log_likelihood33 as number)) > 1, "it is another number");
}

async function chosenRows(model: Esm2): Promise<void> {
  const ids = idsOf("gb1", residues);
  const batch = { ids: Int32Array.of(...ids, ...ids), size: 2, width: 58, lengths: [58, 58] };
  using all = await model.run(batch, { head: true });
  const rows = [5, 0, 115, 5, 60];
  using some = await model.run(batch, { head: { rows } });
  deepEqual([some.logits!.shape, some.normalised!.shape[0]], [[5, 33], 5]);
  const logits = await all.logits!.read(), found = await some.logits!.read();
  rows.forEach((row, i) =>
    // The same products, perhaps summed in another order.
    allClose(
      found.subarray(i * 33, (i + 1) * 33),
      logits.subarray(row * 33, (row + 1) * 33),
      { atol: 2e-5 },
    )
  );
  for (const bad of [[116], [-1], [1.5], []]) {
    await model.run(batch, { head: { rows: bad } }).then(
      () => ok(false, "accepted"),
      (error) => ok(/rows must be in 0\.\.115/.test(error.message), error.message),
    );
  }
}

async function batches(model: Esm2, backend: Backend): Promise<void> {
  const ids = idsOf("gb1", residues), before = backend.liveBytes;
  const short = idsOf("short", residues.slice(0, 21));
  const queries = [3, 17, 40].map((token) => ({
    ids,
    masked: [token],
    reads: [{ token, reference: ids[token] }],
  }));
  const odd = {
    ids: short,
    masked: [2, 9],
    reads: [9, 2].map((token) => ({ token, reference: 5 })),
  };
  const alone = new QueryRunner(model, { kind: "full", tokenBudget: 1 });
  const together = new QueryRunner(model, { kind: "full", tokenBudget: 4096 });
  const one = await alone.run([...queries, odd]), all = await together.run([...queries, odd]);
  equal(alone.passes, 4);
  deepEqual(all.map((answer) => answer.length), [22, 22, 22, 44]);
  all.forEach((answer, i) => allClose(answer, one[i], TOLERANCE));
  for (const [i, token] of [3, 17, 40].entries()) {
    const row = golden.masked_log_probs33.data.subarray((token - 1) * 33, token * 33);
    allClose([all[i][REFERENCE_LOG_PROB]], [row[ids[token]]], TOLERANCE);
    allClose([all[i][ENTROPY]], [golden.masked_entropy20_nats.data[token - 1]], TOLERANCE);
  }
  equal(ROW_VALUES, 22);
  equal(backend.liveBytes, before, "nothing of a query stays");
}
