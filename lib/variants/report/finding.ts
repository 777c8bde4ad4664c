/** The result in a sentence. */
import { counted } from "../../display.ts";
import { fixed, short } from "../../report/client/numbers.js";
import type { Finding } from "../../report/page.ts";
import type { Performance, ProteinMean } from "../evaluate.ts";
import { residueOf } from "../resolve.ts";
import { isVariant } from "../scan.ts";
import type { Scored } from "../tables.ts";
import type { Labels, ScoredProtein } from "./types.ts";

/** What a score is, for whoever sees one for the first time. */
const SCORE =
  "Score: log p(variant) − log p(wild type) in nats, 0 being as likely as the wild type.";
const NOT_MEASURED =
  "It says what the model expects of such sequences, not what an experiment measured.";

/** What was found of a protein: the agreement with its assay, else what the scores single out. */
export function finding(protein: ScoredProtein, labels: Labels): Finding {
  const [all] = protein.performance;
  if (all) return agreement(all, protein, labels);
  return protein.isScan ? ofScan(protein) : ofVariants(protein);
}

/** `1,254 variants`. */
export const many = (n: number, noun: string) =>
  counted(n, noun).replace(/^\d+/, (digits) => Number(digits).toLocaleString("en-US"));

function agreement(
  { variants, values: { spearman }, intervals }: Performance,
  { samples }: ScoredProtein,
  { measured }: Labels,
): Finding {
  const [singles, multiples] = [samples.count("single"), samples.count("multiple")];
  const over = singles + multiples === 0
    ? `${many(variants, "variant")} changed in length`
    : multiples === 0
    ? many(variants, "single substitution")
    : singles === 0
    ? many(variants, "multiple mutant")
    : many(variants, "variant");
  const { low, high } = intervals?.spearman ?? { low: NaN, high: NaN };
  const interval = Number.isNaN(low)
    ? ""
    : ` (95\u202f% interval ${fixed(low, 2)} to ${fixed(high, 2)})`;
  const number = `Spearman ${fixed(spearman, 2)}${interval}`;
  const where = `over ${over}; chance is 0`;
  return {
    answer: variants === 0
      ? `No variant has both a score and a measured value in ${measured}.`
      : Number.isNaN(spearman)
      ? `Score and ${measured} cannot be compared over ${over}: all values of one are equal.`
      : Number.isNaN(low)
      ? `${number} between score and ${measured} ${where}.`
      : high < 0
      ? `Score and ${measured} run against each other: ${number} ${where}.`
      : low <= 0
      ? `No clear agreement of score and ${measured}: ${number} ${where}.`
      : `${number} between score and ${measured} ${where}.`,
    method: [
      SCORE,
      high < 0 && `Check whether a high ${measured} means a working protein.`,
      Number.isNaN(low) && !Number.isNaN(spearman) && "Without resamples there is no interval.",
      partsText(samples.count("single"), samples.count("multiple")),
    ].filter(Boolean).join(" "),
  };
}

const partsText = (singles: number, multiples: number) =>
  singles > 0 && multiples > 0 &&
  `${many(singles, "single substitution")} and ${many(multiples, "multiple mutant")}.`;

/** Mean scores closer than this tell residues not apart. */
const ALIKE = 0.01;

function ofScan({ matrix, scored, favoured }: ScoredProtein): Finding {
  const { target } = matrix;
  const means = Array.from(target.residues, (letter, i) => ({
    name: `${letter}${residueOf(i + 1, target)}`,
    mean: matrix.sensitivity(i + 1),
  })).filter(({ mean }) => !Number.isNaN(mean)).sort((a, b) => a.mean - b.mean);
  if (means.length === 0) return { answer: "No substitution was scored." };
  const lowest = means[0], highest = means.at(-1)!;
  const average = means.reduce((sum, { mean }) => sum + mean, 0) / means.length;
  const nats = (x: number) => `${fixed(x, 1)} nats`;
  return {
    answer: means.length === 1
      ? `Substitutions of ${lowest.name} have a mean score of ${nats(lowest.mean)}.`
      : highest.mean - lowest.mean < ALIKE
      ? `The model tells the ${means.length} residues not apart: each has a mean score of ${
        nats(average)
      }.`
      : `The model expects substitutions of ${lowest.name} the least (mean ${
        nats(lowest.mean)
      }; all residues ${fixed(average, 1)}); ${highest.name} tolerates them best (${
        highest.mean > 0 ? "+" : ""
      }${fixed(highest.mean, 1)}).`,
    method: `${SCORE} ${favoured === 0 ? "None" : favoured.toLocaleString("en-US")} of ${
      many(scored, "substitution")
    } ${favoured > 1 ? "score" : "scores"} 0 or more. ${NOT_MEASURED}`,
  };
}

function ofVariants({ lowest: [low], highest: [high], scored, favoured }: ScoredProtein): Finding {
  if (!low) return { answer: "No variant could be scored." };
  return {
    answer: scored === 1
      ? `${nameOf(low)} scores ${fixed(low.score, 2)} nats: ${likelihood(low)}.`
      : `Of ${many(scored, "variant")} ${nameOf(high)} scores highest (${
        fixed(high.score, 2)
      } nats) and ${nameOf(low)} lowest (${fixed(low.score, 2)}); ${
        favoured === 0 ? "none scores" : favoured === 1 ? "1 scores" : `${favoured} score`
      } 0, the wild type's, or more.`,
    method: `${SCORE} ${NOT_MEASURED}`,
  };
}

/** Names that a sentence can hold. */
const nameOf = ({ name }: Scored) => name.length > 40 ? `${name.slice(0, 39)}…` : name;

function likelihood({ score, reading }: Scored): string {
  if (reading && isVariant(reading) && reading.indel !== undefined) {
    return "a difference of pseudo-log-likelihoods, which every residue lost raises";
  }
  return Math.abs(score) < ALIKE
    ? "to the model as likely as the wild type"
    : `to the model ${short(Math.exp(Math.abs(score)))} times ${
      score < 0 ? "less likely" : "likelier"
    } than the wild type`;
}

/** What was found over several proteins. */
export function findingOverall(
  proteins: readonly { id: string; performance: readonly Performance[]; low?: Scored }[],
  summary: readonly ProteinMean[],
  { measured }: Labels,
): Finding {
  const mean = summary.find(({ group, statistic }) => group === "all" && statistic === "spearman");
  if (!mean) {
    const least = proteins.filter(({ low }) => low).sort((a, b) => a.low!.score - b.low!.score);
    const [first] = least;
    return {
      answer: first
        ? `Of the variants of ${counted(proteins.length, "protein")} ${nameOf(first.low!)} of ` +
          `${first.id} scores lowest (${fixed(first.low!.score, 2)} nats).`
        : `No variant of ${counted(proteins.length, "protein")} could be scored.`,
      method: `${SCORE} ${NOT_MEASURED}`,
    };
  }
  const { low, high } = mean.interval ?? { low: NaN, high: NaN };
  const own = proteins.flatMap(({ performance: [all] }) => all?.intervals ? [all] : []);
  const above = own.filter(({ intervals }) => intervals!.spearman.low > 0).length;
  const interval = Number.isNaN(low)
    ? ""
    : ` (95\u202f% interval ${fixed(low, 2)} to ${fixed(high, 2)})`;
  const text = `mean Spearman ${fixed(mean.mean, 2)}${interval} with ${measured} over ` +
    `${counted(mean.proteins, "protein")}; chance is 0`;
  return {
    answer: low <= 0 && high >= 0
      ? `No clear agreement on average: ${text}.`
      : high < 0
      ? `Scores run against the assays: ${text}.`
      : `${text[0].toUpperCase()}${text.slice(1)}.`,
    method: [
      own.length > 0 &&
      `In ${above === 0 ? "none" : above} of ${counted(own.length, "protein")} the interval lies ` +
        "above 0.",
      "The mean's interval is over resampled proteins, a protein's over its variants.",
      SCORE,
    ].filter(Boolean).join(" "),
  };
}
