import { createHash } from "node:crypto";
import { openCpu } from "../lib/backend/cpu.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { EMBEDDED_SAE_LAYERS } from "../lib/hub/embedded.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { parseFasta } from "../lib/io/fasta.ts";
import { SaeCoder } from "../lib/sae/coder.ts";
import { measureFidelity } from "../lib/sae/fidelity.ts";
import { openSae } from "../lib/sae/open.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";

const folder = new URL("../models/esm2_t6_1M_PF20/sae/", import.meta.url);

Deno.test("the embedded autoencoders are the files that their card names", async () => {
  const card = await Deno.readTextFile(new URL("MODEL_CARD.md", folder));
  for (const layer of EMBEDDED_SAE_LAYERS) {
    const bytes = await Deno.readFile(new URL(`layer_${layer}.safetensors`, folder));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    ok(card.includes(`| \`layer_${layer}.safetensors\` |`) && card.includes(sha256), sha256);
  }
});

Deno.test({
  name: "the embedded autoencoders explain the embedded model's stream on another protein",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const text = await Deno.readTextFile(new URL("../data/a2a.fasta", import.meta.url));
    const proteins = parseFasta(text, "a2a.fasta")
      .map(({ id, sequence }) => ({ id, residues: sequence }));
    using model = await openModel(undefined);
    await using backend = await openCpu();
    await using esm = await Esm2.open(model.checkpoint, backend);
    for (const layer of EMBEDDED_SAE_LAYERS) {
      const { sae, metadata, notes } = await openSae(undefined, { layer }, model);
      deepEqual(notes, []);
      deepEqual([sae.config.depth, sae.config.latents, sae.config.k], [layer, 1024, 16]);
      equal(metadata.model_sha256, await model.checkpoint.sha256());
      for (let at = 0; at < sae.wDec.length; at += 128) {
        allClose([Math.hypot(...sae.wDec.subarray(at, at + 128))], [1], { atol: 1e-6 });
      }
      await using coder = await SaeCoder.open(sae, backend);
      const { fvu, lossRecovered } = await measureFidelity(esm, coder, proteins);
      // The card's figures are of other proteins: 0.011, 0.019 and 0.038.
      ok(fvu < 2 * Number(metadata.fvu), `layer ${layer}: fvu ${fvu}`);
      ok(Math.abs(lossRecovered - 1) < 0.02, `layer ${layer}: loss recovered ${lossRecovered}`);
    }
  },
});
