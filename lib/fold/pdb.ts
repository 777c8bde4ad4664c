/** Structures as text: PDB as fair-esm writes it, and mmCIF. The same structure gives the same bytes. */
import { UserError } from "../errors.ts";
import { ATOM_37_EXISTS, ATOM_NAMES, ATOMS_37, RESIDUE_NAMES } from "./constants.ts";
import type { FoldChains } from "./input.ts";
import type { Fold } from "./model.ts";

/** What a file holds of a structure. */
export type FoldAtoms = Pick<Fold, "chains" | "positions37" | "exists" | "plddt">;

/** Chains are named A, B … */
export const chainName = (chain: number): string => String.fromCharCode("A".charCodeAt(0) + chain);

/** Most chains and the highest numbers that PDB's columns hold. */
const MOST_CHAINS = 26, MOST_ATOMS = 99_999, MOST_RESIDUE = 9999;

interface Atom {
  residue: number;
  atom: number;
  chain: number;
  position: readonly number[];
  /** pLDDT, 0 to 100. */
  confidence: number;
}

/** Atoms in the order of files. */
function* atomsOf({ chains, positions37, exists, plddt }: FoldAtoms): Generator<Atom> {
  for (let residue = 0; residue < chains.types.length; residue++) {
    for (let atom = 0; atom < ATOMS_37; atom++) {
      const at = residue * ATOMS_37 + atom;
      if (!exists[at]) continue;
      yield {
        ...{ residue, atom, chain: chains.chains[residue] },
        position: [0, 1, 2].map((k) => positions37[3 * at + k]),
        // As a file's reader has it: fair-esm multiplies in single precision.
        confidence: Math.fround(plddt[at] * 100),
      };
    }
  }
}

/**
 * Refuses what a PDB file cannot hold, before anything is folded.
 *
 * @throws {UserError} for a protein without atoms, and for more chains, atoms or higher numbers than the format's
 *   columns hold
 */
export function checkPdb({ id, types, chains, places, kept }: FoldChains): void {
  const withAtoms = [...types.keys()].filter((residue) =>
    kept[residue] === 1 && atomCount(types[residue]) > 0
  );
  const last = withAtoms.at(-1);
  if (last === undefined) {
    throw new UserError(`Cannot write ${id} as PDB as it must have an atom: it has none`);
  }
  const atoms = withAtoms.reduce((sum, residue) => sum + atomCount(types[residue]), 0);
  // Numbers begin at 1, and every chain ends with a line that has one of its own.
  const serials = 1 + atoms + new Set(withAtoms.map((residue) => chains[residue])).size;
  const count = chains[last] + 1, number = places[last] + 1;
  if (count > MOST_CHAINS || serials > MOST_ATOMS || number > MOST_RESIDUE) {
    throw new UserError(
      `Cannot write ${id} as PDB as it must have at most ${MOST_CHAINS} chains, ${MOST_ATOMS} atoms ` +
        `and residue numbers of ${MOST_RESIDUE}: current values are ${count}, ${serials}, ${number}`,
    );
  }
}

/** Atoms of a residue of some type. */
const atomCount = (type: number): number => {
  let count = 0;
  for (let atom = 0; atom < ATOMS_37; atom++) count += ATOM_37_EXISTS[type * ATOMS_37 + atom];
  return count;
};

/**
 * The PDB file, with pLDDT from 0 to 100 in place of B-factors, byte for byte as fair-esm writes it. Residues
 * of a second chain are numbered on from 512 more, as they were folded.
 *
 * @throws {UserError} as {@linkcode checkPdb}
 */
export function pdbText(fold: FoldAtoms): string {
  const { chains } = fold, lines: string[] = ["PARENT N/A"];
  checkPdb(chains);
  let serial = 1, last: Atom | undefined;
  const end = ({ residue, chain }: Pick<Atom, "residue" | "chain">) => {
    const name = RESIDUE_NAMES[chains.types[residue]];
    const place = String(chains.places[residue] + 1).padStart(4);
    lines.push(`TER   ${String(serial).padStart(5)}      ${name} ${chainName(chain)}${place}`);
    serial++;
  };
  for (const atom of atomsOf(fold)) {
    if (last && last.chain !== atom.chain) {
      // fair-esm names the residue before the next chain, which is of the linker.
      end({ residue: atom.residue - 1, chain: last.chain });
      lines.push("PARENT N/A");
    }
    const name = ATOM_NAMES[atom.atom], place = chains.places[atom.residue] + 1;
    const columns = name.length === 4 ? name : ` ${name.padEnd(3)}`;
    lines.push(
      `ATOM  ${String(serial).padStart(5)} ${columns} ${
        RESIDUE_NAMES[chains.types[atom.residue]]
      } ` +
        `${chainName(atom.chain)}${String(place).padStart(4)}    ` +
        atom.position.map((x) => fixed(x, 3).padStart(8)).join("") +
        `  1.00${fixed(atom.confidence, 2).padStart(6)}          ${name[0].padStart(2)}  `,
    );
    serial++;
    last = atom;
  }
  end(last!);
  lines.push("END", "");
  return lines.join("\n");
}

/** The mmCIF file, with pLDDT as B-factors and in ModelCIF's table of local quality; chains numbered from 1 each. */
export function cifText(fold: FoldAtoms): string {
  const { chains } = fold;
  const name = chains.id.replace(/[^\w.-]/g, "_");
  const lines = [
    `data_${name}`,
    "#",
    `_entry.id ${name}`,
    "#",
    "loop_",
    ...[
      ...["group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id"],
      ...["label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x"],
      ...["Cartn_y", "Cartn_z", "occupancy", "B_iso_or_equiv", "auth_seq_id", "auth_asym_id"],
      ...["pdbx_PDB_model_num"],
    ].map((column) => `_atom_site.${column}`),
  ];
  const numbers = ownNumbers(fold);
  const quality: string[] = [];
  let serial = 0, seen = -1;
  for (const { residue, atom, chain, position, confidence } of atomsOf(fold)) {
    const type = RESIDUE_NAMES[chains.types[residue]], own = numbers[residue];
    const label = ATOM_NAMES[atom], letter = chainName(chain);
    lines.push(
      ["ATOM", ++serial, label[0], label, ".", type, letter, chain + 1, own, "?"].concat(
        position.map((x) => fixed(x, 3)),
        ["1.00", fixed(confidence, 2), String(own), letter, "1"],
      ).join(" "),
    );
    if (residue === seen) continue;
    seen = residue;
    const ca = Math.fround(fold.plddt[residue * ATOMS_37 + 1] * 100);
    quality.push(`${quality.length + 1} 1 ${letter} ${own} ${type} 1 ${fixed(ca, 2)}`);
  }
  lines.push(
    ...["#", "loop_", "_ma_qa_metric.id", "_ma_qa_metric.mode", "_ma_qa_metric.name"],
    ...["_ma_qa_metric.type", "1 local pLDDT pLDDT", "#", "loop_"],
    ...["ordinal_id", "model_id", "label_asym_id", "label_seq_id", "label_comp_id", "metric_id"]
      .map((column) => `_ma_qa_metric_local.${column}`),
    "_ma_qa_metric_local.metric_value",
    ...quality,
    ...["#", ""],
  );
  return lines.join("\n");
}

/** Numbers of residues within their chains, from 1; those of linkers are not used. */
export function ownNumbers({ chains: { chains, kept } }: Pick<Fold, "chains">): number[] {
  const counts = new Map<number, number>();
  return Array.from(chains, (chain, i) => {
    if (!kept[i]) return 0;
    const next = (counts.get(chain) ?? 0) + 1;
    counts.set(chain, next);
    return next;
  });
}

/** With so many decimals, as C writes it: exact halves go to the even digit. */
function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  const scaled = value * 10 ** decimals;
  // toFixed takes the larger of two equally near: only where the double lies exactly between.
  if (Math.abs(scaled % 1) !== 0.5 || !Number.isInteger(scaled * 2)) return text;
  const even = 2 * Math.round(scaled / 2) / 10 ** decimals;
  return even.toFixed(decimals);
}
