/** Autoencoders that read after the final LayerNorm: what follows them is the head alone. */
import { captureSequences } from "../lib/causal/capture.ts";
import { donorEdit, editOf, zeroEdit } from "../lib/causal/edits.ts";
import { explain, gapOf } from "../lib/causal/explain.ts";
import { LatentSpace } from "../lib/causal/latent_space.ts";
import { Tail } from "../lib/causal/tail.ts";
import { EngineGradient } from "../lib/causal/gradients.ts";
import { tokenize } from "../lib/esm2/mod.ts";
import { SaeCoder } from "../lib/sae/coder.ts";
import type { Sae } from "../lib/sae/types.ts";
import { allClose, equal, ok } from "./assert.ts";
import { causalTest, goldenSae, goldenSequence, mutated } from "./causal_model.ts";
import { batchOf } from "./parity.ts";

/** InterPLM's kind: no z-score, ReLU alone. */
const sae: Sae = {
  ...goldenSae,
  config: {
    name: "after",
    dModel: 128,
    latents: goldenSae.config.latents,
    depth: 4,
    afterFinalNorm: true,
    normalisation: "none",
  },
};
const metric = [{ token: 9, plus: 5, minus: 12 }];
const tokens = [9];

causalTest(
  "after the final LayerNorm: the mutant's stream gives its metric, gradients add up",
  async ({ esm }) => {
    await using coder = await SaeCoder.open(sae, esm.backend);
    const space = new LatentSpace(sae);
    const mutant = mutated(goldenSequence, 9, "W");
    const rows = [goldenSequence, mutant].map((r) => tokenize({ id: "t", residues: r }));
    const [[base, donor]] = await captureSequences(esm, [coder], rows);
    await using tail = new Tail(esm, space);
    const still = editOf([{ token: 9, latent: 1, delta: 0 }]);
    const { baseline, edited } = await tail.measure(base, [
      { edit: donorEdit(space, base, donor, tokens, true), metric },
      { edit: still, metric },
      { edit: zeroEdit(base, tokens), metric },
    ]);
    for (const [i, sequence] of [mutant, goldenSequence].entries()) {
      using result = await esm.run(batchOf([sequence]), { head: { rows: tokens } });
      const logits = await result.logits!.read();
      // Differences of logits up to 21.
      allClose([edited[i]], [logits[5] - logits[12]], { atol: 2e-4 });
    }
    equal(edited[1], baseline[1]);
    ok(Math.abs(edited[2] - baseline[2]) > 0.01);

    const [found] = await explain(
      { tail, gradient: new EngineGradient(tail), coder },
      [{ base, donor, tokens, metric }],
      {
        ...{ baseline: "run", method: "ig", through: "latents", error: "patch" } as const,
        ...{ rule: "gauss-legendre", steps: 32, fixed: true } as const,
      },
    );
    ok(Math.abs(gapOf(found)) < 2e-3, `gap ${gapOf(found)}`);
  },
);
