import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { chooseRecord, RecordIndex } from "./records.ts";

const record = (id: string) => ({ id, description: "", sequence: `M${id.length}`, line: 1 });
const records = ["sp|P1|A_X", "sp|P2|B_X", "P3", "tr|Q9|P3", "ref|NP_1.2|", "sp|P7|A_X"].map(
  record,
);

Deno.test("RecordIndex finds a record by its id, its accession or its entry name", () => {
  const index = new RecordIndex("x.fa", records);
  const cases = {
    "sp|P1|A_X": "sp|P1|A_X",
    P2: "sp|P2|B_X",
    B_X: "sp|P2|B_X",
    // A whole id goes before a part of another.
    P3: "P3",
    Q9: "tr|Q9|P3",
    "NP_1.2": "ref|NP_1.2|",
  };
  for (const [name, id] of Object.entries(cases)) equal(index.need(name).id, id, name);
  deepEqual(["sp", "", "p2", "P", "X"].map((name) => index.get(name)), Array(5).fill(undefined));
  throws(() => index.get("A_X"), /"A_X" must name one: it is in "sp\|P1\|A_X" and "sp\|P7\|A_X"/);
  throws(() => index.need("Z"), /--id must be one of its ids \(sp\|P1\|A_X, .*, …\): .* "Z"/);
});

Deno.test("chooseRecord takes the only record, or the one that --id names", () => {
  equal(chooseRecord(records, "Q9", "x.fa").id, "tr|Q9|P3");
  equal(chooseRecord([record("a")], undefined, "x.fa").id, "a");
  throws(() => chooseRecord(records, undefined, "x.fa"), /must hold one, or --id .* count is 6/);
});
