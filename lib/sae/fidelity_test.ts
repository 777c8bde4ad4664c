import { openBackend } from "../backend/mod.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { Esm2 } from "../esm2/mod.ts";
import { allClose, equal, ok } from "../../tests/assert.ts";
import { embeddedPath } from "../../tests/fixtures.ts";
import { SaeCoder } from "./coder.ts";
import { measureFidelity } from "./fidelity.ts";
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

async function measure(sae: Sae) {
  using checkpoint = await openCheckpoint(embeddedPath);
  await using backend = (await openBackend("cpu")).backend;
  await using esm = await Esm2.open(checkpoint, backend);
  await using coder = await SaeCoder.open(sae, backend);
  const before = backend.liveBytes;
  const fidelity = await measureFidelity(esm, coder, proteins);
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
    ok(found.meanActive > 100 && found.meanActive <= 128, `active ${found.meanActive}`);
    ok(found.crossEntropyZero > found.crossEntropy);
  }
});

Deno.test("measureFidelity recovers exactly nothing with an autoencoder of zeros", async () => {
  for (const config of [{}, { depth: 4, afterFinalNorm: true }]) {
    const { wDec, ...rest } = identity(config);
    const zero = await measure({ ...rest, wDec: new Float32Array(wDec.length) });
    equal(zero.lossRecovered, 0);
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
