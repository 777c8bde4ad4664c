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

/** One head's attention among residues (no special tokens), as it is drawn: row = query. */
export interface HeadMap {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Residues that share a pixel, which has the largest of them: 1 up to 1024. */
  bin: number;
  /** The largest value of all. */
  max: number;
  /** u8[side, side], 255 · √(value / max), where side is ⌈L / bin⌉. */
  steps: Uint8Array;
  /** f32[L] what each residue receives of all. */
  received: Float32Array;
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
  /** What mutations change, in the order asked for. */
  mutants?: MutantResult[];
  /** What the model's adapter changes. */
  adapter?: AdapterResult;
}

/** One head's attention with an adapter, against that of the model without. */
export interface AdaptedHead {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Share of the attention that goes elsewhere: mean over residues' rows of half the sum of |change|. */
  change: number;
  /** 1 for the head that changes most. */
  rank: number;
  /** Change of the attention that the sites receive, summed over the rows. */
  sitesChange: number;
  /** The head against the sites without the adapter. */
  before: HeadRow;
  /** The same with it. */
  after: HeadRow;
}

/** What an adapter does to attention. */
export interface AdapterResult {
  /** What it is called. */
  name: string;
  /** A row for every head, by layer and head. */
  rows: AdaptedHead[];
  /** Change of what each residue receives, f32[L], of the heads that change most, these first. */
  profiles: { layer: number; head: number; received: Float32Array }[];
}

/** One residue replaced. */
export interface Mutant {
  /** As people write it: `W246A`. */
  name: string;
  /** 1-based, in the sequence. */
  position: number;
  /** Letter of the sequence. */
  from: string;
  /** New letter. */
  to: string;
}

/** A quantity of a mutation beside that of all other substitutions of its residue. */
export interface Replaced {
  /** Of the mutation. */
  value: number;
  /** Mean over the other substitutions. */
  mean: number;
  /** Their standard deviation (of the population: they are all there are). */
  sd: number;
  /** (value − mean) / sd */
  z: number;
  /** 1 + how many of the others are at least as large, in size. */
  rank: number;
  /** rank / (1 + others); never below 1/19 with 18 others. */
  p: number;
  /** Benjamini–Hochberg over all heads analysed. */
  q: number;
}

/** One head's attention of the mutant minus that of its wild type. */
export interface MutantHead {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Share of the attention that goes elsewhere: mean over residues' rows of half the sum of |change|. */
  change: Replaced;
  /** Change of the attention that the sites receive, summed over the rows. */
  sites: Replaced;
}

/** Change of what each residue receives in one head, summed over the rows; arrays of L. */
export interface MutantProfile {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Of the mutation. */
  received: Float32Array;
  /** Mean over the other substitutions. */
  mean: Float32Array;
  /** Their standard deviation. */
  sd: Float32Array;
}

/** What a mutation does to attention. */
export interface MutantResult extends Mutant {
  /** Other substitutions of the same residue, to which it is compared. */
  others: number;
  /** A row for every head, by layer and head. */
  rows: MutantHead[];
  /** Of the heads that change most beyond other substitutions, these first. */
  profiles: MutantProfile[];
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
