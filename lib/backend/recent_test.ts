import { deepEqual, equal } from "../../tests/assert.ts";
import { Recent } from "./recent.ts";

Deno.test("values used least recently are released, the others at the end", () => {
  const released: string[] = [], recent = new Recent<number, string>(2, (v) => released.push(v));
  let made = 0;
  const of = (key: number) => recent.of(key, () => `${key} ${++made}`);
  deepEqual([of(1), of(2), of(1)], ["1 1", "2 2", "1 1"]);
  // A look is no use.
  equal(recent.get(2), "2 2");
  equal(of(3), "3 3");
  deepEqual(released, ["2 2"]);
  equal(recent.get(2), undefined);
  equal(recent.keep(1, "other"), "other");
  equal(recent.count, 2);
  recent[Symbol.dispose]();
  deepEqual(released, ["2 2", "3 3", "other"]);
  equal(recent.count, 0);
});
