import { equal } from "../../tests/assert.ts";
import { SaveTimer } from "./save_timer.ts";

Deno.test("a state is saved every two seconds, or less often where saving takes long", async () => {
  let clock = 0, saves = 0;
  const timer = new SaveTimer(() => {
    saves++;
    clock += 900;
  }, () => clock);
  const savesAt = async (time: number) => {
    clock = time;
    await timer.saveIfDue();
    return saves;
  };
  equal(await savesAt(1999), 0);
  equal(await savesAt(2001), 1);
  equal(await savesAt(31_000), 1);
  equal(await savesAt(33_000), 2);
});
