import { deepEqual, equal } from "../../tests/assert.ts";
import { columnsOf, describeTables, type TableOf, tablesMarkdown } from "../io/columns.ts";
import { OutputDir } from "../io/output.ts";
import { Results } from "./results.ts";

interface Row {
  name: string;
  value: number;
  big?: bigint;
}
const { text, integer, number, flag } = columnsOf<Row>();
const TABLE: TableOf<Row> = {
  name: "rows",
  rows: "one row per thing",
  when: "with --things",
  columns: [
    text("name", "what it is called", "name"),
    number("value", "how much", "value", { unit: "nats", when: "with --value" }),
    integer("big", "how many", "big"),
    flag("high", "whether value | limit", ({ value }) => value > 1),
  ],
};
const EMPTY: TableOf<Row> = { ...TABLE, name: "empty" };

Deno.test("Results writes the same rows as CSV and JSON, whatever pieces they come in", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const rows: Row[] = [
      { name: 'a,"b', value: NaN },
      { name: "\u0000inf", value: Infinity, big: 5n },
      { name: "line\nbreak", value: -Infinity },
      { name: "d", value: 0.1 + 0.2 },
    ];
    const output = OutputDir.open(dir);
    const results = new Results(output, true);
    {
      await using sink = results.open(TABLE);
      await sink.write(rows.slice(0, 1));
      await sink.write([]);
      await sink.write(rows.slice(1));
      await sink.close();
    }
    await results.write(EMPTY, []);
    output.commit();
    let json = "";
    for await (const part of results.json({ command: "x" })) json += part + "\n";
    deepEqual(JSON.parse(json), {
      run: { command: "x" },
      tables: {
        rows: [
          { name: 'a,"b', value: null, big: null, high: false },
          { name: "\u0000inf", value: Infinity, big: 5, high: true },
          { name: "line\nbreak", value: -Infinity, big: null, high: false },
          { name: "d", value: 0.1 + 0.2, big: null, high: false },
        ],
        empty: [],
      },
    });
    output.dispose();
    deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), ["empty.csv", "rows.csv"]);
    equal(
      Deno.readTextFileSync(`${dir}/rows.csv`),
      'name,value,big,high\n"a,""b",NaN,,false\n\u0000inf,inf,5,true\n"line\nbreak",-inf,,false\n' +
        "d,0.30000000000000004,,false\n",
    );
    equal(Deno.readTextFileSync(`${dir}/empty.csv`), "name,value,big,high\n");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("Results keeps nothing but the tables where JSON is not asked for", async () => {
  const dir = await Deno.makeTempDir();
  try {
    using output = OutputDir.open(dir);
    await new Results(output, false).write(TABLE, [{ name: "a", value: 1 }]);
    deepEqual([...Deno.readDirSync(dir)].filter(({ name }) => name.includes("json")), []);
    output.commit();
    deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["rows.csv"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a declared table is described for a terminal and in Markdown", () => {
  equal(
    describeTables([TABLE]),
    "rows.csv, one row per thing (with --things)\n" +
      "  name   what it is called (text)\n" +
      "  value  how much (number, nats; with --value)\n" +
      "  big    how many (integer)\n" +
      "  high   whether value | limit (flag)",
  );
  equal(
    tablesMarkdown([TABLE]),
    "| rows.csv, one row per thing (with --things) | | |\n| --- | --- | --- |\n" +
      "| `name` | text | what it is called |\n" +
      "| `value` | number, nats; with --value | how much |\n" +
      "| `big` | integer | how many |\n" +
      "| `high` | flag | whether value \\| limit |",
  );
});
