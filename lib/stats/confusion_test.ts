import { allClose, deepEqual, equal } from "../../tests/assert.ts";
import { matthews } from "./classification.ts";
import {
  accuracy,
  balancedAccuracy,
  classScores,
  confusionOf,
  macroF1,
  matthewsOf,
} from "./confusion.ts";

// Values of scikit-learn 1.2.1 for the same lists.
const truth = [0, 0, 0, 1, 1, 2, 2, 2, 2, 1], called = [0, 1, 0, 1, 1, 2, 0, 2, 2, 2];

Deno.test("statistics of classes equal scikit-learn's", () => {
  const confusion = confusionOf(3, truth, called);
  deepEqual([...confusion.counts], [2, 1, 0, 0, 2, 1, 1, 0, 3]);
  equal(accuracy(confusion), 0.7);
  allClose(
    [balancedAccuracy(confusion), macroF1(confusion), matthewsOf(confusion)],
    [0.6944444444444445, 0.6944444444444443, 0.5454545454545454],
    { atol: 1e-12 },
  );
  deepEqual(classScores(confusion)[2], { precision: 0.75, recall: 0.75, f1: 0.75, support: 4 });
});

Deno.test("matthewsOf() of two classes is matthews(), and 0 where one is never called", () => {
  const two = truth.map((k) => Number(k > 0)), guess = called.map((k) => Number(k > 0));
  allClose(
    [matthewsOf(confusionOf(2, two, guess))],
    [matthews(two, (i) => guess[i] === 1)],
    { atol: 1e-12 },
  );
  equal(matthewsOf(confusionOf(2, two, two.map(() => 1))), 0);
});

Deno.test("a class without members is no part of balanced accuracy; weights count", () => {
  const confusion = confusionOf(3, [0, 0, 1], [0, 2, 1], [1, 3, 2]);
  equal(balancedAccuracy(confusion), (0.25 + 1) / 2);
  equal(accuracy(confusion), 0.5);
  equal(classScores(confusion)[2].precision, 0);
});
