import { deepEqual } from "../../tests/assert.ts";
import { cifCategory } from "./cif_category.ts";

Deno.test("cifCategory reads rows broken anywhere, quotes and texts between semicolons", () => {
  const text = "data_x\n_other.id 5\nLOOP_ # names\n_cat.ID\n_cat.a_b\t_cat.c\n" +
    "1 'it's one'\n?\r\n;two\nloop_\n;\n\"a b\"\t. # a note\n3 x'y \"_cat.id\"\nloop_\n_cat_x.id 1\n";
  deepEqual(cifCategory(text, "cat"), [
    { id: "1", a_b: "it's one", c: "" },
    { id: "two\nloop_", a_b: "a b", c: "" },
    { id: "3", a_b: "x'y", c: "_cat.id" },
  ]);
  deepEqual(cifCategory(text, "ca"), []);
  deepEqual(cifCategory(text, "cat_y"), []);
});

Deno.test("cifCategory reads items that are no loop", () => {
  const text = "data_x\n_cat.id  7\n_cat.note\n;a\n;\n_cat.last 'b c'\n_next.id 8\n";
  deepEqual(cifCategory(text, "cat"), [{ id: "7", note: "a", last: "b c" }]);
  deepEqual(cifCategory(text, "next"), [{ id: "8" }]);
});
