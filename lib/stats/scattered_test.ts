import { allClose, equal } from "../../tests/assert.ts";
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { expectedGroups, logFactorial } from "./scattered.ts";

Deno.test("logFactorial() is the sum of logarithms", () => {
  let sum = 0;
  for (let n = 1; n <= 300; n++) {
    sum += Math.log(n);
    allClose([logFactorial(n)], [sum], { rtol: 1e-12, atol: 1e-12 });
  }
  equal(logFactorial(0), 0);
});

Deno.test("expectedGroups() is what drawing places gives", () => {
  // Groups of 2, 2 and 4 places; one mark is in one group, and all places are in all.
  const groups = new Map([[2, 2], [4, 1]]);
  allClose([expectedGroups(1, groups), expectedGroups(8, groups)], [1, 3], { rtol: 1e-9 });
  const groupOf = [0, 0, 1, 1, 2, 2, 2, 2], draws = 20_000, stream = new PhiloxStream(1, 2);
  let seen = 0;
  for (let d = 0; d < draws; d++) {
    const places = [...groupOf];
    const found = new Set<number>();
    for (let m = 0; m < 3; m++) found.add(places.splice(stream.below(places.length, d, m), 1)[0]);
    seen += found.size;
  }
  allClose([expectedGroups(3, groups)], [seen / draws], { atol: 0.02 });
});
