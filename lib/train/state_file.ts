/** The state of an unfinished training on disk, so that a stopped run does not start over. */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { writeAllSync } from "../io/disk.ts";

type Numbers = Float32Array | Float64Array | Uint32Array;

/** Arrays by name, in groups of any depth. */
export interface ArrayTree {
  readonly [name: string]: Numbers | ArrayTree;
}

const MAGIC = "esmscope training 2\n";
/** Of the header's length and of the checksum of all that follows. */
const PREFIX_BYTES = 8;

/** Sections of named arrays behind a header with whatever else makes the state. */
export class StateFile {
  /** Whether this run has written it. */
  isSaved = false;

  private constructor(readonly path: string) {}

  /**
   * The file beside `out` for a training that `settings` describe in full: other settings have
   * another file.
   */
  static beside(out: string, settings: unknown): StateFile {
    const key = createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 16);
    return new StateFile(join(dirname(out), `.${basename(out)}.${key}.state`));
  }

  /** Replaces the file; a kill in the middle leaves the one before. @param values goes through JSON */
  save(values: unknown, arrays: ArrayTree): void {
    const named = sectionsOf(arrays);
    const header = new TextEncoder().encode(
      JSON.stringify({ values, sections: named.map(describe) }),
    );
    const head = new Uint8Array(MAGIC.length + PREFIX_BYTES);
    head.set(new TextEncoder().encode(MAGIC));
    const pieces = [header, ...named.map(([, array]) => bytesOf(array))];
    const view = new DataView(head.buffer, MAGIC.length);
    view.setUint32(0, header.length);
    view.setUint32(4, checksum(pieces));
    const temporary = `${this.path}.tmp`;
    {
      using file = Deno.openSync(temporary, { write: true, create: true, truncate: true });
      for (const piece of [head, ...pieces]) writeAllSync(file, piece, this.path);
    }
    Deno.renameSync(temporary, this.path);
    this.isSaved = true;
  }

  /**
   * Fills the arrays from the file and gives its values; nothing where there is no whole file of just these
   * sections.
   *
   * @param arrays of the right names, types and lengths
   */
  load<Values>(arrays: ArrayTree): Values | undefined {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = Deno.readFileSync(this.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const begin = MAGIC.length + PREFIX_BYTES;
    if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) return undefined;
    if (bytes.length < begin) return undefined;
    const view = new DataView(bytes.buffer, MAGIC.length);
    if (checksum([bytes.subarray(begin)]) !== view.getUint32(4)) return undefined;
    let at = begin + view.getUint32(0);
    const { values, sections } = JSON.parse(new TextDecoder().decode(bytes.subarray(begin, at)));
    const named = sectionsOf(arrays);
    if (JSON.stringify(sections) !== JSON.stringify(named.map(describe))) return undefined;
    for (const [, array] of named) bytesOf(array).set(bytes.subarray(at, at += array.byteLength));
    return values;
  }

  remove(): void {
    for (const path of [this.path, `${this.path}.tmp`]) {
      try {
        Deno.removeSync(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
}

/** All arrays under their names joined by dots. */
function sectionsOf(tree: ArrayTree): [name: string, array: Numbers][] {
  return Object.entries(tree).flatMap(([name, entry]) =>
    ArrayBuffer.isView(entry)
      ? [[name, entry as Numbers] as [string, Numbers]]
      : sectionsOf(entry).map(([inner, array]): [string, Numbers] => [`${name}.${inner}`, array])
  );
}

const describe = ([name, array]: [string, Numbers]) => [name, array.constructor.name, array.length];

function bytesOf(array: Numbers): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function checksum(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => crc32(piece, sum), 0);
}
