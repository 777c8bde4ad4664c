/** What embeddings say, in a sentence. */
import * as numbers from "../../report/client/numbers.js";
import type { Finding } from "../../report/page.ts";
import type { MapQuality } from "../map/quality.ts";
import type { Hit } from "../search.ts";

/** How often the nearest protein has the same label. */
export interface Agreement {
  column: string;
  /** By cosine of the embeddings. */
  agreement: number;
  /** On the map. */
  onMap: number;
  chance: number;
  labelled: number;
}

const NAMES = { umap: "UMAP", tsne: "t-SNE", pca: "PCA" } as const;

const percent = (share: number) => numbers.percent(share, share < 0.0995 ? 1 : 0);

/** What the map shows, with what chance gives; without labels, what it keeps. */
export function mapFinding(
  count: number,
  quality: MapQuality,
  method: keyof typeof NAMES,
  shown: Agreement | undefined,
  shares?: readonly number[],
): Finding {
  const { neighbours, trustworthiness, preserved, preservedByChance } = quality;
  const keeps = `of each protein's ${neighbours} nearest the map keeps ${percent(preserved)}, ` +
    `where chance gives ${percent(preservedByChance)}`;
  const trusted = `trustworthiness ${trustworthiness.toFixed(3)}`;
  const axes = shares
    ? ` The axes hold ${percent(shares[0])} and ${percent(shares[1])} of the variance.`
    : ` Distances between groups on a ${NAMES[method]} map mean little.`;
  const believed = preserved < 0.3
    ? " Most neighbours on the map are not neighbours in the embedding: look at those of the table."
    : "";
  if (!shown) {
    return {
      answer: `Of the ${neighbours} proteins nearest to each of ${count}, the map keeps ${
        percent(preserved)
      }, where chance gives ${percent(preservedByChance)}.`,
      method: `${NAMES[method]} of directions of pooled embeddings; ${trusted}.${axes}${believed}`,
    };
  }
  const { agreement, chance, column, labelled } = shown;
  const whom = labelled === count ? `${count} proteins` : `${labelled} labelled proteins`;
  return {
    answer: agreement > chance
      ? `For ${percent(agreement)} of ${whom} the most similar one has the same ${column}, where ` +
        `chance gives ${percent(chance)}.`
      : `The most similar protein has the same ${column} no more often than chance: for ${
        percent(agreement)
      } of ${whom}, where chance gives ${percent(chance)}.`,
    method: `${
      NAMES[method]
    } of directions of pooled embeddings: ${keeps}; ${trusted}.${axes}${believed}`,
  };
}

/** What a search found. */
export function searchFinding(hits: readonly Hit[], queries: number, database: number): Finding {
  const firsts = hits.filter(({ rank }) => rank === 1);
  const best = firsts.reduce((a, b) => b.cosine > a.cosine ? b : a);
  const z = Number.isNaN(best.z)
    ? ""
    : `, ${Math.abs(best.z).toFixed(1)} standard deviations ${
      best.z < 0 ? "below" : "above"
    } its mean`;
  const told = `${best.neighbour} is the most similar to ${best.protein}: cosine ${
    best.cosine.toFixed(4)
  }${z}`;
  return {
    answer: queries === 1
      ? `Of ${database} proteins ${told}.`
      : `Of ${queries} proteins' nearest among ${database}, ${told}.`,
    method:
      "Embeddings of one model all point in similar directions, so that a high cosine alone says " +
      "little: z compares it with the protein's cosines to the rest of the database.",
  };
}
