/** The embedded model with the random autoencoder of a golden file, for tests of causal analyses. */
import { type BackendName, openBackend } from "../lib/backend/mod.ts";
import { captureSequences } from "../lib/causal/capture.ts";
import { LatentSpace } from "../lib/causal/latent_space.ts";
import type { Capture } from "../lib/causal/types.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2, tokenize } from "../lib/esm2/mod.ts";
import { SaeCoder } from "../lib/sae/coder.ts";
import type { Sae } from "../lib/sae/types.ts";
import { equal } from "./assert.ts";
import { fixtureIndex, readFixture, tinyPath } from "./fixtures.ts";
import { runsGpuTests } from "./gpu.ts";

export const golden = readFixture("tiny_sae_ig_hp36");
export const goldenFacts = fixtureIndex.tiny_sae_ig_hp36 as unknown as {
  sequences: string[];
  layer: number;
  k: number;
  d_hidden: number;
  steps: number;
  position0: number;
  wt: string;
  mut: string;
  metric_at_latents: number;
  metric_at_zero_latents: number;
  metric_reconstruction_only: number;
  ig_sum: number;
  path_metric: number[];
};
export const goldenSequence = goldenFacts.sequences[0];

const array = (name: string) => golden[name].data as Float32Array;

export const goldenSae: Sae = {
  config: {
    name: "random",
    dModel: 128,
    latents: goldenFacts.d_hidden,
    depth: goldenFacts.layer,
    afterFinalNorm: false,
    normalisation: "zscore",
    k: goldenFacts.k,
  },
  wEnc: array("w_enc"),
  bEnc: array("b_enc"),
  wDec: array("w_dec"),
  bPre: array("b_pre"),
};

export interface CausalModel {
  esm: Esm2;
  space: LatentSpace;
  coder: SaeCoder;
  /** Captures of sequences by their letters. */
  captureAll(...residues: string[]): Promise<Capture[]>;
}

/** A sequence with one letter replaced. */
export function mutated(residues: string, position: number, letter: string): string {
  return residues.slice(0, position - 1) + letter + residues.slice(position);
}

export const BACKENDS: readonly BackendName[] = ["cpu", "wasm", "webgpu"];

/** Registers a test for each backend, which must leave no tensor behind. */
export function causalTest(
  name: string,
  fn: (model: CausalModel) => Promise<void>,
  backends: readonly BackendName[] = BACKENDS,
): void {
  for (const backendName of backends) {
    Deno.test({
      name: `${name} (${backendName})`,
      ignore: backendName === "webgpu" && !runsGpuTests,
      sanitizeResources: false,
      sanitizeOps: false,
      async fn() {
        const { backend } = await openBackend(backendName);
        await using _ = backend;
        using checkpoint = await openCheckpoint(tinyPath);
        {
          await using esm = await Esm2.open(checkpoint, backend);
          await using coder = await SaeCoder.open(goldenSae, backend);
          const live = backend.liveBytes;
          const space = new LatentSpace(goldenSae);
          await fn({
            esm,
            space,
            coder,
            captureAll: async (...residues) => {
              const rows = residues.map((r) => tokenize({ id: "test", residues: r }));
              return (await captureSequences(esm, [coder], rows))[0];
            },
          });
          equal(backend.liveBytes, live, "bytes of tensors still live");
        }
      },
    });
  }
}
