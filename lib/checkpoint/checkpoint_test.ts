import { createHash } from "node:crypto";
import { equal } from "../../tests/assert.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { makeCheckpoint } from "./checkpoint.ts";

Deno.test("Checkpoint.sha256() reads the file once, however often it is asked", async () => {
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251);
  let read = 0;
  const source = {
    label: "model.safetensors",
    sizeBytes: bytes.length,
    read(at: number, into: Uint8Array) {
      read += into.length;
      into.set(bytes.subarray(at, at + into.length));
      return Promise.resolve();
    },
    [Symbol.dispose]() {},
  } as RandomAccess;
  using checkpoint = makeCheckpoint({
    name: "model",
    config: { layers: 1, dModel: 4, heads: 1, headDim: 4, ffn: 4, tokenDropout: true },
    format: "safetensors",
    sources: [source],
    infos: new Map(),
    stored: new Map(),
    notes: [],
  });
  const expected = createHash("sha256").update(bytes).digest("hex");
  const asked = await Promise.all([checkpoint.sha256(), checkpoint.sha256()]);
  for (const hash of [...asked, await checkpoint.sha256()]) equal(hash, expected);
  equal(read, bytes.length);
});
