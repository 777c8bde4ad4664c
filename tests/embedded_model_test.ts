/** What the embedded model is said to know. */
import { createHash } from "node:crypto";
import { sis1 } from "../data/sis1.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { deepEqual, ok } from "./assert.ts";
import { embeddedPath } from "./fixtures.ts";
import { scoreAll } from "./score_all.ts";

/** Where a J-domain stands: the published construct, as Pfam cuts it, and between some of its neighbours. */
const CONTEXTS = [[0, 81], [5, 66], [3, 70]];

Deno.test({
  name: "the embedded model singles out the HPD motif of a J-domain, wherever the domain stands",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    using checkpoint = await openCheckpoint(embeddedPath);
    await using esm = await Esm2.open(checkpoint, backend);
    for (const [begin, end] of CONTEXTS) {
      const residues = sis1.residues.slice(begin, end);
      const sums = new Map<number, number>();
      const { names, scores } = await scoreAll(esm, residues);
      for (const [i, name] of names.entries()) {
        const position = Number(name.slice(1, -1)) + begin;
        sums.set(position, (sums.get(position) ?? 0) + scores[i]);
      }
      const lowest = [...sums].sort((a, b) => a[1] - b[1]).slice(0, 3);
      const motif = sis1.siteSets.hpd.sites.map((site) => Number(site.slice(1)));
      deepEqual(lowest.map(([position]) => position).sort(), motif, `residues ${begin + 1}–${end}`);
    }
  },
});

Deno.test("the embedded model's card names its weights", async () => {
  const bytes = await Deno.readFile(`${embeddedPath}/model.safetensors`);
  const card = await Deno.readTextFile(`${embeddedPath}/MODEL_CARD.md`);
  ok(card.includes(createHash("sha256").update(bytes).digest("hex")));
});
