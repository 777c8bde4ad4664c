/** The 66-residue domain whose deep mutational scan is the example of variant scoring. */
import type { ExampleProtein } from "./example_protein.ts";

export const ephb2: ExampleProtein = {
  id: "EPHB2_HUMAN",
  accession: "P29323",
  description: "SAM domain of the ephrin type-B receptor 2 (PDB 1F0M), as in Tsuboyama et al. 2023",
  residues: "SFNTVDEWLEAIKMGQYKESFANAGFTSFDVVSQMMMEDILRVGVTLAGHQKKILNSIQVMRAQMN",
  siteSets: {},
};
