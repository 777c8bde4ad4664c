import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { fixturePath } from "../../tests/fixtures.ts";
import { runsGpuTests } from "../../tests/gpu.ts";
import { type BackendName, openBackend } from "../backend/mod.ts";
import { captureSequences } from "../causal/capture.ts";
import { LatentSpace } from "../causal/latent_space.ts";
import { activation } from "../causal/sparse.ts";
import { Esm2 } from "../esm2/mod.ts";
import { SaeCoder } from "../sae/coder.ts";
import { randomSae } from "../sae/testing/random.ts";
import { maskedOf, visitorOf } from "./change.ts";
import { foldChains, languageTokens } from "./input.ts";
import { EsmFold } from "./model.ts";
import { type FoldCheckpoint, openFold } from "./open.ts";

const chains = foldChains({ id: "s12", residues: "MKTAYIAKQRQW" });
/** Of the language model of the golden structures. */
const WIDTH = 40, LAYERS = 2, HEADS = 4;

async function withFold(
  backendName: BackendName,
  use: (model: EsmFold, checkpoint: FoldCheckpoint) => Promise<void>,
): Promise<void> {
  const { backend } = await openBackend(backendName);
  await using _ = backend;
  using checkpoint = await openFold(fixturePath("esmfold/model"));
  {
    await using model = await EsmFold.open(checkpoint, backend);
    await use(model, checkpoint);
  }
  equal(backend.liveBytes, 0, "bytes of tensors still live");
}

const test = (
  name: string,
  fn: (model: EsmFold, checkpoint: FoldCheckpoint) => Promise<void>,
) => {
  for (const backend of ["cpu", "webgpu"] as const) {
    Deno.test({
      name: `${name} (${backend})`,
      ignore: backend === "webgpu" && !runsGpuTests,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => withFold(backend, fn),
    });
  }
};

test("an ablated head is one without output weights", async (model, checkpoint) => {
  const layer = 1, head = 2, width = WIDTH / HEADS;
  const visitor = visitorOf({ ablateHeads: [{ layer, head }] }, chains, model.backend);
  const { mixed } = await model.languageStates(chains, { visitor });
  await using without = await Esm2.open({
    ...checkpoint.esm,
    async read(name, into) {
      const values = await checkpoint.esm.read(name, into);
      if (name === `layers.${layer}.self_attn.out_proj.weight`) {
        for (let row = 0; row < WIDTH; row++) {
          const begin = row * WIDTH + head * width;
          values.fill(0, begin, begin + width);
        }
      }
      return values;
    },
    [Symbol.dispose]() {},
  }, model.backend);
  const { mixed: expected } = await model.languageStates(chains, { language: without });
  allClose(mixed, expected, { atol: 1e-5 });
  const { mixed: plain } = await model.languageStates(chains);
  ok(mixed.some((value, i) => Math.abs(value - plain[i]) > 1e-3), "it changes something");
});

for (const afterFinalNorm of [false, true]) {
  const depth = afterFinalNorm ? LAYERS : 1;
  test(`steering holds latents after ${afterFinalNorm ? "the final LayerNorm" : "a block"}`, async (model) => {
    const { esm, backend } = model;
    const sae = randomSae({ dModel: WIDTH, latents: 64, k: 8, depth, afterFinalNorm }, 3);
    await using coder = await SaeCoder.open(sae, backend);
    const latent = 5, amount = 2.5, ids = languageTokens(chains, new Set());
    const [[capture]] = await captureSequences(esm, [coder], [ids]);
    const visitor = visitorOf(
      { steer: [{ latent, kind: "value", amount }] },
      chains,
      backend,
      coder,
    );
    const seen = new Map<number, Float32Array>();
    let last: Float32Array | undefined;
    const { mixed } = await model.languageStates(chains, {
      visitor: {
        ...visitor,
        wantsHidden: () => true,
        async hidden(state) {
          let { hidden } = state;
          const replace = (next: typeof hidden) => state.replace(hidden = next);
          if (visitor?.wantsHidden?.(state.depth)) await visitor.hidden?.({ ...state, replace });
          seen.set(state.depth, await hidden.read());
        },
        async normalised(hidden, batch) {
          const changed = await visitor?.normalised?.(hidden, batch);
          last = await (changed ?? hidden).read();
          return changed;
        },
      },
    });
    // By hand: the residual stream, and so much of the latent's direction as it lacks, at residues alone.
    const { norms } = new LatentSpace(sae), expected = capture.hidden.slice();
    allClose([norms[latent]], [1], { atol: 1e-5 });
    for (let token = 1; token <= chains.types.length; token++) {
      const moved = (amount - activation(capture.latents, token, latent)) *
        capture.scale.std[token];
      for (let d = 0; d < WIDTH; d++) {
        expected[token * WIDTH + d] += moved * sae.wDec[latent * WIDTH + d];
      }
    }
    allClose(afterFinalNorm ? last! : seen.get(depth)!, expected, { atol: 1e-4, rtol: 1e-5 });
    const { mixed: plain } = await model.languageStates(chains);
    ok(mixed.some((value, i) => Math.abs(value - plain[i]) > 1e-3), "it changes something");
  });
}

test("what is held as it is changes nothing", async (model) => {
  const sae = randomSae({ dModel: WIDTH, latents: 64, k: 8, depth: 1 }, 3);
  await using coder = await SaeCoder.open(sae, model.backend);
  const steer = [{ latent: 5, kind: "scale", amount: 1 } as const];
  const visitor = visitorOf({ steer }, chains, model.backend, coder);
  const { mixed } = await model.languageStates(chains, { visitor });
  const { mixed: plain } = await model.languageStates(chains);
  allClose(mixed, plain, {});
});

Deno.test("hidden residues are counted on through chains, linkers left out", () => {
  const complex = foldChains({ id: "ab", residues: "MKTAYI:GSHVL" });
  deepEqual([...maskedOf([1, 6, 7, 11], complex)], [0, 5, 31, 35]);
});
