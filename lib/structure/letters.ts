/** From three-letter residue names to the letters of ESM-2. */

const STANDARD = "ALA A ARG R ASN N ASP D CYS C GLN Q GLU E GLY G HIS H ILE I LEU L LYS K MET M " +
  "PHE F PRO P SER S THR T TRP W TYR Y VAL V SEC U PYL O ASX B GLX Z";

/** Modified residues by their parent, those most frequent in the Protein Data Bank. */
const MODIFIED =
  "MSE M MEN N CSO C CSD C CME C CSX C OCS C CAS C SMC C CSS C CCS C SEP S TPO T PTR Y TYS Y " +
  "HYP P MLY K M3L K MLZ K KCX K LLP K ALY K PCA Q HIC H NEP H CGU E FME M AGM R ABA A AIB A " +
  "DAL A HID H HIE H HIP H HSD H HSE H HSP H CYX C CYM C ASH D GLH E LYN K " +
  "CRO SYG CRQ QYG CR2 GYG CH6 MYG NRQ MYG";

const table = (text: string) => {
  const words = text.split(" ");
  return words.flatMap((word, i) => i % 2 === 0 ? [[word, words[i + 1]] as const] : []);
};
const LETTERS = new Map([...table(STANDARD), ...table(MODIFIED)]);

/**
 * Letter of a residue, `X` for one that is not known. A chromophore that was made of three residues
 * gives all three letters.
 */
export function letterOf(name: string): string {
  return LETTERS.get(name.toUpperCase()) ?? "X";
}
