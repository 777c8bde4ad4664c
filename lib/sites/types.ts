/** What the site-attention analysis produces; the report, the tables and the CSV all read this. */

/** A residue of interest: 1-based number and the letter the sequence has there. */
export interface Site {
  /** 1-based. */
  residue: number;
  /** One-letter code. */
  letter: string;
}

/** One attention head against one protein's sites. Layer and head are 0-based. */
export interface HeadRow {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Attention that the sites receive: Σ over residue rows and site columns of a·1[a > θ]. */
  observed: number;
  /** Mean of the same sum over the sampled site sets. */
  baselineMean: number;
  /** Population standard deviation over the sampled site sets. */
  baselineSd: number;
  /** observed / baselineMean; NaN when both are zero. */
  impact: number;
  /** (observed − baselineMean) / baselineSd; NaN when both are zero. */
  snr: number;
  /** Mean of the null without sampling. */
  exactMean: number;
  /** Standard deviation of the null without sampling. */
  exactSd: number;
  /** (observed − exactMean) / exactSd. */
  z: number;
  /** (1 + #{sampled ≥ observed}) / (1 + trials). */
  pPermutation: number;
  /** Benjamini–Hochberg over all heads analysed of this protein. */
  qBh: number;
  /** Share of the attention that goes to the sites, over the share of residues that are sites. */
  enrichment: number;
  /** Share of the pairs with a > θ whose attended residue is a site (Vig et al. 2021). */
  pAlpha: number;
  /** How many pairs have a > θ; a share of few says little. */
  pairs: number;
}

/** One head's attention among residues (no special tokens), row = query. f32[L, L] */
export interface HeadMap {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** f32[L, L], from row to column. */
  attention: Float32Array;
}

/** What was found of a protein. */
export interface ProteinResult {
  /** Its name. */
  id: string;
  /** One upper-case letter per residue; `_` for `<mask>`. */
  residues: string;
  /** The residues in question. */
  sites: Site[];
  /** Layers analysed, 0-based, ascending; `rows` is layer-major over them. */
  layers: number[];
  /** Heads of a layer. */
  heads: number;
  /** A row for every head, by layer and head. */
  rows: HeadRow[];
  /** How many of these heads the rule calls sensitive to a random site set, on average. */
  calledByChance: number;
  /** The most sensitive heads' maps, best first (empty when not asked for). */
  maps: HeadMap[];
}

/** Per head over several proteins: the columns of summary.csv. */
export interface HeadSummary {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** In how many proteins it is defined. */
  proteins: number;
  /** Mean of impact over these. */
  impactMean: number;
  /** Its standard deviation. */
  impactSd: number;
  /** impactMean / impactSd over proteins. */
  impactSnr: number;
}
