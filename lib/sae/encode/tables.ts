/** Where latents of proteins go, one protein after another. */
import { textLines, writeArrays } from "../../checkpoint/write_arrays.ts";
import { columnsOf, type TableOf } from "../../io/columns.ts";
import type { NpyData } from "../../io/npy.ts";
import { shortest } from "../../report/client/numbers.js";
import type { ProteinLatents } from "./encode.ts";
import { lettersText, rangesText, type TopLatent } from "./top_latents.ts";

export const FORMATS = ["csv", "npz", "safetensors"] as const;
export type Format = typeof FORMATS[number];

/** A latent active at a residue. */
interface Activation {
  protein: ProteinLatents;
  /** From 0. */
  row: number;
  /** Of the sparse rows. */
  entry: number;
}

/** All of a protein; what is zero is left out. */
export function activationsOf(protein: ProteinLatents): Activation[] {
  const { rows, offsets } = protein.latents, found: Activation[] = [];
  for (let row = 0; row < rows; row++) {
    for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
      found.push({ protein, row, entry });
    }
  }
  return found;
}

const one = columnsOf<Activation>();

export const LATENTS: TableOf<Activation> = {
  name: "latents",
  rows: "one row per residue and latent active there; zeros are left out",
  when: "with --format csv",
  columns: [
    one.text("protein", "its id", ({ protein }) => protein.id),
    one.integer("residue", "numbered from 1", ({ row }) => row + 1),
    one.text("letter", "amino acid of the residue", ({ protein, row }) => protein.letters[row]),
    one.integer(
      "latent",
      "numbered from 0",
      ({ protein, entry }) => protein.latents.indices[entry],
    ),
    one.number(
      "activation",
      "the latent's value there",
      ({ protein, entry }) => shortest(protein.latents.values[entry]),
    ),
  ],
};

type TopRow = TopLatent & { protein: ProteinLatents; rank: number };
const top = columnsOf<TopRow>();

export const TOP_LATENTS: TableOf<TopRow> = {
  name: "top_latents",
  rows: "one row per protein and latent, the strongest first (--top)",
  columns: [
    top.text("protein", "its id", ({ protein }) => protein.id),
    top.integer("rank", "by largest activation in the protein", "rank"),
    top.integer("latent", "numbered from 0", "latent"),
    top.number("max", "largest activation", ({ max }) => shortest(max), {
      show: (value) => value.toPrecision(4),
    }),
    top.integer("max_residue", "where it is, from 1", "maxResidue"),
    top.text(
      "max_letter",
      "amino acid there",
      ({ protein, maxResidue }) => protein.letters[maxResidue - 1],
    ),
    top.number("mean", "over all residues, zeros included", "mean"),
    top.number("active_fraction", "share of the residues where it is active", "activeFraction"),
    top.text("residues", "where it is active", ({ residues }) => rangesText(residues)),
    top.text(
      "letters",
      "how often at which letter",
      ({ protein, residues }) => lettersText(protein.letters, residues),
    ),
  ],
};

/** The strongest latents of a protein. */
export const topRows = (protein: ProteinLatents, top: readonly TopLatent[]): TopRow[] =>
  top.map((one, i) => ({ ...one, protein, rank: i + 1 }));

/** How much there is of all proteins. */
export interface Extents {
  proteins: number;
  residues: number;
  /** Activations above zero. */
  entries: number;
  /** Bytes of all names, a line each, without the last line's end. */
  idBytes: number;
  /** Of the autoencoder. */
  latents: number;
}

/**
 * Writes compressed sparse rows over all residues:
 *
 * offsets  i64[R + 1]    entries of residue r: offsets[r] to offsets[r + 1]; R residues of all proteins
 * indices  i32[entries]  latents, ascending within a residue
 * values   f32[entries]  activations, > 0
 * lengths  i32[proteins] residues of each protein
 * shape    i64[2]        R and the number of latents
 * ids      u8[…]         names of the proteins in UTF-8, one a line
 *
 * @param proteins gives all of them anew for each array
 */
export async function writeCsr(
  path: string,
  format: "npz" | "safetensors",
  proteins: () => AsyncIterable<ProteinLatents>,
  { proteins: count, residues, entries, idBytes, latents: width }: Extents,
  metadata: Record<string, string>,
): Promise<void> {
  async function* each<A extends NpyData>(part: (one: ProteinLatents, before: number) => A) {
    let before = 0;
    for await (const one of proteins()) {
      yield part(one, before);
      before += one.latents.values.length;
    }
  }
  async function* offsets() {
    yield* each(({ latents: { rows, offsets } }, before) =>
      BigInt64Array.from({ length: rows }, (_, n) => BigInt(before + offsets[n]))
    );
    yield BigInt64Array.of(BigInt(entries));
  }
  async function* names() {
    for await (const { id } of proteins()) yield [id];
  }
  await writeArrays(path, format, {
    offsets: { dtype: "i8", shape: [residues + 1], data: offsets() },
    indices: {
      ...{ dtype: "i4", shape: [entries] },
      data: each(({ latents }) => Int32Array.from(latents.indices)),
    },
    values: { dtype: "f4", shape: [entries], data: each(({ latents }) => latents.values) },
    lengths: {
      ...{ dtype: "i4", shape: [count] },
      data: each(({ latents }) => Int32Array.of(latents.rows)),
    },
    shape: { dtype: "i8", shape: [2], data: BigInt64Array.of(BigInt(residues), BigInt(width)) },
    ids: { dtype: "u1", shape: [idBytes], data: textLines(names()) },
  }, metadata);
}
