/** What each number of a head is called in tables, files and tooltips. */
import type { HeadRow } from "./types.ts";

export interface HeadColumn {
  key: keyof HeadRow;
  /** Column name in heads.csv. */
  name: string;
  label: string;
  meaning: string;
}

/** The numbers of one head in the order in which heads.csv has them. */
export const headColumns: HeadColumn[] = [
  { key: "layer", name: "layer", label: "Layer", meaning: "numbered from 0" },
  { key: "head", name: "head", label: "Head", meaning: "numbered from 0" },
  {
    key: "observed",
    name: "observed",
    label: "Observed",
    meaning:
      "attention that the sites receive, summed over all residues' rows, above the threshold",
  },
  {
    key: "baselineMean",
    name: "baseline_mean",
    label: "Baseline mean",
    meaning: "mean of the same sum over random site sets of the same size",
  },
  {
    key: "baselineSd",
    name: "baseline_sd",
    label: "Baseline SD",
    meaning: "standard deviation over these random site sets",
  },
  {
    key: "impact",
    name: "impact",
    label: "Impact",
    meaning: "observed ÷ baseline mean; 1 is chance",
  },
  {
    key: "snr",
    name: "snr",
    label: "SNR",
    meaning: "(observed − baseline mean) ÷ baseline SD",
  },
  {
    key: "exactMean",
    name: "exact_mean",
    label: "Exact mean",
    meaning: "mean of the null over all site sets, without sampling",
  },
  {
    key: "exactSd",
    name: "exact_sd",
    label: "Exact SD",
    meaning: "standard deviation of the null over all site sets, without sampling",
  },
  { key: "z", name: "z", label: "z", meaning: "(observed − exact mean) ÷ exact SD" },
  {
    key: "pPermutation",
    name: "p_permutation",
    label: "p",
    meaning: "share of random site sets that receive at least as much, one-sided",
  },
  {
    key: "qBh",
    name: "q_bh",
    label: "q",
    meaning: "p corrected for testing all heads (Benjamini–Hochberg false discovery rate)",
  },
  {
    key: "enrichment",
    name: "enrichment",
    label: "Enrichment",
    meaning: "share of attention going to the sites ÷ share of residues that are sites",
  },
  {
    key: "pAlpha",
    name: "p_alpha",
    label: "pα",
    meaning: "share of strong attention pairs whose attended residue is a site (Vig et al. 2021)",
  },
  {
    key: "pairs",
    name: "p_alpha_pairs",
    label: "Pairs",
    meaning: "number of strong attention pairs; Vig et al. leave out heads with fewer than 100",
  },
];
