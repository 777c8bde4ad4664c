import { equal, match, ok } from "../../tests/assert.ts";
import { describeMachine, loadNote } from "./machine.ts";

Deno.test({
  name: "describeMachine() has the numbers by which processors of one name differ",
  ignore: Deno.build.os !== "linux" || Deno.build.arch !== "x86_64",
  fn() {
    const { cpuFamily, cpuModel } = describeMachine();
    // AMD's families of today are 15 and more, Intel's 6; a model is a byte.
    ok(Number.isInteger(cpuFamily) && cpuFamily! >= 6, `family ${cpuFamily}`);
    ok(Number.isInteger(cpuModel) && cpuModel! >= 0 && cpuModel! < 256, `model ${cpuModel}`);
  },
});

Deno.test("loadNote() speaks from half of the cores on", () => {
  const machine = { ...describeMachine(), cores: 4 };
  equal(loadNote({ ...machine, loadAverage: 1.9 }), undefined);
  equal(loadNote({ ...machine, loadAverage: undefined }), undefined);
  match(loadNote({ ...machine, loadAverage: 2 })!, /kept 2\.0 of 4 cores busy/);
});
