/** Small soluble proteins of different folds, on which an autoencoder's reconstruction is judged. */
import { ephb2 } from "./ephb2.ts";

export interface PanelProtein {
  id: string;
  residues: string;
  source: string;
}

export const fidelityPanel: readonly PanelProtein[] = [
  { id: ephb2.id, residues: ephb2.residues, source: ephb2.description },
  {
    id: "UBIQUITIN_HUMAN",
    residues: "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG",
    source: "Ubiquitin, Homo sapiens (UniProt P0CG48, residues 1-76; PDB 1UBQ)",
  },
  {
    id: "GB1",
    residues: "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE",
    source: "B1 domain of streptococcal protein G (PDB 2GB1)",
  },
  {
    id: "LYSC_CHICK",
    residues: "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIP" +
      "CSALLSSDITASVNCAKKIVSDGNGMNAWVAWRNRCKGTDVQAWIRGCRL",
    source: "Lysozyme C, Gallus gallus, mature (UniProt P00698, residues 19-147; PDB 1LYZ)",
  },
];
