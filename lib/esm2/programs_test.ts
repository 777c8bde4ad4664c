import { deepEqual, equal, rejects } from "../../tests/assert.ts";
import type { Backend, Program } from "../backend/types.ts";
import { Graph } from "../onnx/graph.ts";
import { ProgramCache } from "./programs.ts";

/** A backend that only counts what it holds. */
function counting(fails: (name: string) => boolean = () => false) {
  const live = new Set<string>();
  let compiled = 0;
  const backend = {
    compile({ name }: Graph): Promise<Program> {
      compiled++;
      if (fails(name)) return Promise.reject(new Error("does not compile"));
      live.add(name);
      return Promise.resolve({
        run: () => Promise.resolve({}),
        [Symbol.asyncDispose]: () => Promise.resolve(void live.delete(name)),
      });
    },
  } as unknown as Backend;
  return { backend, live, count: () => compiled };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("ProgramCache keeps the graphs of the batch sizes used last, and frees the others", async () => {
  const { backend, live, count } = counting();
  const programs = new ProgramCache(backend, 2);
  const pass = async (size: number) => {
    programs.use(size);
    for (const key of [`block ${size}`, `attend ${size}`, "head"]) {
      await programs.get(key, () => new Graph(key));
    }
    await settled();
  };
  for (const size of [1, 2, 1, 3]) await pass(size);
  deepEqual([...live].sort(), ["attend 1", "attend 3", "block 1", "block 3", "head"]);
  equal(count(), 7, "what is kept is not compiled again");
  for (let size = 4; size < 44; size++) await pass(size);
  equal(live.size, 5);
  await programs[Symbol.asyncDispose]();
  equal(live.size, 0);
});

Deno.test("ProgramCache compiles again what failed to compile", async () => {
  let fails = true;
  const { backend, count } = counting(() => fails);
  await using programs = new ProgramCache(backend);
  const get = () => programs.get("block", () => new Graph("block"));
  await rejects(get, /does not compile/);
  await settled();
  equal(programs.count, 0);
  fails = false;
  await get();
  equal(count(), 2);
});
