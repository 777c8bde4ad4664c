import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { formatTable } from "./table.ts";
import { formatBytes, formatCount, formatDuration } from "./units.ts";

Deno.test("formatTable aligns numbers right and text left, without trailing spaces", () => {
  const text = formatTable(
    [{ header: "head" }, { header: "z", format: (z) => z.toFixed(1) }, { header: "über" }],
    [["0.12", 3.14159, "a"], ["11.1", -12, "äöü"]],
  );
  equal(
    text,
    [
      "head      z  über",
      "----  -----  ----",
      "0.12    3.1  a",
      "11.1  -12.0  äöü",
    ].join("\n"),
  );
});

Deno.test("formatTable takes columns without rows, and refuses uneven rows", () => {
  equal(formatTable([{ header: "a" }, { header: "b", align: "right" }], []), "a  b\n-  -");
  equal(formatTable([], []), "");
  throws(() => formatTable([{ header: "a" }], [[1, 2]]), RangeError);
});

Deno.test("formatBytes, formatCount and formatDuration write for people", () => {
  deepEqual([0, 999, 1000, 31_380_000, 2_609_000_000, 999_600_000].map(formatBytes), [
    "0 bytes",
    "999 bytes",
    "1.00 kB",
    "31.4 MB",
    "2.61 GB",
    "1.00 GB",
  ]);
  deepEqual([0, 999, 1000, 7512474].map(formatCount), ["0", "999", "1,000", "7,512,474"]);
  deepEqual([0.44, 9.94, 9.96, 59.4, 59.6, 185, 7440].map(formatDuration), [
    "0.4 s",
    "9.9 s",
    "10 s",
    "59 s",
    "1 min 00 s",
    "3 min 05 s",
    "2 h 04 min",
  ]);
});
