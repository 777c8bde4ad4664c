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

const graphOf = (name: string) => new Graph(name);

const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("ProgramCache keeps the graphs of the batch sizes used last, and frees the others", async () => {
  const { backend, live, count } = counting();
  const programs = new ProgramCache(backend, 2);
  const pass = async (size: number) => {
    programs.use(size);
    for (const key of [`block ${size}`, `attend ${size}`, "head"]) {
      await programs.get(graphOf, key);
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
  const get = () => programs.get(graphOf, "block");
  await rejects(get, /does not compile/);
  await settled();
  equal(programs.count, 0);
  fails = false;
  await get();
  equal(count(), 2);
});

Deno.test("ProgramCache tells programs apart by all that their graphs are made from", async () => {
  const { backend, count } = counting();
  await using programs = new ProgramCache(backend);
  const graph = (name: string, _of?: unknown) => new Graph(name);
  const other = (name: string, _of?: unknown) => new Graph(name);
  const get = (of: unknown, build = graph) => programs.get(build, "a", of);
  await get({ rank: 4, alpha: 8 });
  await get({ rank: 4, alpha: 8 });
  equal(count(), 1, "equal arguments are one program");
  await get({ rank: 4, alpha: 16 });
  await get({ rank: 8, alpha: 8 });
  await get([["x", "w"]]);
  await get([["x"]]);
  equal(count(), 5);
  await get([["x"]], other);
  await get({ key: "one", visit: () => {} });
  equal(count(), 7);
  await get({ key: "one", visit: () => {} });
  equal(count(), 7, "what has a key is known by it");
});
