/** What the site-attention analysis produces; the report, the tables and the CSV all read this. */

/** A residue of interest: 1-based number and the letter the sequence has there. */
export interface Site {
  residue: number;
  letter: string;
}

/** One attention head against one protein's sites. Layer and head are 0-based. */
export interface HeadRow {
  layer: number;
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
  layer: number;
  head: number;
  attention: Float32Array;
}

export interface ProteinResult {
  id: string;
  /** One upper-case letter per residue; `_` for `<mask>`. */
  residues: string;
  sites: Site[];
  /** Layers analysed, 0-based, ascending; `rows` is layer-major over them. */
  layers: number[];
  heads: number;
  rows: HeadRow[];
  /** How many of these heads the rule calls sensitive to a random site set, on average. */
  calledByChance: number;
  /** The most sensitive heads' maps, best first (empty when not asked for). */
  maps: HeadMap[];
}

/** Per head over several proteins: the columns of summary.csv. */
export interface HeadSummary {
  layer: number;
  head: number;
  proteins: number;
  impactMean: number;
  impactSd: number;
  /** impactMean / impactSd over proteins. */
  impactSnr: number;
}
