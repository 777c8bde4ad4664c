/**
 * The columns of an mmCIF file's atom table that the molecular library leaves out: model number,
 * alternate location and insertion code. Without them the models of an NMR entry would be one heap.
 */

export interface FirstModel {
  /** The text with only the first model's atoms, and of alternate locations the first. */
  text: string;
  /** Insertion code of each row that is left, "" for none. */
  insertions: string[];
}

const PREFIX = "_atom_site.";

/** Cuts an mmCIF text down to its first model. */
export function firstModel(text: string): FirstModel {
  const lines = text.split(/\r\n|\n|\r/);
  const begin = lines.findIndex((line) => line.trim().toLowerCase().startsWith(PREFIX));
  const names: string[] = [];
  let row = begin;
  for (; row < lines.length && lines[row].trim().toLowerCase().startsWith(PREFIX); row++) {
    names.push(lines[row].trim().split(/\s+/)[0].slice(PREFIX.length).toLowerCase());
  }
  const column = (name: string) => names.indexOf(name);
  const model = column("pdbx_pdb_model_num"), alternate = column("label_alt_id");
  const insertion = column("pdbx_pdb_ins_code");
  const site = ["auth_asym_id", "label_asym_id", "auth_seq_id", "label_seq_id", "label_atom_id"]
    .map(column).filter((at) => at >= 0);
  const kept = lines.slice(0, row), insertions: string[] = [];
  const seen = new Set<string>();
  let first: string | undefined;
  for (; row < lines.length && isRow(lines[row]); row++) {
    const fields = splitRow(lines[row]);
    if (fields.length === 0) continue;
    first ??= fields[model];
    if (fields[model] !== first) continue;
    const code = valueOf(fields[insertion]);
    if (alternate >= 0 && valueOf(fields[alternate]) !== "") {
      const place = `${site.map((at) => fields[at])} ${code}`;
      if (seen.has(place)) continue;
      seen.add(place);
    }
    kept.push(lines[row]);
    insertions.push(code);
  }
  return { text: [...kept, ...lines.slice(row)].join("\n"), insertions };
}

const isRow = (line: string) => !/^\s*(#|_|loop_|data_)/.test(line);

/** `.` and `?` stand for no value. */
const valueOf = (field: string | undefined) =>
  field === undefined || field === "." || field === "?" ? "" : field;

/** Fields of a row; quotes may enclose one, as those of atoms with primes. */
function splitRow(line: string): string[] {
  return line.match(/'[^']*'(?=\s|$)|"[^"]*"(?=\s|$)|\S+/g) ?? [];
}
