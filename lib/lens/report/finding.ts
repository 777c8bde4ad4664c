/** The result in a sentence. */
import type { Finding } from "../../report/page.ts";
import { short } from "../../report/scale.ts";
import { commonest, type LayerMeans } from "../numbers.ts";
import type { MutationRow, SummaryRow } from "../tables.ts";
import type { LensName } from "../types.ts";

/** The layer from which half of the residues have the letter of the end. */
export function halfDecided(
  rows: readonly Pick<LayerMeans, "lens" | "layer" | "decided">[],
  lens: LensName,
): number {
  return rows.find((row) => row.lens === lens && row.decided >= 0.5)!.layer;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** `layer 2 of 4`, or the embedding. */
const layerText = (layer: number, layers: number) =>
  layer === 0 ? "the embedding" : `layer ${layer} of ${layers}`;

/** What was found of a protein, with what naming its commonest letter gives. */
export function finding(
  letters: string,
  rows: readonly LayerMeans[],
  mutations: readonly { name: string; rows: readonly MutationRow[] }[],
  masked: boolean,
): Finding {
  const layers = Math.max(...rows.map(({ layer }) => layer));
  const last = rows.find(({ layer }) => layer === layers)!;
  const isTuned = rows.some(({ lens }) => lens === "tuned");
  const half = halfDecided(rows, "logit");
  const { letter, share } = commonest(letters);
  const tuned = isTuned
    ? `, through the tuned lens from ${layerText(halfDecided(rows, "tuned"), layers)}`
    : "";
  const right = Number.isNaN(last.accuracy)
    ? ""
    : masked
    ? `; ${percent(last.accuracy)} are right in the end, where ${letter} everywhere gives ` +
      `${percent(share)}`
    : `; the letters are seen, so ${percent(last.accuracy)} are right in the end`;
  const answer = `Half of the ${letters.length} residues have their final letter from ${
    layerText(half, layers)
  } on${tuned}${right}.`;
  const kl = (lens: LensName) => rows.filter((row) => row.lens === lens && row.layer < layers);
  const means = (lens: LensName) => kl(lens).map((row) => short(row.kl)).slice(-3).join(", ");
  return {
    answer,
    method: [
      masked
        ? "Each residue is hidden in a copy of the sequence and read after every block as the head reads the end."
        : "Residues are read in one run in which the model sees them.",
      `Mean KL(last ‖ layer) of the last layers before the end: logit lens ${means("logit")}${
        isTuned ? `; tuned lens ${means("tuned")}` : ""
      } nats.`,
      ...mutations.slice(0, 1).map((mutation) => mutationSentence(mutation, layers)),
    ].join(" "),
  };
}

/** From which layer on a mutation's score keeps the sign of the end. */
export function mutationSentence(
  { name, rows }: { name: string; rows: readonly MutationRow[] },
  layers: number,
): string {
  const logit = rows.filter(({ lens }) => lens === "logit");
  const { score } = logit[layers];
  let layer = layers;
  while (layer > 0 && Math.sign(logit[layer - 1].score) === Math.sign(score)) layer--;
  const what = score < 0 ? "less likely" : "more likely";
  return `${name}: ${short(score)} nats in the end, ${what} than the wild type from ${
    layerText(layer, layers)
  } on.`;
}

/** What was found over several proteins. */
export function findingOverall(
  proteins: number,
  summary: readonly SummaryRow[],
  masked: boolean,
): Finding {
  const layers = Math.max(...summary.map(({ layer }) => layer));
  const rows = summary.map(({ lens, layer, decided: [decided] }) => ({ lens, layer, decided }));
  const isTuned = summary.some(({ lens }) => lens === "tuned");
  const tuned = isTuned
    ? `, through the tuned lens from ${layerText(halfDecided(rows, "tuned"), layers)}`
    : "";
  const last = summary.find(({ layer }) => layer === layers)!;
  const before = summary.find(({ layer }) => layer === Math.max(0, layers - 1))!;
  return {
    answer:
      `On the mean of ${proteins} proteins, half of the residues have their final letter from ${
        layerText(halfDecided(rows, "logit"), layers)
      } on${tuned}.`,
    method:
      `${
        masked
          ? "Each residue is hidden in a copy of its sequence."
          : "The model sees the residues."
      } ${
        percent(last.accuracy[0])
      } of the letters are right in the end; mean KL(last ‖ layer) one ` +
      `block before it ${short(before.kl[0])} nats (sd over proteins ${short(before.kl[1])}).`,
  };
}
