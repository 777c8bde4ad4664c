import { equal, ok, rejects } from "../../tests/assert.ts";
import { forwardFixtures } from "../../tests/fixtures.ts";
import { runsGpuTests } from "../../tests/gpu.ts";
import { batchOf } from "../../tests/parity.ts";
import { openBackend } from "../backend/mod.ts";
import { type Checkpoint, openCheckpoint } from "../checkpoint/mod.ts";
import { Esm2 } from "../esm2/mod.ts";
import { ContactHead } from "./contact_head.ts";

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  Deno.test({
    name: `ContactHead gives fair-esm's contacts of every fixture on ${name}`,
    ignore: name === "webgpu" && !runsGpuTests,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await using backend = (await openBackend(name)).backend;
      for (const fixture of forwardFixtures()) {
        using checkpoint = await openCheckpoint(fixture.model);
        await using model = await Esm2.open(checkpoint, backend);
        await using head = await ContactHead.create(model, checkpoint);
        const batch = batchOf(fixture.sequences);
        const maps = await head.run(batch);
        const { shape: [, n], data } = fixture.arrays.contacts;
        maps.forEach((map, b) => {
          const length = batch.lengths[b] - 2;
          equal(map.length, length * length);
          let worst = 0;
          for (let i = 0; i < length; i++) {
            for (let j = 0; j < length; j++) {
              const d = Math.abs(map[i * length + j] - data[(b * n + i) * n + j]);
              worst = Math.max(worst, Number.isNaN(d) ? Infinity : d);
            }
          }
          // The tolerance that the fixtures' README derives for float32 contacts.
          ok(worst <= 5e-5, `${fixture.name} member ${b}: ${worst}`);
        });
      }
      equal(backend.liveBytes, 0);
    },
  });
}

Deno.test("ContactHead refuses a checkpoint without a contact head", async () => {
  const checkpoint = { tensors: new Map() } as unknown as Checkpoint;
  await rejects(ContactHead.create({} as Esm2, checkpoint), /must hold a contact head/);
});
