/**
 * Human adenosine receptor A2A, UniProt P29274 (AA2AR_HUMAN), 412 residues, with three site sets.
 *
 * The sequence is UniProt's canonical isoform (UniProt Consortium, CC BY 4.0).
 */
import type { ExampleProtein } from "./example_protein.ts";

const residues = "MPIMGSSVYITVELAIAVLAILGNVLVCWAVWLNSNLQNVTNYFVVSLAAADIAVGVLAI" +
  "PFAITISTGFCAACHGCLFIACFVLVLTQSSIFSLLAIAIDRYIAIRIPLRYNGLVTGTR" +
  "AKGIIAICWVLSFAIGLTPMLGWNNCGQPKEGKNHSQGCGEGQVACLFEDVVPMNYMVYF" +
  "NFFACVLVPLLLMLGVYLRIFLAARRQLKQMESQPLPGERARSTLQKEVHAAKSLAIIVG" +
  "LFALCWLPLHIINCFTFFCPDCSHAPLWLMYLAIVLSHTNSVVNPFIYAYRIREFRQTFR" +
  "KIIRSHVLRQQEPFKAAGTSARVLAAHGSDGEQVSLRLNGHPPGVWANGSAPHPERRPNG" +
  "YALGLVSGGSAQESQGNTGLPDVELLSHELKGVCPEPPGLDDPLAQDGAGVS";

export const a2a: ExampleProtein = {
  id: "AA2AR_HUMAN",
  accession: "P29274",
  description: "Adenosine receptor A2a, Homo sapiens",
  residues,
  siteSets: {
    published: {
      sites: ["L85", "Q89", "W246", "N253"],
      source: "The four residues that a published attention-head example " +
        "(github.com/jdlg-42/allostery_heads, analyze_a2a.py) calls known allosteric sites. " +
        "They line the orthosteric pocket: Allosteric Database 2019-09, entry 3QAK, " +
        "lists all four around the agonist UK-432097 with site_overlap = Yes.",
    },
    sodium: {
      sites: ["D52", "S91", "W246", "N280", "N284"],
      source: "The allosteric sodium pocket of the 1.8 Å structure, PDB 4EIY " +
        "(Liu et al. 2012, doi:10.1126/science.1219218); " +
        "Ballesteros–Weinstein 2.50, 3.39, 6.48, 7.45 and 7.49.",
    },
    orthosteric: {
      sites: [
        ...["I66", "V84", "L85", "T88", "Q89", "I92", "L167", "F168", "E169", "M177", "N181"],
        ...["W246", "L249", "H250", "N253", "T256", "H264", "L267", "M270", "Y271", "I274"],
        ...["S277", "H278"],
      ],
      source: "Residues around the agonist UK-432097 in PDB 3QAK: Allosteric Database 2019-09, " +
        "active site table, where the entry is marked site_overlap = Yes.",
    },
  },
};
