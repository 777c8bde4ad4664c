import { deepEqual, equal, rejects } from "../../tests/assert.ts";
import type { GpuContext } from "../gpu/mod.ts";
import { ahead } from "./ahead.ts";

const gpu = {} as GpuContext;

/** Work that ends when it is told to, and what was begun and ended. */
function work() {
  const told: string[] = [], ends: (() => void)[] = [];
  const compute = async (item: number) => {
    told.push(`begin ${item}`);
    await new Promise<void>((resolve) => ends[item] = resolve);
    told.push(`end ${item}`);
    return 10 * item;
  };
  return { told, ends, compute };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("ahead() begins an item on a GPU before the last has ended, and gives them in order", async () => {
  const { told, ends, compute } = work();
  const results = ahead([0, 1, 2], { gpu }, compute);
  const one = results.next();
  await turn();
  deepEqual(told, ["begin 0", "begin 1"]);
  ends[1]();
  await turn();
  ends[0]();
  deepEqual((await one).value, [0, 0]);
  const two = results.next(), three = results.next();
  await turn();
  ends[2]();
  deepEqual([(await two).value, (await three).value], [[1, 10], [2, 20]]);
  equal((await results.next()).done, true);
});

Deno.test("ahead() computes one by one on a host", async () => {
  const { told, ends, compute } = work();
  const results = ahead([0, 1], {}, compute), one = results.next();
  await turn();
  deepEqual(told, ["begin 0"]);
  ends[0]();
  await one;
  const two = results.next();
  await turn();
  ends[1]();
  deepEqual((await two).value, [1, 10]);
  await results.return();
});

Deno.test("ahead() fails as its items do, and leaves nothing behind that runs", async () => {
  const told: number[] = [];
  const compute = async (item: number) => {
    await turn();
    told.push(item);
    if (item === 0) throw new Error("the first failed");
    await turn();
    told.push(-item);
    return item;
  };
  await rejects(async () => {
    for await (const _ of ahead([0, 1, 2], { gpu }, compute));
  }, /the first failed/);
  deepEqual(told, [0, 1, -1], "the second was begun, and waited for");
});
