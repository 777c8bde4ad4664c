/** From three-letter residue names to the letters of ESM-2. */

const STANDARD = "ALA A ARG R ASN N ASP D CYS C GLN Q GLU E GLY G HIS H ILE I LEU L LYS K MET M " +
  "PHE F PRO P SER S THR T TRP W TYR Y VAL V SEC U PYL O ASX B GLX Z";

/** Other names of programs for simulation and NMR: protonation, disulfides, cis-proline. */
const PROGRAMS =
  "HISA H HISB H HISD H HISE H HISH H HIST H CYSH C CYS1 C CYS2 C CYSS C CYD C LYSH K " +
  "ARGN R ASPH D GLUH E CPR P CPRO P";

/** Modified residues by their parent, those most frequent in the Protein Data Bank. */
const MODIFIED =
  "MSE M MEN N CSO C CSD C CME C CSX C OCS C CAS C SMC C CSS C CCS C SEP S TPO T PTR Y TYS Y " +
  "HYP P MLY K M3L K MLZ K KCX K LLP K ALY K PCA Q HIC H NEP H CGU E FME M AGM R ABA A AIB A " +
  "DAL A DAR R DSG N DAS D DCY C DGN Q DGL E DHI H DIL I DLE L DLY K MED M DPN F DPR P DSN S DTH T DTR W DTY Y DVA V HID H HIE H HIP H HSD H HSE H HSP H CYX C CYM C ASH D GLH E LYN K CYT C HSC H ASPP D GLUP E LSN K " +
  "CRO TYG GYS SYG CRQ QYG CR2 GYG CH6 MYG NRQ MYG CRF TWG";

const table = (text: string) => {
  const words = text.split(" ");
  return words.flatMap((word, i) => i % 2 === 0 ? [[word, words[i + 1]] as const] : []);
};
const LETTERS = new Map([...table(STANDARD), ...table(PROGRAMS), ...table(MODIFIED)]);

/** Letters by name; charges (`LYS+`) and Amber's ends of a chain (`NMET`, `CLEU`) are left out of it. */
function lettersOf(name: string): string | undefined {
  const upper = name.toUpperCase();
  return LETTERS.get(upper) ?? LETTERS.get(upper.replace(/[+-]$/, "")) ??
    (/^[NC]\w{3}$/.test(upper) ? LETTERS.get(upper.slice(1)) : undefined);
}

/** Names of modified residues, and of what each was made: `SER, TYR, GLY` for a chromophore. */
export type Parents = ReadonlyMap<string, string>;

/**
 * Letter of a residue, `X` for one that is not known. A chromophore that was made of three residues
 * gives all three letters.
 *
 * @param parents what the file says of modified residues; it comes before what is known of their names
 */
export function letterOf(name: string, parents?: Parents): string {
  const upper = name.toUpperCase(), parent = parents?.get(upper);
  const made = parent?.toUpperCase().split(/[\s,]+/).map(lettersOf) ?? [];
  const known = lettersOf(upper) ?? "X";
  // Files of older times name one parent of a chromophore's three.
  const isSaid = made.every((letter) => letter !== undefined) && made.length >= known.length;
  return isSaid ? made.join("") : known;
}

/** Groups that close an end of a chain; sequences count them, but they are no amino acids. */
const CAPS = new Set("ACE FOR NH2 NME NMA NHE CBX MYR".split(" "));

/** Whether a residue of a sequence only closes its end. */
export const isCap = (name: string): boolean => CAPS.has(name.toUpperCase());

/** Whether a name is that of an amino acid, modified or not. */
export const hasLetter = (name: string): boolean => lettersOf(name) !== undefined;
