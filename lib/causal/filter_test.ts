import { deepEqual, rejects, throws } from "../../tests/assert.ts";
import type { VariantSource } from "../variants/source.ts";
import { filterRows, parseFilter } from "./filter.ts";

function table(columns: string[], lines: string[]): VariantSource {
  return {
    kind: "assay",
    header: columns.join(","),
    columns,
    delimiter: ",",
    hasMeasured: true,
    async *rows() {
      for (const [i, raw] of lines.entries()) {
        yield { place: `a.csv line ${i + 2}`, text: raw.split(",")[0], raw };
      }
    },
  };
}

const assay = table(["mutant", "DMS_score", "site class"], [
  "A1G,-3.5,core",
  "A1C,-3,surface",
  "A1D,,core",
  "A1E,2e0,core",
]);

async function kept(filter: string, source = assay): Promise<string[]> {
  const out: string[] = [];
  for await (const { text } of filterRows(source, filter).rows()) out.push(text);
  return out;
}

Deno.test("filterRows compares numbers as numbers, and rows without a value pass no order", async () => {
  deepEqual(await kept("DMS_score < -3"), ["A1G"]);
  deepEqual(await kept("DMS_score<=-3"), ["A1G", "A1C"]);
  deepEqual(await kept("DMS_score > -100"), ["A1G", "A1C", "A1E"]);
  deepEqual(await kept("DMS_score = 2"), ["A1E"]);
  deepEqual(await kept("DMS_score != 2.0"), ["A1G", "A1C", "A1D"]);
});

Deno.test("filterRows joins comparisons and reads quoted names", async () => {
  deepEqual(await kept('DMS_score >= -3.5 and "site class" = core'), ["A1G", "A1E"]);
  deepEqual(await kept('site class == "core" && mutant != A1D'), ["A1G", "A1E"]);
});

Deno.test("filterRows reads single quotes as well, and apostrophes as letters", async () => {
  deepEqual(await kept("mutant = 'A1G'"), ["A1G"]);
  deepEqual(await kept("'site class' != 'core' and DMS_score < 0"), ["A1C"]);
  const notes = table(["mutant", "note"], ["A1G,it's", 'A1C,"say ""hi"""', "A1D,this and that"]);
  deepEqual(await kept("note = it's and mutant != 'A1C'", notes), ["A1G"]);
  deepEqual(await kept('note = "it\'s"', notes), ["A1G"]);
  deepEqual(await kept("note = 'say \"hi\"'", notes), ["A1C"]);
  deepEqual(await kept("note = 'this and that'", notes), ["A1D"]);
  throws(() => parseFilter("note = 'a b"), /must compare columns with values/);
});

Deno.test("filterRows names what it cannot use", async () => {
  throws(
    () => filterRows(assay, "fitness < 1"),
    /column "fitness" must be one of the input's.*DMS_score/,
  );
  throws(() => filterRows(assay, "DMS_score < low"), /must be followed by a number.*"low"/);
  await rejects(
    () => kept("site class < 3"),
    /column "site class" of a.csv line 2 must hold a number/,
  );
});

Deno.test("parseFilter refuses what is no comparison", () => {
  for (
    const bad of [
      "",
      "DMS_score",
      "< 3",
      "a < ",
      "a < 3 and",
      "a <> 3",
      "1 < a < 3",
      "a < 3 or b < 2 = 1",
    ]
  ) {
    throws(() => parseFilter(bad), /must compare columns with values/, bad);
  }
});
