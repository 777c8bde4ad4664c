/** What the categories of an mmCIF or BinaryCIF file say of its proteins. */
import { type Atom, isKept, type Point } from "./atoms.ts";
import { type CifBlock, CifError, type CifTable, tableOf } from "./cif.ts";

/** Categories that are read, the atoms first. */
export const CATEGORIES = [
  "atom_site",
  "entity",
  "entity_poly_seq",
  "pdbx_poly_seq_scheme",
  "chem_comp",
  "pdbx_struct_mod_residue",
  "struct_conf",
  "struct_sheet_range",
] as const;

/** A residue of a chain's sequence, with its number where the file says it. */
export interface Monomer {
  name: string;
  number?: number;
  insertion?: string;
}

export interface CifFile {
  atoms: Atom[];
  /** The sequence of a chain (label_asym_id), where the file has it. */
  sequenceOf(segment: string): Monomer[] | undefined;
  /** What modified residues were made of. */
  parents: Map<string, string>;
  models: number;
}

/**
 * Refuses a text that ends with an atom and no line end though `#` separates its categories: it was cut
 * behind a whole row.
 *
 * @throws {CifError}
 */
export function checkCifEnd(text: string): void {
  const last = text.slice(Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1);
  if (!/^[ \t]*(ATOM|HETATM)\s/.test(last) || !/^#[ \t]*[\r\n]/m.test(text)) return;
  throw new CifError("its table of atoms must end with a line; the file may be cut off");
}

const NOT_POLYMERS = new Set(["non-polymer", "water", "branched", "macrolide"]);

/** @throws {CifError} if a coordinate or a residue's number is none */
export function readCif(block: CifBlock): CifFile {
  const table = tableOf(block, "atom_site");
  const entities = tableOf(block, "entity"), others = new Set<string>();
  for (let row = 0; row < entities.rows; row++) {
    if (NOT_POLYMERS.has(entities.value("type", row).toLowerCase())) {
      others.add(entities.value("id", row));
    }
  }
  const models = new Set<string>(), entityOf = new Map<string, string>();
  // Polymers have places in a sequence; a file that gives none is read as a PDB file is.
  const hasPlaces = some(table, (row) => table.value("label_seq_id", row) !== "");
  const first = (row: number, ...items: string[]) =>
    items.map((item) => table.value(item, row)).find((value) => value !== "") ?? "";
  const atoms: Atom[] = [];
  for (let row = 0; row < table.rows; row++) {
    const model = table.value("pdbx_pdb_model_num", row);
    models.add(model);
    if (models.size > 1) continue;
    const name = first(row, "auth_comp_id", "label_comp_id");
    const atom = first(row, "label_atom_id", "auth_atom_id");
    const entity = table.value("label_entity_id", row), place = table.value("label_seq_id", row);
    if (!isKept(atom, name) || others.has(entity) || hasPlaces && place === "") continue;
    const segment = first(row, "label_asym_id", "auth_asym_id");
    entityOf.set(segment, entity);
    const number = first(row, "auth_seq_id", "label_seq_id");
    const insertion = table.value("pdbx_pdb_ins_code", row);
    const written = ["x", "y", "z"].map((axis) => table.value(`cartn_${axis}`, row));
    const point = written.map((value) => value === "" ? NaN : Number(value));
    if (!point.every(Number.isFinite)) {
      throw new CifError(
        `coordinates of residue ${name} ${number}${insertion} must be numbers: current value is ` +
          JSON.stringify(written.join(" ")),
      );
    }
    if (!/^-?\d+$/.test(number)) {
      throw new CifError(
        `residue ${name} must have a whole number: current value is ${JSON.stringify(number)}`,
      );
    }
    atoms.push({
      chain: first(row, "auth_asym_id", "label_asym_id"),
      segment,
      name,
      number: Number(number),
      insertion,
      ...(hasPlaces && { place: Number(place) }),
      atom,
      alternate: table.value("label_alt_id", row),
      occupancy: Number(table.value("occupancy", row) || "1"),
      point: point as unknown as Point,
      isHetero: table.value("group_pdb", row) === "HETATM",
      isAfterEnd: false,
    });
  }
  const sequences = sequencesOf(block);
  return {
    atoms,
    sequenceOf: (segment) => sequences(segment, entityOf.get(segment) ?? ""),
    parents: parentsOf(block),
    models: models.size,
  };
}

function some({ rows }: CifTable, test: (row: number) => boolean): boolean {
  for (let row = 0; row < rows; row++) if (test(row)) return true;
  return false;
}

/** Sequences by chain and entity, of the entities' and the chains' own tables. */
function sequencesOf(
  block: CifBlock,
): (segment: string, entity: string) => Monomer[] | undefined {
  const entities = new Map<string, Monomer[]>(), chains = new Map<string, Monomer[]>();
  const entityOf = new Map<string, string>();
  const collect = (
    table: CifTable,
    [owner, place]: [string, string],
    into: Map<string, Monomer[]>,
    more: (row: number) => Partial<Monomer>,
  ) => {
    for (let row = 0; row < table.rows; row++) {
      const at = Number(table.value(place, row)), key = table.value(owner, row);
      const list = into.get(key) ?? [];
      into.set(key, list);
      // Several residues at one place: the first stands in the sequence.
      if (at >= 1) list[at - 1] ??= { name: table.value("mon_id", row), ...more(row) };
    }
  };
  const scheme = tableOf(block, "pdbx_poly_seq_scheme");
  collect(tableOf(block, "entity_poly_seq"), ["entity_id", "num"], entities, () => ({}));
  collect(scheme, ["asym_id", "seq_id"], chains, (row) => {
    entityOf.set(scheme.value("asym_id", row), scheme.value("entity_id", row));
    const number = scheme.value("pdb_seq_num", row);
    if (!/^-?\d+$/.test(number)) return {};
    return { number: Number(number), insertion: scheme.value("pdb_ins_code", row) };
  });
  return (segment, entity) => {
    const chain = chains.get(segment);
    const own = entities.get(entity || (entityOf.get(segment) ?? "")) ??
      (entity === "" && entities.size === 1 ? [...entities.values()][0] : undefined);
    const found = own?.map((monomer, i) => ({ ...chain?.[i], ...monomer })) ?? chain;
    // A table with holes is no sequence.
    return found && Array.from(found).every((each) => each !== undefined) ? found : undefined;
  };
}

function parentsOf(block: CifBlock): Map<string, string> {
  const parents = new Map<string, string>();
  for (
    const [category, id, parent] of [
      ["chem_comp", "id", "mon_nstd_parent_comp_id"],
      ["pdbx_struct_mod_residue", "label_comp_id", "parent_comp_id"],
    ]
  ) {
    const table = tableOf(block, category);
    for (let row = 0; row < table.rows; row++) {
      const value = table.value(parent, row), name = table.value(id, row).toUpperCase();
      if (value !== "" && value.toUpperCase() !== name) parents.set(name, value);
    }
  }
  return parents;
}
