/**
 * Sparse autoencoders of the residual stream: files of any layout, encoding and decoding on
 * a backend, how well they reconstruct, and which letters each latent detects.
 *
 * An autoencoder reads f32[N, D], the stream after `config.depth` blocks, and keeps F latents of which
 * few are active; latents are held as compressed sparse rows.
 *
 * @example The latents of a peptide
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { Esm2, padBatch, tokenize } from "../esm2/mod.ts";
 * import { openModel } from "../hub/open_model.ts";
 * import { openSae, SaeCoder } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * const { sae } = await openSae(undefined, {}, model);
 * await using coder = await SaeCoder.open(sae, backend);
 * const batch = padBatch([tokenize({ id: "trp-cage", residues: "NLYIQWLKDGGPSSGRPPPS" })]);
 * using run = await esm.run(batch, { until: sae.config.depth });
 * const { latents } = await coder.encode(run.hidden);
 * if (latents.rows !== 22 || latents.values.length === 0) throw new Error("no latent is active");
 * ```
 *
 * @module
 */
export {
  type Decoder,
  type DecoderTensors,
  type Encoder,
  type EncoderTensors,
  type LatentRows,
  type LatentTensors,
  type Normalisation,
  type PreActTensors,
  type SparseLatents,
  type TokenScale,
  type TopLatents,
} from "../../kernels/mod.ts";
export { SaeCoder } from "./coder.ts";
export type { DeviceEngine, DeviceLatents } from "./device_engine.ts";
export { type EncodeOptions, encodeWindows, type ProteinLatents } from "./encode/encode.ts";
export type { Encoded, PreActs, SaeEngine } from "./engine.ts";
export { type Fidelity, type FidelityOptions, type Losses, measureFidelity } from "./fidelity.ts";
export {
  type Detection,
  DetectorCounts,
  type DetectorState,
  type LatentCounts,
  type LatentProfile,
  type LetterCount,
  type LetterTotals,
} from "./latents/detectors.ts";
export type { FetchOptions } from "../hub/fetch_model.ts";
export { type OpenedSae, openSae, type OpenSaeOptions } from "./open.ts";
export type { LayerOption } from "./options.ts";
export { type ReadSae, readSae, type SaeChoice, type SaeModel } from "./read.ts";
export type { Sae, SaeConfig } from "./types.ts";
export { SAE_FORMAT, type WriteOptions, writeSae } from "./write.ts";
