/**
 * The one place that names the molecular library (3Dmol.js, 10.1093/bioinformatics/btu829): its parsers
 * read structure files here, and its viewer draws them in a report.
 */
import { firstModel } from "./atom_site.ts";

/** One residue as the library gives it. */
export interface ParsedResidue {
  /** The chain's name as authors give it (auth_asym_id). */
  chain: string;
  /** Three-letter name. */
  name: string;
  /** The authors' number (auth_seq_id). */
  number: number;
  /** Insertion code, or "". */
  insertion: string;
  /** `h` helix, `s` strand, `c` neither, as the library sees it: computed where the file has none. */
  secondary: string;
  /** Heavy atoms by name; of alternate locations the first. */
  atoms: Map<string, [x: number, y: number, z: number]>;
}

export type StructureFormat = "pdb" | "cif";

interface Atom {
  chain?: string;
  resn?: string;
  resi: number | string;
  icode?: string;
  ss: string;
  atom?: string;
  x: number;
  y: number;
  z: number;
  /** Row of the atom_site table, in mmCIF files. */
  serial: number;
}

type Parser = (text: string, options: Record<string, unknown>) => Atom[][];
interface Library {
  Parsers: Record<"PDB" | "CIF", Parser>;
}

/** The library as one script that needs nothing else; it sets `$3Dmol` on the page. */
export async function viewerScript(): Promise<string> {
  // Loaded when it is needed: it has half a megabyte.
  const { default: script } = await import("npm:3dmol@2.5.5/build/3Dmol-min.js", {
    with: { type: "text" },
  });
  return script as unknown as string;
}

let library: Promise<Library> | undefined;

/** Reads the residues of the first model, in file order. @throws whatever the library throws */
export async function parseStructure(
  text: string,
  format: StructureFormat,
): Promise<ParsedResidue[]> {
  const { Parsers } = await (library ??= loadLibrary());
  const first = format === "cif" ? firstModel(text) : undefined;
  const options = { altLoc: "*", assignBonds: false };
  const [atoms = []] = first ? Parsers.CIF(first.text, options) : Parsers.PDB(text, options);
  const residues = new Map<string, ParsedResidue>();
  for (const atom of atoms) {
    const { chain = "", resn = "", atom: name = "", x, y, z } = atom;
    const number = Number(atom.resi);
    const insertion = (first ? first.insertions[atom.serial] : atom.icode ?? "").trim();
    const key = `${chain} ${number}${insertion}`;
    const residue = residues.get(key) ??
      { chain: chain.trim(), name: resn, number, insertion, secondary: atom.ss, atoms: new Map() };
    residues.set(key, residue);
    // Another name at the same place is an alternate residue.
    if (residue.name === resn && !residue.atoms.has(name)) residue.atoms.set(name, [x, y, z]);
  }
  return [...residues.values()];
}

/**
 * The library is made for pages. Its parsers do not use one, but the script as a whole looks for a
 * window and a document while it starts: they are given to it, and nothing becomes global.
 */
async function loadLibrary(): Promise<Library> {
  const element = () => ({ style: {}, appendChild() {}, setAttribute() {} });
  const document = {
    addEventListener() {},
    createElement: element,
    getElementsByTagName: () => [element()],
    querySelectorAll: () => [],
    readyState: "loading",
    body: element(),
  };
  const window = {
    addEventListener() {},
    document,
    location: { search: "" },
    navigator: { userAgent: "" },
  };
  const run = new Function(
    "window",
    "document",
    "self",
    `let $3Dmol;
Object.defineProperty(window, "$3Dmol", { get: () => $3Dmol, set: (value) => { $3Dmol = value; } });
${await viewerScript()}
return $3Dmol;`,
  );
  return run(window, document, window) as Library;
}
