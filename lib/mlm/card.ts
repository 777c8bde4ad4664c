/** The card of a trained model: what it is, what it saw, how well it does, and what it must not be used for. */
import { VERSION } from "../version.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { HeldOutFigures } from "./held_out.ts";
import type { SamplerSettings } from "./sampler.ts";
import { perplexityText } from "./tables.ts";
import type { TrainSettings } from "./train.ts";

export interface CardInput {
  readonly name: string;
  readonly config: Esm2Config;
  readonly parameters: number;
  /** What it began as. */
  readonly start: string;
  readonly corpora: readonly {
    file: string;
    sha256: string;
    sequences: number;
    clusters: number;
    heldOut: number;
    weight: number;
  }[];
  readonly draws: SamplerSettings;
  readonly settings: TrainSettings;
  readonly steps: number;
  readonly tokens: number;
  readonly before?: HeldOutFigures;
  readonly after?: HeldOutFigures;
}

/** How rates fall, what mean of the weights is kept, and when it may stop, in words. */
const fallOf = ({ schedule, cooling, average, patience }: TrainSettings): string =>
  [
    schedule === "cosine" ? "cosine fall" : `linear fall over the last ${cooling}`,
    ...(average === undefined ? [] : [`running mean of the weights, ${average} of it a step`]),
    ...(patience === undefined
      ? []
      : [`stopped after ${patience} checks on the held-out sequences without a better one`]),
  ].join("; ");

const rangeText = (range: number | readonly [number, number]): string =>
  typeof range === "number" ? `${range}` : `${range[0]} to ${range[1]}`;

/** The card as Markdown. */
export function cardOf(input: CardInput): string {
  const { name, config, parameters, start, corpora, draws, settings, before, after } = input;
  const share = settings.corruption.share ?? 0.15;
  const rows = (entries: readonly (readonly [string, string])[]) =>
    entries.map(([key, value]) => `| ${key} | ${value} |`).join("\n");
  const figures = after === undefined ? "No sequences were held out." : [
    `On ${after.asked} residues of the held-out sequences, 15 % of them shown as \`<mask>\`; ` +
    "perplexities:",
    "",
    "| unigram | neighbouring residues | composition of the same protein | " +
    `${before ? "before this training | " : ""}**after** | right |`,
    `| --- | --- | --- | ${before ? "--- | " : ""}--- | --- |`,
    `| ${perplexityText(after.unigram)} | ${perplexityText(after.neighbours)} | ` +
    `${perplexityText(after.composition)} | ${before ? `${perplexityText(before.loss)} | ` : ""}**${
      perplexityText(after.loss)
    }** | ${(100 * after.right).toFixed(1)} % |`,
  ].join("\n");
  return `# ${name}

A protein language model of the ESM-2 architecture: ${config.layers} layers, ${config.dModel} dimensions, ${config.heads} heads,
feed-forward ${config.ffn}, ${parameters} parameters; ${start}. Written by \`mlm\` of esmscope ${VERSION}.

## Training

| | |
| --- | --- |
${
    rows([
      ...corpora.map(({ file, sha256, sequences, clusters, heldOut, weight }) =>
        [
          `corpus ${file}`,
          `${sequences} sequences in ${clusters} clusters, of which ${heldOut} are held out; ` +
          `weight ${weight}; SHA-256 ${sha256}`,
        ] as const
      ),
      ["longest part of a sequence", `${draws.maxLength} residues, a random window`],
      ...(draws.windows === undefined || draws.windows === 1 ? [] : [
        ["windows", `${rangeText(draws.windows)} of what could be seen`] as const,
      ]),
      ...(draws.flanks
        ? [
          ["flanks", `up to ${draws.flanks} residues of other sequences before and after`] as const,
        ]
        : []),
      [
        "residues asked for",
        `${rangeText(share)}${typeof share === "number" ? "" : " of a sequence"}`,
      ],
      [
        "of these",
        `${settings.corruption.masked ?? 0.8} \`<mask>\`, ${
          settings.corruption.replaced ?? 0.1
        } another letter`,
      ],
      [
        "optimiser",
        settings.muon
          ? `Muon (rate ${settings.matrixRate}) for matrices, AdamW (${settings.learningRate}) for the rest`
          : `AdamW (rate ${settings.learningRate})`,
      ],
      [
        "schedule",
        `warm-up ${settings.warmUp}, ${
          fallOf(settings)
        }; decay ${settings.decay}; clip ${settings.clip}`,
      ],
      ["tokens", `${input.tokens} in ${input.steps} steps of about ${settings.batch}`],
      ["seed", `${settings.seed}`],
    ])
  }

## Held-out sequences

${figures}

The baselines count the other held-out sequences. A model is worth something where it beats them all.
`;
}
