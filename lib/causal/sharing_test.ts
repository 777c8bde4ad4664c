import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { countLatents, jaccard, meanJaccard } from "./sharing.ts";

Deno.test("jaccard is the share of the union that both sets have", () => {
  equal(jaccard(new Set([1, 2, 3]), new Set([2, 3, 4])), 0.5);
  equal(jaccard(new Set([1]), new Set([2])), 0);
  equal(jaccard(new Set([7]), new Set([7])), 1);
  ok(Number.isNaN(jaccard(new Set(), new Set())));
});

Deno.test("countLatents orders latents by how many sets have them", () => {
  deepEqual(countLatents([new Set([5, 2]), new Set([2, 9]), new Set([2, 5])]), [
    { latent: 2, sets: 3 },
    { latent: 5, sets: 2 },
    { latent: 9, sets: 1 },
  ]);
});

Deno.test("meanJaccard averages over pairs and is NaN without one", () => {
  equal(meanJaccard([new Set([1]), new Set([1]), new Set([2])]), 1 / 3);
  ok(Number.isNaN(meanJaccard([new Set([1])])));
});
