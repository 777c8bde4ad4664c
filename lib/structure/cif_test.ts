import { deepEqual, throws } from "../../tests/assert.ts";
import { parseCif, tableOf } from "./cif.ts";

/** All rows of a category as objects. */
function rowsOf(text: string, category: string, items: string[]) {
  const table = tableOf(parseCif(text, [category]), category);
  return Array.from(
    { length: table.rows },
    (_, row) => Object.fromEntries(items.map((item) => [item, table.value(item, row)])),
  );
}

Deno.test("parseCif reads rows broken anywhere, quotes and texts between semicolons", () => {
  const text = "data_x\n_other.id 5\nLOOP_ # names\n_cat.ID\n_cat.a_b\t_cat.c\n" +
    "1 'it's one'\n?\r\n;two\nloop_\n;\n\"a b\"\t. # a note\n3 x'y \"_cat.id\"\nloop_\n_cat_x.id 1\n";
  deepEqual(rowsOf(text, "cat", ["id", "a_b", "c"]), [
    { id: "1", a_b: "it's one", c: "" },
    { id: "two\nloop_", a_b: "a b", c: "" },
    { id: "3", a_b: "x'y", c: "_cat.id" },
  ]);
  deepEqual(rowsOf(text, "ca", ["id"]), []);
  deepEqual(rowsOf(text, "cat_y", ["id"]), []);
});

Deno.test("parseCif reads items that are no loop", () => {
  const text = "data_x\n_cat.id  7\n_cat.note\n;a\n;\n_cat.last 'b c'\n_next.id 8\n";
  deepEqual(rowsOf(text, "cat", ["id", "note", "last"]), [{ id: "7", note: "a", last: "b c" }]);
  deepEqual(rowsOf(text, "next", ["id"]), [{ id: "8" }]);
});

Deno.test("parseCif takes the first block that has the first category", () => {
  const text = "data_a\n_cell.z 1\ndata_b\n_cat.id 2\n_cell.z 2\ndata_c\n_cat.id 3\n";
  deepEqual(rowsOf(text, "cat", ["id"]), [{ id: "2" }]);
  const block = parseCif(text, ["cat", "cell"]);
  deepEqual(tableOf(block, "cell").value("z", 0), "2");
});

Deno.test("parseCif refuses what is cut off, with the line", () => {
  const begin = "data_x\nloop_\n_cat.id\n_cat.a\n1 2\n";
  throws(
    () => parseCif(`${begin}3`, ["cat"]),
    /_cat must have 2 values: .* line 6, has 1; .* cut off/,
  );
  throws(() => parseCif(`${begin}3\n;a\nb`, ["cat"]), /begins in line 7 must end; .* cut off/);
  throws(() => parseCif("data_x\n_cat.id", ["cat"]), /_cat\.id must have a value/);
});
