/** Protein structures from PDB and mmCIF files. */
import { quote, UserError } from "../errors.ts";
import { readText } from "../io/text.ts";
import { letterOf } from "./letters.ts";
import { type ParsedResidue, parseStructure, type StructureFormat } from "./molecules.ts";
import { secondaryOf, secondarySpans } from "./secondary.ts";

export type Point = readonly [x: number, y: number, z: number];

/** One residue that has coordinates. */
export interface StructureResidue {
  /** One letter; `X` for what is not known. */
  letter: string;
  /** The authors' number with insertion code, as `52` or `52A`. */
  label: string;
  /** The authors' number alone; it may be negative. */
  number: number;
  /** Three-letter name. */
  name: string;
  /** `H` helix, `E` strand, `-` neither. */
  secondary: "H" | "E" | "-";
  /** Cα, Å. */
  alpha: Point;
  /** Cβ, Å; glycine has none, and it may be missing from the file. */
  beta?: Point;
  /** The other backbone atoms that the file has, Å. */
  backbone: Partial<Record<"N" | "C" | "O", Point>>;
}

/** One chain, residues in the order of the file. */
export interface Chain {
  id: string;
  residues: StructureResidue[];
}

export interface Structure {
  /** File name for messages. */
  source: string;
  format: StructureFormat;
  /** The file's text, for a viewer. */
  text: string;
  chains: Chain[];
  /** Whether helices and strands are those that the file states, or computed as it states none. */
  secondary: "stated" | "computed";
}

/** @throws {UserError} if the file holds no protein that can be read */
export async function readStructure(path: string): Promise<Structure> {
  return await structureOf(await readText(path), path);
}

/**
 * Reads the first model of a PDB or mmCIF text. What has no Cα is left out, as ligands and nucleic
 * acids.
 *
 * @throws {UserError} if it holds no protein that can be read
 */
export async function structureOf(text: string, source: string): Promise<Structure> {
  const fail = (requirement: string, value: string): never => {
    throw new UserError(
      `Cannot read ${quote(source, 200)} as ${requirement}: current value is ${value}`,
    );
  };
  const format = formatOf(text);
  if (!format) {
    fail(
      "a structure must be a PDB file (ATOM records) or an mmCIF file (_atom_site)",
      text.trim() === "" ? "an empty file" : quote(text.trim().split("\n")[0]),
    );
  }
  if (format === "pdb") checkPdb(text, fail);
  let parsed: ParsedResidue[] = [];
  try {
    parsed = await parseStructure(text, format!);
  } catch (error) {
    fail(
      `it must be an undamaged ${format === "cif" ? "mmCIF" : "PDB"} file`,
      quote((error as Error).message ?? error, 120),
    );
  }
  const spans = secondarySpans(text, format!);
  const chains = new Map<string, Chain>();
  for (const residue of parsed) {
    const alpha = residue.atoms.get("CA") ?? residue.atoms.get("CA1");
    // Ions and ligands have atoms of this name too.
    const isResidue = letterOf(residue.name) !== "X" ||
      residue.atoms.has("N") && residue.atoms.has("C");
    if (!alpha || !isResidue) continue;
    const label = `${residue.number}${residue.insertion}`;
    const beta = residue.atoms.get("CB");
    for (const point of [alpha, beta]) {
      if (point?.some((x) => !Number.isFinite(x))) {
        fail(
          `coordinates of residue ${residue.name} ${label} must be numbers`,
          quote(point.join(" ")),
        );
      }
    }
    const chain = chains.get(residue.chain) ?? { id: residue.chain, residues: [] };
    chains.set(residue.chain, chain);
    // A chromophore stands for three residues; all have its place.
    for (const letter of letterOf(residue.name)) {
      chain.residues.push({
        letter,
        label,
        number: residue.number,
        name: residue.name,
        secondary: COMPUTED[residue.secondary] ?? "-",
        alpha,
        ...(beta && { beta }),
        backbone: Object.fromEntries(
          ["N", "C", "O"].flatMap((name) => {
            const point = residue.atoms.get(name);
            return point ? [[name, point]] : [];
          }),
        ),
      });
    }
  }
  if (chains.size === 0) fail("it must hold a protein with Cα atoms", "none");
  if (spans.length > 0) {
    for (const { id, residues } of chains.values()) {
      secondaryOf(spans, id, residues).forEach((kind, i) => residues[i].secondary = kind);
    }
  }
  return {
    source,
    format: format!,
    text,
    chains: [...chains.values()],
    secondary: spans.length > 0 ? "stated" : "computed",
  };
}

/** The file's format by its contents, since names are often wrong. */
function formatOf(text: string): StructureFormat | undefined {
  if (/^_atom_site\./m.test(text)) return "cif";
  return /^(ATOM {2}|HETATM)/m.test(text) ? "pdb" : undefined;
}

/** The library takes what is not a number for zero. */
function checkPdb(text: string, fail: (requirement: string, value: string) => never): void {
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    if (!/^(ATOM {2}|HETATM)/.test(line)) continue;
    for (const [begin, axis] of [[30, "x"], [38, "y"], [46, "z"]] as const) {
      const field = line.slice(begin, begin + 8);
      if (!/^\s*[+-]?\d+(\.\d*)?\s*$/.test(field)) {
        fail(
          `line ${i + 1} must have a number as ${axis} in columns ${begin + 1}-${begin + 8}`,
          quote(field.trim()),
        );
      }
    }
  }
}

/** What the library computes. */
const COMPUTED: Record<string, "H" | "E"> = { h: "H", s: "E" };

/**
 * The chain of a name, or the only one.
 *
 * @throws {UserError} if there is no such chain
 */
export function chainOf({ chains, source }: Structure, id: string): Chain {
  const chain = chains.find((each) => each.id === id);
  if (chain) return chain;
  throw new UserError(
    `Cannot use --chain with ${quote(source, 200)} as it must be one of ${
      chains.map((each) => each.id).join(", ")
    }: current value is ${quote(id)}`,
  );
}

export function chainLetters({ residues }: Chain): string {
  return residues.map(({ letter }) => letter).join("");
}
