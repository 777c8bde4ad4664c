import { allClose, deepEqual, equal, throws } from "../../tests/assert.ts";
import { aggregate } from "./aggregate.ts";

const reference = (rows: string[]) => ({
  source: "ref.csv",
  text: ["DMS_id,UniProt_ID,coarse_selection_type", ...rows].join("\n"),
});
const levels = (text: string) => ({ source: "levels.csv", text });

Deno.test("aggregate averages over a protein's assays, then proteins, then selection types", () => {
  const ref = reference([
    "a1,A,Activity",
    "a2,A,Activity",
    "b,B,Activity",
    "c,A,Binding",
    "d,D,Stability",
  ]);
  const [one, two] = aggregate(
    levels("DMS ID,one,two,note\na1,0.1,1\na2,0.3,1\nb,0.6,\nc,0.9,1\nd,0.2,0\n".replaceAll(
      /^(?!DMS)(.+)$/gm,
      "$1,x",
    )),
    ref,
  );
  // Activity: mean of (0.1 + 0.3) / 2 and 0.6.
  allClose([one.byType.Activity, one.average], [0.4, (0.4 + 0.9 + 0.2) / 3], { rtol: 1e-12 });
  equal(Number.isNaN(one.byType.Expression), true);
  deepEqual([one.assays, two.assays, two.byType.Activity], [5, 4, 1]);
});

Deno.test("aggregate takes proteins and types from the table itself where it has them", () => {
  const text = "DMS ID,m,Number of Mutants,UniProt ID,Selection Type\nx,0.5,10,X,Expression\n";
  const found = aggregate(levels(text));
  deepEqual(found.map(({ model, average }) => [model, average]), [["m", 0.5]]);
});

Deno.test("aggregate names file and line of what it cannot read", () => {
  const ref = reference(["a,A,Activity"]);
  const cases: [() => unknown, RegExp][] = [
    [
      () => aggregate(levels("id,m\na,1\n"), ref),
      /"levels\.csv" as it must have a column "DMS ID"/,
    ],
    [
      () => aggregate(levels("DMS ID,m\nb,1\n"), ref),
      /line 2 as "ref\.csv" must have its assay: .*"b"/,
    ],
    [() => aggregate(levels("DMS ID,m\na,1\na,x\n"), ref), /line 3 as "m" must be a number.*"x"/],
    [
      () => aggregate(levels("DMS ID,m\na,\n"), ref),
      /a column of numbers: current count is 1 and 0/,
    ],
    [() => aggregate(levels("DMS ID,m\na,1\n")), /"UniProt ID" and "Selection Type"/],
    [
      () => aggregate(levels("DMS ID,m\na,1\n"), reference(["a,A,Other"])),
      /"ref\.csv" line 2 as "coarse_selection_type" must be one of Activity/,
    ],
  ];
  for (const [run, message] of cases) throws(run, { name: "UserError", message });
});
