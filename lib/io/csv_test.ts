import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { columnAt, csvValue, formatCsv, parseTable } from "./csv.ts";

Deno.test("parseTable finds the separator, reads quoted fields and numbers lines", () => {
  const comma = '\uFEFFid,sites\r\n# a,"85, 89\r\n246"\r\n\r\nb,1\r\n,\r\nc, 2 \r\n';
  deepEqual(parseTable(comma, "t.csv").rows, [
    { line: 2, fields: { id: "# a", sites: "85, 89\n246" } },
    { line: 5, fields: { id: "b", sites: "1" } },
    { line: 7, fields: { id: "c", sites: "2" } },
  ]);
  for (const text of ["id\tsites\nx\t1,2;3\n", 'id;sites\nx;"1,2;3"', 'id,"a;b;c"\nx,"1,2;3"\n']) {
    const table = parseTable(text, "t.csv", { required: ["id"] });
    equal(table.columns[0], "id");
    deepEqual(Object.values(table.rows[0].fields), ["x", "1,2;3"]);
  }
});

Deno.test("parseTable names file and line of what is wrong", () => {
  const cases: [string, RegExp][] = [
    ["", /"t\.csv" as a table must have a header row: current value is an empty file/],
    ["\n\nid,id\n", /line 3 as column names must differ: current value is two columns "id"/],
    ["id,seq\n", /line 1 as it must have the column "sites": current value is "id, seq"/],
    ["id,sites\na,1\nb,1,2\n", /line 3 as a row must have 2 fields.*current value is 3/],
    ["id,sites\na\n", /line 2 as a row must have 2 fields.*current value is 1/],
    ['id,sites\na,"1\n', /"t\.csv" as quotes must enclose whole fields.*line 2/],
  ];
  for (const [text, pattern] of cases) {
    throws(
      () => parseTable(text, "t.csv", { required: ["id", "sites"] }),
      (error: unknown) => error instanceof UserError && pattern.test(error.message),
      JSON.stringify(text),
    );
  }
});

Deno.test("parseTable reads the separator that a spreadsheet states, and keeps line numbers", () => {
  const { rows } = parseTable("\uFEFFsep=;\r\nid;x,y\r\na;1,5\r\n", "t.csv");
  deepEqual(rows, [{ line: 3, fields: { id: "a", "x,y": "1,5" } }]);
  deepEqual(parseTable("sep=|\nid|x\na|1\n", "t.csv").rows[0].fields, { id: "a", x: "1" });
});

Deno.test("parseTable minds two columns of one name only when one is asked for", () => {
  const { rows } = parseTable("id,note,note,,\na,1,2,,\n", "t.csv", { required: ["id"] });
  equal(rows[0].fields.id, "a");
  throws(() => rows[0].fields.note, /line 1 as column names must differ: .*two columns "note"/);
  equal(columnAt(["a", "b", "b"], "a", "t.csv"), 0);
  equal(columnAt(["a", "b", "b"], "c", "t.csv"), -1);
  throws(() => columnAt(["a", "b", "b"], "b", "t.csv"), /"t\.csv" as column names must differ/);
});

Deno.test("formatCsv writes numbers that read back to the same bits", () => {
  const values = [
    0.1 + 0.2,
    1 / 3,
    -0,
    5e-324,
    1.7976931348623157e308,
    2 ** 53 - 1,
    Math.fround(0.1),
  ];
  const [, ...lines] = formatCsv(["x"], values.map((x) => ({ x }))).trimEnd().split("\n");
  values.forEach((value, i) => equal(Object.is(Number(lines[i]), value), true, lines[i]));
});

Deno.test("formatCsv writes what pandas and R read as missing or infinite, and quotes text", () => {
  const text = formatCsv(["id", "x"], [
    { id: 'say "a, b"', x: NaN },
    { id: "two\nlines", x: Infinity },
    { id: "", x: -Infinity },
    { id: true, x: null },
  ]);
  equal(text, 'id,x\n"say ""a, b""",NaN\n"two\nlines",inf\n,-inf\ntrue,\n');
  equal(csvValue(undefined), "");
});

Deno.test("parseTable reads what formatCsv wrote", () => {
  const rows = [{ a: "x;y\tz", b: '"' }, { a: "n,m", b: "-" }];
  const table = parseTable(formatCsv(["a", "b"], rows), "t.csv");
  deepEqual(table.rows.map((row) => row.fields), rows);
});

Deno.test("parseTable reads the example table, whose sites are those of the examples", async () => {
  const text = await Deno.readTextFile(new URL("../../data/a2a_sites.csv", import.meta.url));
  const { a2a } = (await import("../../data/examples.ts")).examples;
  const { rows } = parseTable(text, "a2a_sites.csv", { required: ["id", "sequence", "sites"] });
  deepEqual(
    rows.map(({ fields }) => [fields.id, fields.sequence, fields.sites.split(",")]),
    Object.entries(a2a.siteSets).map(([name, set]) => [`A2A_${name}`, a2a.residues, set.sites]),
  );
});
