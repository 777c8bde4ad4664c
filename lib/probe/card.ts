/** A card for a trained head: what it reads, what it was trained on, how well it does. */
import type { Metric, MetricName } from "./evaluate.ts";
import type { HeadFile } from "./head_file.ts";
import { METRIC_NAMES, type ProbeRow, rowName } from "./tables.ts";

/** What a card says. */
export interface CardInput {
  readonly file: string;
  readonly head: HeadFile;
  readonly row: ProbeRow;
  /** The best baseline by its test set's headline. */
  readonly baseline?: ProbeRow;
  readonly facts: Readonly<Record<string, string>>;
}

/** The card as Markdown. */
export function cardOf({ file, head, row, baseline, facts }: CardInput): string {
  const { classes, kind, per, label, model, sae } = head;
  const figure = ({ value, low, high }: Metric) =>
    Number.isNaN(low)
      ? value.toFixed(3)
      : `${value.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
  const names = Object.keys(row.metrics) as MetricName[];
  const reads = head.on === "sae"
    ? `latents of ${sae?.name}`
    : head.place === "last"
    ? "the states after the final LayerNorm"
    : `the residual stream after ${head.place} blocks`;
  return [
    `# ${file}`,
    "",
    `A linear probe that tells ${label} (${
      kind === "classes" ? classes.join(", ") : "a number"
    }) of a ${per} from ${reads} of ${model.name}${
      head.pool ? `, ${head.pool} over residues` : ""
    }. Apply it with \`deno task probe --apply ${file} --fasta FILE\`${
      sae ? " and the same `--sae`" : ""
    }.`,
    "",
    "| | |",
    "| --- | --- |",
    `| weights of the model, SHA-256 | ${model.sha256} |`,
    ...(sae ? [`| autoencoder, SHA-256 | ${sae.sha256} |`] : []),
    ...Object.entries(facts).map(([name, value]) =>
      `| ${name} | ${value.replaceAll("|", "\\|")} |`
    ),
    `| ${kind === "classes" ? "C" : "alpha"}, chosen by the validation set | ${row.penalty} |`,
    "",
    `| test set, 95 % intervals over proteins | this probe | ${
      baseline ? `best baseline (${rowName(baseline)})` : ""
    } |`,
    "| --- | --- | --- |",
    ...names.map((name) =>
      `| ${METRIC_NAMES[name]} | ${figure(row.metrics[name]!)} | ${
        baseline ? figure(baseline.metrics[name]!) : ""
      } |`
    ),
    "",
    "Features are standardised with `mean` and `sd` (0 of a constant feature, which becomes 0); then " +
    "`weight` · x + `bias`, and the softmax over classes (of two classes the sigmoid, for the second). " +
    "Layer and penalty were chosen by the validation set; the test set took no part.",
    "",
  ].join("\n");
}
