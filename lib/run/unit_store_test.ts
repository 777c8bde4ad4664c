import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { UnitStore } from "./unit_store.ts";

const settings = { model: "m", mode: "masked-marginal" };
const files = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name);

async function inFolder(use: (dir: string) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("UnitStore gives back units bit for bit, and writes nothing before the first", () =>
  inFolder((dir) => {
    const values = Float64Array.of(0.1, -0, NaN, -Infinity, 5e-324);
    {
      using progress = UnitStore.open(dir, settings);
      deepEqual(files(dir), []);
      progress.put(7, values);
      progress.put(0xffff_ffff, Float64Array.of(3));
      progress.put(8, new Float64Array(0));
    }
    using again = UnitStore.open(dir, settings);
    equal(again.finished, 3);
    deepEqual([again.get(7), again.get(0xffff_ffff)![0], again.get(8)!.length], [values, 3, 0]);
    equal(again.get(1), undefined);
    again.put(9, Float64Array.of(4));
    again.remove();
    deepEqual(files(dir), []);
  }));

Deno.test("UnitStore keeps parts of a unit apart, and removes them with the rest", () =>
  inFolder((dir) => {
    using progress = UnitStore.open(dir, settings);
    using part = progress.part(3);
    equal(progress.isContinued, false);
    part.put(0, Float64Array.of(1));
    equal(progress.get(0), undefined);
    using again = UnitStore.open(dir, settings);
    deepEqual([again.finished, again.isContinued], [0, true]);
    deepEqual(again.part(3).get(0), Float64Array.of(1));
    deepEqual(again.part(33).get(0), undefined);
    again.put(1, Float64Array.of(2));
    using other = UnitStore.open(dir, "other");
    other.put(1, Float64Array.of(2));
    again.part(3).remove();
    equal(files(dir).length, 2);
    part.put(1, Float64Array.of(1));
    again.remove();
    equal(files(dir).length, 1, "other settings' file stays");
  }));

Deno.test("UnitStore of other settings knows nothing of these", () =>
  inFolder((dir) => {
    using one = UnitStore.open(dir, settings);
    one.put(1, Float64Array.of(1));
    using other = UnitStore.open(dir, { ...settings, mode: "wt-marginal" });
    equal(other.finished, 0);
    other.put(1, Float64Array.of(2));
    equal(files(dir).length, 2);
  }));

Deno.test("UnitStore drops a record that a kill cut short or a disk damaged, and goes on after it", () =>
  inFolder((dir) => {
    {
      using progress = UnitStore.open(dir, settings);
      progress.put(1, Float64Array.of(1, 2));
      progress.put(2, Float64Array.of(3, 4));
    }
    const path = `${dir}/${files(dir)[0]}`, whole = Deno.readFileSync(path);
    const record = whole.length / 2;
    for (const size of [record + 1, record + 15, record + 16, whole.length - 1]) {
      Deno.writeFileSync(path, whole.subarray(0, size));
      using cut = UnitStore.open(dir, settings);
      equal(cut.finished, 1, `${size} bytes`);
      cut.put(2, Float64Array.of(3, 4));
      deepEqual(Deno.readFileSync(path), whole, "the rest was cut off before the new record");
    }
    for (const at of [record, record + 5, record + 9, record + 13, record + 20]) {
      const damaged = whole.slice();
      damaged[at] ^= 1;
      Deno.writeFileSync(path, damaged);
      using progress = UnitStore.open(dir, settings);
      deepEqual([progress.finished, progress.get(2)], [1, undefined], `byte ${at}`);
    }
  }));

Deno.test("UnitStore of the same work is one process's at a time, from the first unit on", () =>
  inFolder((dir) => {
    {
      using first = UnitStore.open(dir, settings), late = UnitStore.open(dir, settings);
      first.put(1, Float64Array.of(1));
      const refused = (error: unknown) =>
        error instanceof UserError && /as no other run of the same command/.test(error.message);
      throws(() => UnitStore.open(dir, settings), refused);
      throws(() => late.put(1, Float64Array.of(1)), refused);
      using other = UnitStore.open(dir, "other");
      equal(other.finished, 0);
    }
    using again = UnitStore.open(dir, settings);
    equal(again.finished, 1);
    again.remove();
    deepEqual(files(dir), []);
  }));
