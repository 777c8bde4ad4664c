/**
 * esmscope: see inside ESM-2.
 *
 * This entry holds the engine (checkpoints, backends, the model run and differentiated block by block)
 * and every analysis but `./causal`; each analysis is an entry of its own too, with the kernels in
 * `./kernels` and file formats in `./io`.
 *
 * @example Which heads look at a protein's sites
 * ```ts
 * import { analyzeSites, Esm2, openBackend, openModel, parseSites } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * const protein = { id: "toy", residues: "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ" };
 * const sites = parseSites("A4,Y5", protein, "example");
 * const { proteins } = await analyzeSites(esm, [{ ...protein, sites }]);
 * console.log(proteins[0].rows[0].z);
 * ```
 *
 * @module
 */
export * from "./lib/backend/mod.ts";
export * from "./lib/checkpoint/mod.ts";
export * from "./lib/contacts/mod.ts";
export { UserError } from "./lib/errors.ts";
export * from "./lib/embed/mod.ts";
export * from "./lib/esm2/mod.ts";
export * from "./lib/gpu/mod.ts";
export * from "./lib/fold/mod.ts";
export type { FetchOptions } from "./lib/hub/fetch_model.ts";
export { type OpenedModel, openModel, type OpenOptions } from "./lib/hub/open_model.ts";
export * from "./lib/lens/mod.ts";
export * from "./lib/onnx/mod.ts";
export * from "./lib/sae/mod.ts";
export * from "./lib/sites/mod.ts";
export * from "./lib/structure/mod.ts";
export * from "./lib/variants/mod.ts";
