import { deepEqual, equal, rejects } from "../../tests/assert.ts";
import { parseTable } from "./csv.ts";
import { openTable } from "./csv_stream.ts";

async function withFile(
  bytes: string | Uint8Array,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".csv" });
  try {
    if (typeof bytes === "string") await Deno.writeTextFile(path, bytes);
    else await Deno.writeFile(path, bytes);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

const collect = (path: string) => openTable(path).then((table) => Array.fromAsync(table.rows()));

Deno.test("openTable gives rows as they are, with trimmed fields and line numbers", async () => {
  const text = '\uFEFFa;"b;c"\r\n 1 ; x\r\n\r\n;\r\n"two\nlines";"say ""yes"""\r\n3;y';
  await withFile(text, async (path) => {
    const table = await openTable(path);
    deepEqual([table.columns, table.delimiter, table.header], [["a", "b;c"], ";", 'a;"b;c"']);
    deepEqual(await Array.fromAsync(table.rows()), [
      { line: 2, raw: " 1 ; x", fields: ["1", "x"] },
      { line: 5, raw: '"two\nlines";"say ""yes"""', fields: ["two\nlines", 'say "yes"'] },
      { line: 7, raw: "3;y", fields: ["3", "y"] },
    ]);
    equal((await Array.fromAsync(table.rows())).length, 3, "rows can be read again");
  });
});

Deno.test("openTable reads what parseTable reads, across the edges of its buffer", async () => {
  const rows = Array.from(
    { length: 3000 },
    (_, i) => `${i},"name é ${i}, quoted",${"x".repeat(i % 60)}`,
  );
  const text = `id,name,tail\r\n${rows.join("\r\n")}\r\n`;
  await withFile(text, async (path) => {
    const expected = parseTable(text, path).rows;
    const found = await collect(path);
    deepEqual(found.map(({ line }) => line), expected.map(({ line }) => line));
    deepEqual(
      found.map(({ fields }) => fields),
      expected.map(({ fields }) => Object.values(fields)),
    );
    deepEqual(found.map(({ raw }) => raw), rows);
  });
});

Deno.test("openTable reads the separator that a spreadsheet states in a line of its own", async () => {
  await withFile("\uFEFFsep=;\r\na;b,c\r\n1;2,5\r\n", async (path) => {
    const table = await openTable(path, { required: ["a"] });
    deepEqual([table.header, table.columns, table.delimiter], ["a;b,c", ["a", "b,c"], ";"]);
    const rows = await Array.fromAsync(table.rows());
    deepEqual(rows, [{ line: 3, raw: "1;2,5", fields: ["1", "2,5"] }]);
  });
});

Deno.test("openTable names file and line of what is wrong", async () => {
  const cases: [string | Uint8Array, RegExp][] = [
    ["", /header row: current value is an empty file/],
    ["a,b\n1\n", /line 2 as a row must have 2 fields.*current value is 1/],
    ["a,b\n1,2\n\n1,2,3\n", /line 4 as a row must have 2 fields.*current value is 3/],
    ['a,b\n1,"2\n', /line 2 as quotes must enclose/],
    [Uint8Array.of(97, 10, 0xff, 1), /not text: neither UTF-8/],
  ];
  for (const [bytes, message] of cases) {
    await withFile(bytes, (path) => rejects(() => collect(path), { name: "UserError", message }));
  }
  await withFile("\n\na,a\n", (path) =>
    rejects(() => openTable(path, { required: ["a"] }), {
      name: "UserError",
      message: /line 3 as column names must differ/,
    }));
  await rejects(() => openTable("no/such.csv"), { name: "UserError", message: /no such file/ });
});

Deno.test("openTable refuses a row that a missing quote makes endless", async () => {
  const text = `a\n"${"x\n".repeat(600_000)}`;
  await withFile(
    text,
    (path) => rejects(() => collect(path), /line 2 .* a quote may not be closed/),
  );
});
