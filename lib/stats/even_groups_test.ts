import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { evenGroups, groupsOfAtMost } from "./even_groups.ts";

Deno.test("groups follow one another, hold all, and differ by one at most", () => {
  fc.assert(fc.property(fc.nat(300), fc.integer({ min: 1, max: 40 }), (count, groups) => {
    const found = evenGroups(count, groups), sizes = found.map(([begin, end]) => end - begin);
    equal(found.length, groups);
    equal(found.at(-1)![1], count);
    ok(found.every(([begin], i) => begin === (i === 0 ? 0 : found[i - 1][1])));
    ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
  }));
});

Deno.test("groups of at most so many are as few as can be", () => {
  deepEqual(groupsOfAtMost(10, 4), [[0, 3], [3, 6], [6, 10]]);
  deepEqual(groupsOfAtMost(8, 4), [[0, 4], [4, 8]]);
  // One at a time where not even one fits.
  deepEqual(groupsOfAtMost(2, 0), [[0, 1], [1, 2]]);
  deepEqual(groupsOfAtMost(0, 4), []);
});
