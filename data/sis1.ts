/** The J-domain whose HPD motif is the example of variant scoring, of the lens and of the sparse features. */
import type { ExampleProtein } from "./example_protein.ts";

export const sis1: ExampleProtein = {
  id: "SIS1_YEAST",
  accession: "P25294",
  description: "J-domain of the Hsp40 co-chaperone Sis1, Saccharomyces cerevisiae (PDB 2O37)",
  residues: "MVKETKLYDLLGVSPSANEQELKKGYRKAALKYHPDKPTGDTEKFKEISEAFEILNDPQKREIYDQYGLEAARSGGPSFGP",
  siteSets: {
    hpd: {
      sites: ["H34", "P35", "D36"],
      source: "The HPD motif between helices II and III, by which J-domains stimulate the ATPase of " +
        "Hsp70 (Kampinga & Craig 2010, doi:10.1038/nrm2941).",
    },
  },
};
