/** A FASTA file of any size as a set of sequences that can be read in any order. */
import { createHash } from "node:crypto";
import { CLS, EOS } from "../esm2/alphabet.ts";
import { isPlainText, readInput } from "../io/input.ts";
import { bytesRandomAccess, openRandomAccess, type RandomAccess } from "../io/random_access.ts";
import { textOf } from "../io/text.ts";
import { FastaScanner, residueTokens } from "./fasta_scan.ts";

const PIECE_BYTES = 4 * 2 ** 20;

export interface CorpusOptions {
  signal?: AbortSignal;
  /** Hears the bytes read so far, and how many there are. */
  onProgress?: (bytes: number, total: number) => void;
}

export class Corpus implements Disposable {
  private constructor(
    readonly path: string,
    readonly sha256: string,
    /** Residues of each sequence. */
    readonly lengths: Uint32Array,
    readonly begins: Float64Array,
    readonly source: RandomAccess,
  ) {}

  /**
   * Reads the file once: checks it, hashes it and notes where its records are.
   *
   * @throws {UserError} naming file and line, if it is no FASTA file of proteins
   */
  static async open(path: string, { signal, onProgress }: CorpusOptions = {}): Promise<Corpus> {
    const source = await openFile(path);
    try {
      const scanner = new FastaScanner(path), hash = createHash("sha256");
      for (let at = 0; at < source.sizeBytes; at += PIECE_BYTES) {
        signal?.throwIfAborted();
        const bytes = new Uint8Array(Math.min(PIECE_BYTES, source.sizeBytes - at));
        await source.read(at, bytes);
        hash.update(bytes);
        scanner.add(bytes);
        onProgress?.(at + bytes.length, source.sizeBytes);
      }
      const { begins, lengths } = scanner.finish();
      return new Corpus(path, hash.digest("hex"), lengths, begins, source);
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  get sequences(): number {
    return this.lengths.length;
  }

  /**
   * Token ids of residues `from` to `from + count` (0-based) of a sequence, between `<cls>` and `<eos>`.
   */
  async tokens(sequence: number, from: number, count: number): Promise<Int32Array> {
    const begin = this.begins[sequence];
    const end = this.begins[sequence + 1] ?? this.source.sizeBytes;
    const bytes = new Uint8Array(end - begin);
    await this.source.read(begin, bytes);
    const all = residueTokens(bytes, this.lengths[sequence]);
    const ids = new Int32Array(count + 2);
    ids[0] = CLS;
    ids.set(all.subarray(from, from + count), 1);
    ids[count + 1] = EOS;
    return ids;
  }

  [Symbol.dispose](): void {
    this.source[Symbol.dispose]();
  }
}

/** The file itself where its bytes are its text; else that text in memory. */
async function openFile(path: string): Promise<RandomAccess> {
  const options = { must: "a FASTA file" };
  if (await isPlainText(path, options)) return await openRandomAccess(path);
  const text = textOf(await readInput(path, options), path, options);
  return bytesRandomAccess(path, new TextEncoder().encode(text));
}
