import { openBackend } from "../backend/mod.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { fidelityPanel } from "../../data/fidelity_panel.ts";
import { Esm2, type Sequence } from "../esm2/mod.ts";
import { EMBEDDED_SAE_LAYERS } from "../hub/embedded.ts";
import { openModel } from "../hub/open_model.ts";
import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { embeddedPath, tinyPath } from "../../tests/fixtures.ts";
import { SaeCoder } from "./coder.ts";
import { measureFidelity } from "./fidelity.ts";
import { fidelityFaults } from "./fidelity_text.ts";
import { openSae } from "./open.ts";
import { randomSae } from "./testing/random.ts";
import type { Sae, SaeConfig } from "./types.ts";

const proteins = [
  { id: "trpcage", residues: "NLYIQWLKDGGPSSGRPPPS" },
  { id: "hp36", residues: "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF" },
];

/** Latents 2d and 2d + 1 are the positive and the negative part of dimension d, times `gain`. */
function identity(config: Partial<SaeConfig>, gain = 1): Sae {
  const dModel = 128, latents = 2 * dModel;
  const wEnc = new Float32Array(dModel * latents), wDec = new Float32Array(latents * dModel);
  for (let d = 0; d < dModel; d++) {
    for (const [j, sign] of [[2 * d, 1], [2 * d + 1, -1]]) {
      wEnc[d * latents + j] = sign;
      wDec[j * dModel + d] = sign * gain;
    }
  }
  return {
    config: {
      name: "identity",
      dModel,
      latents,
      depth: 2,
      afterFinalNorm: false,
      normalisation: "none",
      ...config,
    },
    wEnc,
    bEnc: new Float32Array(latents),
    wDec,
    bPre: new Float32Array(dModel),
  };
}

async function measure(sae: Sae, over: readonly Sequence[] = proteins, model = tinyPath) {
  using checkpoint = await openCheckpoint(model);
  await using backend = (await openBackend("cpu")).backend;
  await using esm = await Esm2.open(checkpoint, backend);
  await using coder = await SaeCoder.open(sae, backend);
  const before = backend.liveBytes;
  const fidelity = await measureFidelity(esm, coder, over, { checks: true });
  equal(backend.liveBytes, before, "bytes still live");
  return fidelity;
}

Deno.test("measureFidelity finds nothing lost by an identity, at every depth", async () => {
  for (
    const config of [
      { depth: 1 },
      { depth: 3, normalisation: "zscore" as const },
      { depth: 4 },
      { depth: 4, afterFinalNorm: true },
    ]
  ) {
    const found = await measure(identity(config));
    equal(found.residues, 56);
    // The z-score's ε of 1e-5 is not added again when decoding: a relative error of 1e-5 / std.
    ok(found.fvu >= 0 && found.fvu < 1e-8, `fvu ${found.fvu}`);
    allClose([found.lossRecovered], [1], { atol: 1e-4 }, JSON.stringify(config));
    // Residues 1, 3, 6, 8 … of 20 and of 36.
    equal(found.masked!.residues, 8 + 15);
    allClose([found.masked!.lossRecovered], [1], { atol: 1e-3 });
    ok(found.masked!.crossEntropy > found.crossEntropy + 1, "what is masked is harder");
    deepEqual(
      found.neighbours!.map(({ depth }) => depth),
      [config.depth - 1, config.depth + 1].filter((depth) => depth >= 1 && depth <= 4),
    );
    for (const { fvu } of found.neighbours!) ok(fvu >= 0 && fvu < 1e-8, `fvu ${fvu}`);
    ok(found.meanActive > 100 && found.meanActive <= 128, `active ${found.meanActive}`);
    ok(found.crossEntropyZero > found.crossEntropy);
  }
});

Deno.test("measureFidelity recovers exactly nothing with an autoencoder of zeros", async () => {
  for (const config of [{}, { depth: 4, afterFinalNorm: true }]) {
    const { wDec, ...rest } = identity(config);
    const zero = await measure({ ...rest, wDec: new Float32Array(wDec.length) });
    equal(zero.lossRecovered, 0);
    equal(zero.masked!.lossRecovered, 0);
    equal(zero.crossEntropyReconstructed, zero.crossEntropyZero);
    // Σ |h|² / Σ |h − h̄|² is at least 1.
    ok(zero.fvu >= 1);
  }
});

Deno.test("measureFidelity leaves a quarter of the second moment when half is decoded", async () => {
  const half = await measure(identity({}, 0.5)), none = await measure(identity({}, 0));
  // |h − h/2|² = |h|² / 4, and decoding zeros leaves |h|².
  allClose([half.fvu], [none.fvu / 4], { rtol: 1e-6 });
  const k = 10, sparse = await measure(identity({ k }));
  equal(sparse.meanActive, k);
  ok(sparse.fvu > 0 && sparse.fvu < none.fvu);
});

Deno.test("fidelityFaults finds none in the embedded model's autoencoders, and a wrong layer in each", async () => {
  using model = await openModel(undefined);
  const { layers } = model.checkpoint.config;
  for (const layer of EMBEDDED_SAE_LAYERS) {
    const { sae } = await openSae(undefined, { layer }, model);
    for (let depth = 1; depth <= layers; depth++) {
      const config = { ...sae.config, depth };
      const found = await measure({ ...sae, config }, fidelityPanel, embeddedPath);
      const faults = fidelityFaults(found, depth);
      if (depth === layer) deepEqual(faults, []);
      else {
        const right = `layer ${layer} is reconstructed better`;
        const named = Math.abs(depth - layer) > 1 ||
          faults.some((fault) => fault.startsWith(right));
        ok(
          faults.length > 0 && named,
          `of layer ${layer} at ${depth}: ${faults.join()}`,
        );
      }
    }
  }
});

Deno.test("fidelityFaults finds weights that were never trained, of many shapes", async () => {
  const shapes: Partial<SaeConfig>[] = [
    { depth: 1, latents: 1024, k: 32 },
    { depth: 2, latents: 4096, k: 64 },
    { depth: 3, latents: 4096, k: 128 },
    { depth: 2, latents: 512, k: 16 },
    { depth: 2, latents: 512, normalisation: "none" },
  ];
  for (const shape of shapes) {
    for (const seed of [0, 1, 2]) {
      const found = await measure(randomSae({ dModel: 128, ...shape }, seed), fidelityPanel);
      const faults = fidelityFaults(found, shape.depth!);
      const label = `${JSON.stringify(shape)}, seed ${seed}: ${JSON.stringify(found)}`;
      ok(faults.some((fault) => fault.includes("variance is unexplained")), label);
    }
  }
});
