/** True contacts from a file: an .npz map or a list of pairs. */
import { quote, UserError } from "../errors.ts";
import { parseTable } from "../io/csv.ts";
import { openNpz, type StoredArray } from "../io/npz.ts";
import { openRandomAccess } from "../io/random_access.ts";
import { readText } from "../io/text.ts";
import type { Truth } from "./types.ts";

/** What others put beside contacts, such as distances in bins, has less than that. */
const MOST_BYTES_PER_PAIR = 1024, MOST_BYTES = 1 << 20;

/**
 * Reads contacts of a sequence of `length` residues: an .npz archive with `contacts` [L, L] and
 * perhaps `valid_residues` [L], or a table with columns i and j, counted from 1.
 *
 * @throws {UserError} if the file does not fit the sequence
 */
export async function readTruth(path: string, id: string, length: number): Promise<Truth> {
  return /\.npz$/i.test(path)
    ? await fromArchive(path, id, length)
    : await fromPairs(path, id, length);
}

async function fromArchive(path: string, id: string, length: number): Promise<Truth> {
  using source = await openRandomAccess(path);
  const archive = await openNpz(source, MOST_BYTES + length ** 2 * MOST_BYTES_PER_PAIR);
  const fail = (requirement: string, value: string): never => {
    throw new UserError(
      `Cannot use ${quote(path, 200)} for ${
        quote(id)
      } as ${requirement}: current value is ${value}`,
    );
  };
  const map = await archive.look("contacts"), valid = await archive.look("valid_residues");
  if (!map) {
    const names = archive.names.slice(0, 8).join(", ").slice(0, 200);
    return fail('it must hold an array "contacts"', names || "none");
  }
  const shapeIs = ({ shape }: StoredArray, ...extents: number[]) => shape.join() === extents.join();
  if (!shapeIs(map, length, length)) {
    fail(`contacts must be [${length}, ${length}], as the sequence`, `[${map.shape.join(", ")}]`);
  }
  if (valid && !shapeIs(valid, length)) {
    fail(`valid_residues must be [${length}]`, `[${valid.shape.join(", ")}]`);
  }
  const flags = async (array: StoredArray) =>
    Uint8Array.from(
      (await array.read()).data as ArrayLike<number>,
      (x) => Number(x) > 0.5 ? 1 : 0,
    );
  const contacts = await flags(map);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < i; j++) {
      if (contacts[i * length + j] !== contacts[j * length + i]) {
        fail("contacts must be symmetric", `residues ${j + 1} and ${i + 1} differ`);
      }
    }
  }
  const known = valid ? await flags(valid) : new Uint8Array(length).fill(1);
  return { source: path, contacts, known };
}

async function fromPairs(path: string, id: string, length: number): Promise<Truth> {
  const { rows } = parseTable(await readText(path), path, { required: ["i", "j"] });
  const contacts = new Uint8Array(length * length);
  for (const { line, fields } of rows) {
    const [i, j] = ["i", "j"].map((name) => {
      const value = Number(fields[name]);
      if (Number.isInteger(value) && value >= 1 && value <= length) return value;
      throw new UserError(
        `Cannot use ${quote(path, 200)} line ${line} for ${
          quote(id)
        } as ${name} must be a residue in ` +
          `1..${length}: current value is ${quote(fields[name])}`,
      );
    });
    contacts[(i - 1) * length + j - 1] = contacts[(j - 1) * length + i - 1] = 1;
  }
  return { source: path, contacts, known: new Uint8Array(length).fill(1) };
}
