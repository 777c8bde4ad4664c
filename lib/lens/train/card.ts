/** A card for a trained lens: what it is, what it was trained on, how well it does. */
import type { HeldOutFigure } from "./evaluate.ts";

export interface CardInput {
  /** Name of the lens's file. */
  readonly file: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly figures: readonly HeldOutFigure[];
}

/** The card's file name and text. */
export function cardOf({ file, metadata: m, figures }: CardInput): { name: string; text: string } {
  const layers = [...new Set(figures.map(({ layer }) => layer))];
  const at = (lens: string, layer: number) =>
    figures.find((one) => one.lens === lens && one.layer === layer)!;
  const text = [
    `# Tuned lens of ${m.model}`,
    "",
    `An affine map h + A h + b of the residual stream after each of 0 to ${Number(m.layers) - 1} ` +
    "blocks, after which the model's own final LayerNorm and head say what they would say in the end " +
    "(Belrose et al. 2023, arXiv:2303.08112). Written by `lens train` of esmscope " +
    `${m.esmscope}.`,
    "",
    "## Training",
    "",
    "| | |",
    "| --- | --- |",
    ...[
      ["weights of the model, SHA-256", m.model_sha256],
      ["sequences", `${m.trained_on}, ${m.sequences} records`],
      ["their SHA-256", m.trained_on_sha256],
      ["longest part of a sequence", `${m.max_length} residues, a random window`],
      [
        "residues hidden, and learnt from",
        `${m.hidden} of each sequence, ${m.hidden_residues} in all`,
      ],
      ["residues", `${m.tokens} in ${m.steps} steps of about ${m.batch}`],
      ["loss", "mean KL(last ‖ lens) over all 33 tokens, nats"],
      [
        "optimiser",
        `Adam, learning rate ${m.learning_rate}, warm-up ${m.warm_up}, decay ${m.decay}, gradients ` +
        `of a layer at most ${m.clip} long`,
      ],
      ["start", "A = 0, b = 0: the logit lens"],
      ["seed", m.seed],
    ].map(([key, value]) => `| ${key} | ${value} |`),
    "",
    ...(figures.length === 0 ? [] : [
      "## Figures",
      "",
      `On ${m.validated_on}: ${m.validation_residues} hidden residues. KL(last ‖ layer), nats, mean: ` +
      "over all 33 tokens, as trained, and among the 20 amino acids, as lens.csv has it. Before training " +
      "the lens is the logit lens.",
      "",
      "| blocks | logit lens, 33 | tuned lens, 33 | logit lens, 20 | tuned lens, 20 |",
      "| --- | --- | --- | --- | --- |",
      ...layers.map((layer) => {
        const [before, after] = [at("logit", layer), at("tuned", layer)];
        const cells = [before.loss, after.loss, before.kl, after.kl].map((x) => x.toPrecision(3));
        return `| ${[String(layer), ...cells].join(" | ")} |`;
      }),
      "",
    ]),
  ].join("\n");
  return { name: `${file.replace(/\.[^.]*$/, "")}.md`, text };
}
