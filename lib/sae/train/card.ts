/** A card for a trained SAE: what it is, what it was trained on, how well it does. */
import type { SaeConfig } from "../types.ts";

export interface CardInput {
  /** Name of the SAE's file. */
  readonly file: string;
  readonly sae: SaeConfig;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The card's file name and text. */
export function cardOf({ file, sae, metadata }: CardInput): { name: string; text: string } {
  const m = metadata;
  const rows = (entries: [string, string | undefined][]) =>
    entries.filter(([, value]) => value !== undefined).map(([key, value]) =>
      `| ${key} | ${value} |`
    );
  const on = (figure: string) => `${figure} (first ${m.fidelity_residues} residues)`;
  const text = [
    `# ${sae.name}`,
    "",
    `A TopK sparse autoencoder of the residual stream of ${m.model} after ${sae.depth} ` +
    `block${
      sae.depth === 1 ? "" : "s"
    }: ${sae.latents} latents, at most ${sae.k} active on a token. ` +
    "Written by `sae train` of esmscope " + `${m.esmscope}.`,
    "",
    "## Training",
    "",
    "| | |",
    "| --- | --- |",
    ...rows([
      ["weights of the model, SHA-256", m.model_sha256],
      ["sequences", `${m.trained_on}, ${m.sequences} records`],
      ["their SHA-256", m.trained_on_sha256],
      ["longest part of a sequence", `${m.max_length} residues, a random window`],
      ["`<cls>` and `<eos>`", m.special_tokens === "true" ? "trained on" : "left out"],
      ["embeddings", m.embed_scale === "hf" ? "as models run (token dropout on)" : "unscaled"],
      ["normalisation of a token", sae.normalisation],
      ["tokens", `${m.tokens} in ${m.steps} steps of about ${m.batch}`],
      ["learning rate", `${m.learning_rate}, warm-up ${m.warm_up}, decay ${m.decay}`],
      ["auxiliary latents", `${m.auxk}, dead after ${m.dead_after} tokens`],
      ["seed", m.seed],
    ]),
    "",
    "Loss: mean squared error of the reconstruction of normalised tokens, plus 1/32 of the squared " +
    "error with which the largest dead latents (signed, no ReLU) reconstruct what the active ones " +
    "leave, divided by the square of what they leave (Gao et al. 2024, arXiv:2406.04093). InterProt " +
    "takes both errors in the units of the stream. Adam; decoder rows have length 1 and the " +
    "gradient along them is removed, where InterProt normalises over the latents of each dimension.",
    "",
    "## Figures",
    "",
    "| | |",
    "| --- | --- |",
    ...rows([
      ["measured on", m.validated_on && `${m.validated_on}, ${m.validation_tokens} tokens`],
      ["fraction of variance unexplained, each token normalised", m.fvu_normalised],
      ["the same in the units of the stream", m.fidelity_residues && on(m.fvu)],
      ["loss recovered", m.fidelity_residues && on(m.loss_recovered)],
      ["cross-entropy, nats", m.fidelity_residues && on(m.cross_entropy)],
      ["with reconstructions", m.fidelity_residues && on(m.cross_entropy_reconstructed)],
      ["with zeros", m.fidelity_residues && on(m.cross_entropy_zero)],
      ["latents active on a token, mean", m.mean_active],
      ["share of the latents that never fire there", m.silent_fraction],
      ["share that counted as dead at the end of training", m.dead_fraction],
      ["share of the tokens a latent fires on, mean", m.mean_frequency],
      ["the same, median over latents", m.median_frequency],
    ]),
    "",
    "Loss recovered = 1 - (CE with reconstructions - CE) / (CE with zeros - CE); cross-entropy (CE) of " +
    "each residue's own letter, nothing masked.",
    "",
  ].join("\n");
  return { name: `${file.replace(/\.[^.]*$/, "")}.md`, text };
}
