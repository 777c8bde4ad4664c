import { pathToFileURL } from "node:url";
import { SCHEMA } from "../lib/bench/types.ts";
import { equal } from "./assert.ts";
import { readReadme, withPeers } from "./readme_peers.ts";

Deno.test("passes beside other programs stand between their marks as the named file has them", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const spread = { samples: 5, median: 2, p10: 2, p90: 2 };
  const row = { shape: "8M", threads: 1, tokens: 66, peer: "PyTorch", ratio: spread };
  const report = { schema: SCHEMA, machine: {}, kernels: [], models: [] };
  const peers = [{ ...row, oursMs: spread, theirsMs: spread }];
  await Deno.writeTextFile(path, JSON.stringify({ ...report, peers }));
  const mark = `<!-- peers: ${pathToFileURL(path).href} -->\n`;
  const table = [
    "| size | T | 1 thread: ours | PyTorch |",
    "| --- | --- | --- | --- |",
    "| 8M | 66 | 2 ms | 2.00 |",
  ];
  const right = `before\n${mark}\n${table.join("\n")}\n\n<!-- end -->\nafter`;
  equal(await withPeers(`before\n${mark}old\n<!-- end -->\nafter`), right);
  equal(await withPeers(right), right);
  await Deno.remove(path);
});

Deno.test("the README's passes beside other programs are those of the files that it names", async () => {
  const text = await readReadme();
  equal(text, await withPeers(text), "README: run tests/readme_peers.ts");
});
