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
 * - `esm_score` is the whole model's log p(mutant) − log p(wild type) on the unmasked wild type, and
 *   `wt_marginal_score` the baseline of the patches.
 *
 * Where the tool leaves the order of ties open, the lower latent comes first. Of the files' order of rows
 * nothing is known: here it is protein, layer, mutation, control, rank.
 */
export const LEGACY_MODES = ["sae_mutation_effect"] as const;
export type LegacyMode = typeof LEGACY_MODES[number];

export const LEGACY_K = 32;
export const LEGACY_STEPS = 10;
/** How many mutations pandas draws, by which seed, of those with which measured value. */
export const LEGACY_SAMPLE = 50;
export const LEGACY_SEED = 42;
export const LEGACY_BELOW = -3;

export const LEGACY_CONTROLS = ["real", "noop", "random"] as const;
export type LegacyControl = typeof LEGACY_CONTROLS[number];
