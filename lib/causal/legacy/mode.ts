/**
 * What sae_mutation_effect computes (github.com/manyap062/sae_mutation_effect), mistakes included, so that
 * its users can compare.
 *
 * - Every token runs through the blocks after the autoencoder alone: the tool hands a [1, T, D] tensor to
 *   blocks that take [T, B, D], so that its sequence becomes a batch. A token attends to itself only, at
 *   rotary position 0.
 * - One pre-activation of the mutated residue is set to the mutant's, the k largest are chosen anew, and
 *   their decoding at the wild type's mean and deviation replaces the residual stream there: the error term
 *   is dropped. The baseline has the same decoding of the wild type's pre-activations.
 * - k is 32; the published autoencoders were trained with 64.
 * - `noop` is 0 by construction, and so, nearly, is `random`: the latents that change least.
 * - Integrated gradients go through the pre-activations, 10 steps from the left, without a test of
 *   completeness; at most the k chosen latents of each step have a gradient.
 * - `esm_score` is the input's column `esm2_t33_650M_UR50D`, as in the tool's own tables; where there is none,
 *   what that column holds, the masked marginal: log p(mutant) − log p(wild type) of the whole model with
 *   the residue masked. `wt_marginal_score` is the baseline of the patches.
 * - Which mutations: its shipped patches are of the 50 single mutants that were measured lowest, the lowest
 *   first; its shipped integrated gradients are of what its code draws, 100 of those below −3.
 * - The shipped tables of patches have all real patches first, then `noop`, then `random`; its current code
 *   writes mutation by mutation.
 *
 * Where the tool leaves the order of ties open, the lower latent comes first.
 */
export const LEGACY_MODES = ["sae_mutation_effect"] as const;
export type LegacyMode = typeof LEGACY_MODES[number];

export const LEGACY_K = 32;
export const LEGACY_STEPS = 10;
/** Single mutants of the shipped patches, those measured lowest. */
export const LEGACY_LOWEST = 50;
/** How many mutations pandas draws for integrated gradients, by which seed, of those measured below what. */
export const LEGACY_SAMPLE = 100;
export const LEGACY_SEED = 42;
export const LEGACY_BELOW = -3;
/** The column that its inputs have the whole model's scores in. */
export const LEGACY_SCORES = "esm2_t33_650M_UR50D";

export const LEGACY_CONTROLS = ["real", "noop", "random"] as const;
export type LegacyControl = typeof LEGACY_CONTROLS[number];
