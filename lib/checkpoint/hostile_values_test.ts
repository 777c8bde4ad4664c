/** Files whose values are too deep or too wide to be written into a message. */
import { join } from "node:path";
import { equal, match, ok } from "../../tests/assert.ts";
import { openCheckpoint } from "./open.ts";
import { safetensorsBytes, torchBytes, withHeader, withTempDir } from "./testing/files.ts";
import type { Py } from "./testing/pickle_writer.ts";
import { asSafetensors, SMALL_CFG, SMALL_CONFIG, smallTensors } from "./testing/small_model.ts";

const EMPTY_TUPLE = 0x29, TUPLE1 = 0x85, TUPLE2 = 0x86, EMPTY_LIST = 0x5d, APPEND = 0x61;
/** Remembers the value on top, and pushes it again; at places that the writer's own memo leaves free. */
const twice = (i: number) => [0x72, i, 0, 1, 0, 0x6a, i, 0, 1, 0];

/** A tuple of twice the same tuple of twice the same …: 2^60 leaves. */
const shared: Py = {
  raw: [EMPTY_TUPLE, ...Array.from({ length: 60 }, (_, i) => [...twice(i), TUPLE2]).flat()],
};
/** A tuple in a tuple in a tuple …. */
const deep: Py = { raw: [EMPTY_TUPLE, ...Array(100_000).fill(TUPLE1)] };
/** A list that holds itself. */
const cyclic: Py = { raw: [EMPTY_LIST, ...twice(0), APPEND] };

const changed = (key: string, value: Py): Py => {
  const cfg = SMALL_CFG.map(([name, old]): [Py, Py] => [name, name === key ? value : old]);
  return { dict: [["cfg", { dict: [["model", { dict: cfg }]] }], ["model", { dict: [] }]] };
};

const places: [where: string, root: (value: Py) => Py][] = [
  ["the root", (value) => value],
  ["a key", (value) => ({ dict: [[value, 1]] })],
  ["a key of the model", (value) => ({ dict: [["model", { dict: [[value, 1]] }]] })],
  ...SMALL_CFG.slice(1).map(([key]): [string, (value: Py) => Py] => [
    `${key}`,
    (value) => changed(`${key}`, value),
  ]),
  ["the arguments of a call", (value) => ({ call: "collections OrderedDict", args: [value] })],
  ["a tensor's storage", (value) => ({
    call: "torch._utils _rebuild_tensor_v2",
    args: [value, value, value, value],
  })],
  ["a persistent id", (value) => ({ persistent: value })],
  ["a storage's length", (value) => ({
    persistent: { tuple: ["storage", { global: "torch FloatStorage" }, "0", "cpu", value] },
  })],
  ["a storage's key", (value) => ({
    persistent: { tuple: ["storage", { global: "torch FloatStorage" }, value, "cpu", 1] },
  })],
  ["an object's state", (value) => ({ build: { dict: [] }, state: value })],
];

async function refusesInOneLine(path: string): Promise<void> {
  const begin = performance.now();
  const error = await openCheckpoint(path).then(() => undefined, (e) => e);
  ok(performance.now() - begin < 2000, "it takes no time");
  equal(error?.name, "UserError", error?.stack);
  match(error.message, /^Cannot (read|open) [^\n]{1,400}$/);
}

for (const [kind, value] of [["shared", shared], ["deep", deep], ["cyclic", cyclic]] as const) {
  for (const [where, root] of places) {
    Deno.test(`openCheckpoint answers a ${kind} container as ${where} with one line`, () =>
      withTempDir(async (dir) => {
        const path = join(dir, "m.pt");
        await Deno.writeFile(path, await torchBytes({ root: root(value) }));
        await Deno.writeTextFile(join(dir, "config.json"), "{}");
        await refusesInOneLine(path);
      }));
  }
}

/** JSON has no shared values: only depth is a danger. */
const nested = "[".repeat(200_000) + "]".repeat(200_000);
const withNested = (value: object) => JSON.stringify(value).replace('"@"', nested);

for (
  const key of [
    ...["hidden_size", "hidden_act", "position_embedding_type", "emb_layer_norm_before"],
    ...["model_type", "token_dropout", "layer_norm_eps", "vocab_size"],
  ]
) {
  Deno.test(`openCheckpoint answers a deep list as ${key} of config.json with one line`, () =>
    withTempDir(async (dir) => {
      const config = withNested({ ...SMALL_CONFIG, [key]: "@" });
      await Deno.writeTextFile(join(dir, "config.json"), config);
      await Deno.writeFile(
        join(dir, "model.safetensors"),
        safetensorsBytes(asSafetensors(smallTensors((_, hf) => hf))),
      );
      await refusesInOneLine(dir);
    }));
}

for (
  const entry of [
    "@",
    { dtype: "@", shape: [1], data_offsets: [0, 4] },
    { dtype: "F32", shape: "@", data_offsets: [0, 4] },
    { dtype: "F32", shape: [1], data_offsets: "@" },
  ]
) {
  Deno.test(`openCheckpoint answers a deep list in a header with one line: ${JSON.stringify(entry)}`, () =>
    withTempDir(async (dir) => {
      const header = withHeader(withNested({ x: entry }), [new Uint8Array(64)]);
      await Deno.writeFile(join(dir, "model.safetensors"), header);
      await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify(SMALL_CONFIG));
      await refusesInOneLine(dir);
    }));
}
