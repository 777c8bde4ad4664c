import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { centralParts, windowsOf } from "./windows.ts";

Deno.test("centralParts gives every residue to the window where it is most central, once", () => {
  const length = fc.integer({ min: 1, max: 400 }), size = fc.integer({ min: 16, max: 120 });
  fc.assert(
    fc.property(length, size, (length, size) => {
      const windows = windowsOf(length, size), parts = centralParts(windows);
      equal(parts.length, windows.length);
      let next = 0;
      parts.forEach(({ begin, end }, w) => {
        equal(begin, next);
        for (let i = begin; i < end; i++) {
          const nearer = (one: { begin: number; end: number }) =>
            Math.min(i - one.begin, one.end - 1 - i);
          ok(windows.every((other) => nearer(other) <= nearer(windows[w])), `${i} of ${w}`);
        }
        next = end;
      });
      equal(next, length);
    }),
  );
});

Deno.test("windowsOf overlaps by half and ends with the sequence", () => {
  deepEqual(windowsOf(10, 16), [{ begin: 0, end: 10 }]);
  deepEqual(windowsOf(40, 16).map(({ begin }) => begin), [0, 8, 16, 24]);
  deepEqual(windowsOf(43, 16).map(({ begin }) => begin), [0, 8, 16, 24, 27]);
});
