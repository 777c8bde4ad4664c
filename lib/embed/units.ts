/** What a group of proteins leaves, array by array, so that each can be written without the others. */
import { TOKENS } from "../esm2/mod.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import type { EmbeddedRow, EmbedPlan } from "./embed.ts";
import { residuesName, vectorsName } from "./places.ts";

/** One array of the results. */
export interface Part {
  /** Of the array. */
  readonly name: string;
  /** Numbers of one protein of so many residues, as an array's shape. */
  shape(length: number): number[];
  /** Of one protein. */
  of(row: EmbeddedRow): Float32Array;
  /** Whether it is a vector of a protein. */
  readonly isVector?: boolean;
}

/** The arrays of a plan, in the order in which they are written. */
export function partsOf({ places, pools = [], ...plan }: EmbedPlan, dModel: number): Part[] {
  return [
    ...places.flatMap((place, p) =>
      pools.map((pool, q): Part => ({
        name: vectorsName(place, pool),
        shape: () => [dModel],
        of: ({ vectors }) => vectors[p * pools.length + q],
        isVector: true,
      }))
    ),
    ...(plan.residues ? places : []).map((place, p): Part => ({
      name: residuesName(place),
      shape: (length) => [length, dModel],
      of: ({ residues }) => residues[p],
    })),
    ...(plan.contacts
      ? [{
        name: "contacts",
        shape: (length: number) => [length, length],
        of: ({ contacts }: EmbeddedRow) => contacts!,
      }]
      : []),
    ...(plan.logits
      ? [{
        name: "logits",
        shape: (length: number) => [length, TOKENS.length],
        of: ({ logits }: EmbeddedRow) => logits!,
      }]
      : []),
  ];
}

/** Bytes that a protein of so many residues leaves. */
export const bytesOf = (parts: readonly Part[], length: number): number =>
  parts.reduce((sum, { shape }) => sum + 4 * elements(shape(length)), 0);

const elements = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** Of the proteins of a group. */
export interface GroupLengths {
  lengths: Int32Array;
  windows: Int32Array;
}

/** Units of a group: its lengths, then one for each part. */
export const unitsPerGroup = (parts: readonly Part[]): number => 1 + parts.length;

/** Packs a group; one array at a time is held twice. @param wants parts that are kept; the others are empty */
export function packGroup(
  parts: readonly Part[],
  rows: readonly EmbeddedRow[],
  put: (unit: number, bytes: Uint8Array) => void,
  wants: (part: number) => boolean = () => true,
): void {
  parts.forEach((part, i) => {
    put(1 + i, packUnit(joined(wants(i) ? rows.map((row) => part.of(row)) : [])));
  });
  // The lengths last: where they are, the rest is.
  const lengths = Int32Array.from(rows, ({ length }) => length);
  put(0, packUnit({ lengths, windows: Int32Array.from(rows, ({ windows }) => windows) }));
}

/** Arrays one after another. */
export function joined(arrays: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** Reads what groups have left. */
export class GroupReader {
  constructor(
    readonly parts: readonly Part[],
    readonly read: (unit: number) => Uint8Array<ArrayBuffer>,
  ) {}

  lengths(group: number): GroupLengths {
    return unpackUnit(this.read(group * unitsPerGroup(this.parts)));
  }

  /** All of a group's, one protein after another. */
  values(group: number, part: Part): Float32Array {
    const at = group * unitsPerGroup(this.parts) + 1 + this.parts.indexOf(part);
    return unpackUnit(this.read(at));
  }

  /** A group's values, protein by protein. */
  *each(group: number, part: Part, { lengths }: GroupLengths): Generator<Float32Array> {
    const all = this.values(group, part);
    let at = 0;
    for (const length of lengths) {
      const count = elements(part.shape(length));
      yield all.subarray(at, at += count);
    }
  }
}
