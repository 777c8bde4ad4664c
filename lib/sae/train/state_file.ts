/** The state of an unfinished training on disk, so that a stopped run does not start over. */
import { writeAllSync } from "../../io/disk.ts";
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import type { Cursor } from "./feed.ts";
import { PARAMETER_NAMES, type Parameters } from "./parameters.ts";
import type { TrainerState } from "./trainer.ts";

/** Where a training stands: the trainer's state, and what of the data it has seen. */
export interface TrainingState {
  readonly trainer: TrainerState;
  /** What one unit of the training data is in the residual stream. */
  readonly unit: number;
  /** Where the present buffer begins. */
  readonly cursor: Cursor;
  /** Number of the present buffer. */
  readonly buffer: number;
  /** Tokens that were seen before it. */
  readonly before: number;
  /** Its batches that are done. */
  readonly batches: number;
}

const MAGIC = "esmscope sae training 1\n";
const HEADER_BYTES = 8;

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

  /** Replaces the file; a kill in the middle leaves the one before. */
  save({ trainer, ...where }: TrainingState): void {
    const json = new TextEncoder().encode(
      JSON.stringify({ ...where, steps: trainer.steps, tokens: trainer.tokens }),
    );
    const head = new Uint8Array(MAGIC.length + HEADER_BYTES);
    head.set(new TextEncoder().encode(MAGIC));
    const pieces = [json, ...arraysOf(trainer).map(bytesOf)];
    const view = new DataView(head.buffer, MAGIC.length);
    view.setUint32(0, json.length);
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
   * Fills `trainer` from the file and gives the rest; nothing where there is no whole file.
   *
   * @param trainer a state of the right shape
   */
  load(trainer: TrainerState): Omit<TrainingState, "trainer"> | undefined {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = Deno.readFileSync(this.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const begin = MAGIC.length + HEADER_BYTES;
    if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) return undefined;
    if (bytes.length < begin) return undefined;
    const view = new DataView(bytes.buffer, MAGIC.length);
    const arrays = arraysOf(trainer), jsonBytes = view.getUint32(0);
    const wanted = arrays.reduce((sum, array) => sum + array.byteLength, begin + jsonBytes);
    if (bytes.length !== wanted || checksum([bytes.subarray(begin)]) !== view.getUint32(4)) {
      return undefined;
    }
    let at = begin + jsonBytes;
    const { steps, tokens, ...where } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(begin, at)),
    );
    for (const array of arrays) {
      bytesOf(array).set(bytes.subarray(at, at += array.byteLength));
    }
    Object.assign(trainer, { steps, tokens });
    return where;
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

function arraysOf({ weights, moments, idle }: TrainerState): (Float32Array | Uint32Array)[] {
  const all = (p: Parameters) => PARAMETER_NAMES.map((name) => p[name]);
  return [...all(weights), ...all(moments.first), ...all(moments.second), idle];
}

function bytesOf(array: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function checksum(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => crc32(piece, sum), 0);
}
