/**
 * What each layer already knows: the final LayerNorm and the language-model head read after every block (the
 * logit lens), or after an affine map that was trained for it (the tuned lens, Belrose et al. 2023).
 *
 * @example From which layer on a hidden residue is predicted as in the end
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { Esm2, tokenize } from "../esm2/mod.ts";
 * import { openModel } from "../hub/open_model.ts";
 * import { LensReader, LensView, openLens } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * using reader = new LensReader(esm, { tuned: await openLens(undefined, model) });
 * const ids = tokenize({ id: "trp-cage", residues: "NLYIQ<mask>LKDGGPSSGRPPPS" });
 * const [predictions] = await reader.read([{ ids, tokens: [6] }]);
 * const view = new LensView(predictions, "W");
 * for (const lens of view.lenses) console.log(lens, view.decidedAt(0, lens), view.read(0, lens, 2));
 * if (view.read(0, "tuned", view.layers).kl !== 0) throw new Error("the last layer is its own");
 * ```
 *
 * @module
 */
export { type LayerMeans, layerMeans, LensView } from "./numbers.ts";
export {
  type LensLogits,
  type LensOptions,
  type LensPass,
  LensReader,
  placesOf,
} from "./reader.ts";
export {
  identityLens,
  type OpenedLens,
  openLens,
  type TunedLens,
  UploadedLens,
  writeLens,
} from "./tuned.ts";
export {
  LENS_LETTERS,
  LENSES,
  type LensName,
  type Place as LensPlace,
  PREDICTION,
  type Predictions as LensPredictions,
  type Reading as LensReading,
} from "./types.ts";
