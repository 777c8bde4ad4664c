import { equal, match } from "../../../tests/assert.ts";
import type { LayerMeans } from "../numbers.ts";
import type { SummaryRow } from "../tables.ts";
import { finding, findingOverall, mutationSentence } from "./finding.ts";

const LETTERS = "AAAAGWCDXX";

const rowsOf = (lens: "logit" | "tuned", decided: number[], accuracy = 0.25): LayerMeans[] =>
  decided.map((share, layer) => ({
    ...{ lens, layer, lettered: 8, residues: 10, logProb: -2, entropy: 2, accuracy, outside: 0 },
    ...{ kl: (decided.length - 1 - layer) / 10, decided: share },
  }));

Deno.test("finding: half of the residues, both lenses, and what the commonest letter gives", () => {
  const logit = rowsOf("logit", [0.1, 0.2, 0.4, 0.5, 1]);
  const alone = finding(LETTERS, logit, [], true);
  equal(
    alone.answer,
    "Half of the 10 residues have their final letter from layer 3 of 4 on; 25 % are right in the end, " +
      "where A everywhere gives 50 %.",
  );
  match(alone.method!, /^Each residue is hidden .* logit lens 0\.3, 0\.2, 0\.1 nats\.$/);
  const both = finding(LETTERS, [...logit, ...rowsOf("tuned", [0.6, 0.7, 0.8, 0.9, 1])], [], true);
  match(
    both.answer,
    /from layer 3 of 4 on, through the tuned lens from the embedding; 25 % are/,
  );
  match(both.method!, /; tuned lens 0\.3, 0\.2, 0\.1 nats\.$/);
  const seen = finding(LETTERS, logit, [], false);
  match(seen.answer, /on; the letters are seen, so 25 % are right in the end\.$/);
  match(seen.method!, /^Residues are read in one run in which the model sees them\./);
  const rare = finding("XX", rowsOf("logit", [0.5, 1], NaN), [], true);
  equal(rare.answer, "Half of the 2 residues have their final letter from the embedding on.");
});

Deno.test("finding: a mutation keeps its sign from some layer on", () => {
  const of = (...scores: number[]) =>
    mutationSentence({
      name: "W6G",
      rows: scores.map((score, layer) => ({
        ...{ protein: "p", mutation: "W6G", lens: "logit" as const, layer, score },
        ...{ kl: 0, changed: 0 },
      })),
    }, scores.length - 1);
  equal(
    of(0.5, -1, 0.1, -2, -3),
    "W6G: −3 nats in the end, less likely than the wild type from layer 3 of 4 on.",
  );
  equal(
    of(1, 2),
    "W6G: 2 nats in the end, more likely than the wild type from the embedding on.",
  );
});

Deno.test("findingOverall: means over proteins", () => {
  const summary = [0.1, 0.6, 1].map((decided, layer): SummaryRow => ({
    ...{ lens: "logit", layer, proteins: 3, logProb: [-2, 0.1], entropy: [2, 0.1] },
    ...{ kl: [0.2 - layer / 10, 0.05], accuracy: [0.125, 0.01], decided: [decided, 0.1] },
  }));
  const { answer, method } = findingOverall(3, summary, true);
  equal(
    answer,
    "On the mean of 3 proteins, half of the residues have their final letter from layer 1 of 2 on.",
  );
  match(method!, /13 % of the letters are right .* 0\.1 nats \(sd over proteins 0\.05\)\.$/);
});
