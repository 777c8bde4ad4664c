/** Residues of interest of a protein, each as letter and 1-based number, and where they come from. */
export interface SiteSet {
  sites: string[];
  source: string;
}

export interface ExampleProtein {
  /** UniProt entry name. */
  id: string;
  /** UniProt accession. */
  accession: string;
  description: string;
  residues: string;
  siteSets: Record<string, SiteSet>;
}
