/** A card for a fine-tuned model: what it tells, what it learnt from, how well it does. */
import type { Metric, MetricName } from "../probe/evaluate.ts";
import { METRIC_NAMES } from "../probe/tables.ts";
import { VERSION } from "../version.ts";
import type { TunedHead } from "./labels.ts";
import type { LoraOptions } from "./open.ts";
import type { ModeRow } from "./tables.ts";
import type { TeachSettings } from "./train.ts";

/** What a card says. */
export interface CardInput {
  readonly name: string;
  readonly row: ModeRow;
  readonly head: TunedHead;
  readonly headline: MetricName;
  readonly settings: TeachSettings;
  readonly lora?: LoraOptions;
  readonly model: string;
  readonly sha256: string;
  /** Counts of rows, in words. */
  readonly data: string;
  readonly split: string;
  readonly merge: boolean;
}

const HEADS: Readonly<Record<TunedHead["spec"]["kind"], string>> = {
  mean: "the mean over residues and a linear layer",
  cls: "the state of <cls>, a dense layer, tanh and a linear layer (EsmForSequenceClassification)",
  attention: "a mean over residues weighted by a learnt score, and a linear layer",
  mlp: "a layer of half the width, ReLU and a linear layer, of proteins on the mean over residues",
  token: "a linear layer (EsmForTokenClassification)",
};

/** The card as Markdown. */
export function cardOf(input: CardInput): string {
  const { name, row, head, settings, lora, model, sha256, data, split, merge } = input;
  const figure = ({ value, low, high }: Metric) =>
    Number.isNaN(low)
      ? value.toFixed(3)
      : `${value.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
  const whole = row.mode === "full" || merge;
  const what = whole
    ? "A fine-tuned ESM-2"
    : row.mode === "lora"
    ? "A low-rank adapter for ESM-2"
    : "A head for ESM-2";
  const tells = head.classes.length > 0 ? head.classes.join(", ") : "a number";
  const rows: (readonly [string, string])[] = [
    ["model that was taught", `${model}, SHA-256 ${sha256}`],
    ["head", HEADS[head.spec.kind]],
    ["numbers that were trained", String(row.trained)],
    ...(lora
      ? [
        [
          "LoRA",
          `r ${lora.rank}, alpha ${lora.alpha}${lora.rslora ? " ÷ √r" : ""}, dropout ${
            lora.dropout ?? 0
          }${lora.dora ? ", DoRA" : ""}, targets ${[lora.targets].flat().join(", ")}`,
        ] as const,
      ]
      : []),
    ["data", `${data}; ${split} split`],
    [
      "training",
      `${row.epochs} epochs (${row.best} is kept), ${settings.batch} proteins a step, largest rate ` +
      `${settings.rate}, ${settings.schedule} schedule, seed ${settings.seed}`,
    ],
    ...(row.before !== undefined && row.after !== undefined
      ? [
        [
          "perplexity of masked residues",
          `${row.before.toFixed(2)} before, ${row.after.toFixed(2)} after`,
        ] as const,
      ]
      : []),
  ];
  return [
    `# ${name}`,
    "",
    `${what} that tells ${head.label} (${tells}) of a ${head.spec.per}. Written by \`finetune\` of ` +
    `esmscope ${VERSION}; \`deno task finetune --apply FOLDER --fasta FILE\` predicts with it.`,
    "",
    "| | |",
    "| --- | --- |",
    ...rows.map(([key, value]) => `| ${key} | ${value.replaceAll("|", "\\|")} |`),
    "",
    "| test set | 95 % intervals over proteins |",
    "| --- | --- |",
    ...Object.entries(row.metrics).map(([key, metric]) =>
      `| ${METRIC_NAMES[key as MetricName]} | ${figure(metric!)} |`
    ),
    "",
    "The validation set chose the epoch; the test set took no part.",
    "",
  ].join("\n");
}
