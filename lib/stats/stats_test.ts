import { allClose, equal, ok } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { benjaminiHochberg } from "./benjamini_hochberg.ts";
import { mean, standardDeviation } from "./moments.ts";
import { tTestMeanLess } from "./student_t.ts";

Deno.test("benjaminiHochberg reproduces R's p.adjust(method = 'BH')", () => {
  const p = [0.01, 0.04, 0.03, 0.005, 0.5];
  allClose(benjaminiHochberg(p), [0.025, 0.05, 0.05, 0.025, 0.5], { atol: 1e-12 });
});

Deno.test("benjaminiHochberg: q ≥ p, at most 1, and ordered as p", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 }),
    (p) => {
      const q = benjaminiHochberg(p);
      p.forEach((x, i) => {
        // p · n / n rounds twice.
        ok(q[i] >= x * (1 - 1e-15) && q[i] <= 1);
        p.forEach((y, j) => ok(!(x < y) || q[i] <= q[j]));
      });
    },
  ));
});

Deno.test("mean and standardDeviation", () => {
  const x = [2, 4, 4, 4, 5, 5, 7, 9];
  equal(mean(x), 5);
  equal(standardDeviation(x, 0), 2);
  allClose([standardDeviation(x, 1)], [2.138089935299395], { rtol: 1e-14 });
});

Deno.test("tTestMeanLess gives Student's closed forms for one and two degrees of freedom", () => {
  // The library's incomplete beta function is good to 2e-8.
  // df 1: ½ + atan(t)/π. Values −1, 3 have mean 1, sd √8, so t = (1 − e)/2.
  for (const expected of [-3, 0, 1, 2, 9]) {
    const t = (1 - expected) / 2;
    allClose([tTestMeanLess([-1, 3], expected)], [0.5 + Math.atan(t) / Math.PI], { atol: 1e-7 });
  }
  // df 2: ½ + t / (2 √(2 + t²)). Values 0, 1, 2 have mean 1 and sd 1, so t = (1 − e)·√3.
  for (const expected of [-1, 0.5, 1, 4]) {
    const t = (1 - expected) * Math.sqrt(3);
    allClose([tTestMeanLess([0, 1, 2], expected)], [0.5 + t / (2 * Math.sqrt(2 + t * t))], {
      atol: 1e-7,
    });
  }
});
