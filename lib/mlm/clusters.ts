/** Which sequences of a corpus belong together. */
import { quote, UserError } from "../errors.ts";
import { lines } from "../io/lines.ts";
import { streamFasta } from "../io/fasta_stream.ts";

/**
 * Clusters of the records of a FASTA file, each with the numbers of its sequences, by a table with two
 * columns a line, cluster and member, as mmseqs2 writes it. Records that it does not name are clusters of
 * their own.
 *
 * @throws {UserError} naming file and line, for a line without two columns or a member twice, and if no
 *   record is named
 */
export async function readClusters(path: string, fasta: string): Promise<Uint32Array[]> {
  const clusterOf = new Map<string, string>();
  let number = 0;
  for await (const line of lines(path)) {
    number++;
    if (line.trim() === "") continue;
    const [cluster, member, ...more] = line.split("\t");
    if (member === undefined || more.length > 0) {
      throw new UserError(
        `Cannot read ${
          quote(path)
        } line ${number} as it must have a cluster and a member, with a ` +
          `tab between: current value is ${quote(line, 60)}`,
      );
    }
    if (clusterOf.has(member)) {
      throw new UserError(
        `Cannot read ${quote(path)} line ${number} as a member must be in one cluster: ` +
          `${quote(member)} is in ${quote(clusterOf.get(member)!)} already`,
      );
    }
    clusterOf.set(member, cluster);
  }
  const members = new Map<string, number[]>();
  let sequence = 0, named = 0;
  for await (const { id } of streamFasta(fasta)) {
    const cluster = clusterOf.get(id);
    if (cluster !== undefined) named++;
    // A name of its own, which no cluster of the file has.
    const key = cluster ?? `\t${sequence}`;
    const own = members.get(key);
    if (own) own.push(sequence);
    else members.set(key, [sequence]);
    sequence++;
  }
  if (named === 0) {
    throw new UserError(
      `Cannot use ${quote(path)} as it must name records of ${quote(fasta)}: none of its ` +
        `${clusterOf.size} members is one`,
    );
  }
  return [...members.values()].map((own) => Uint32Array.from(own));
}

/** Every sequence for itself. */
export const lonely = (count: number): Uint32Array[] =>
  Array.from({ length: count }, (_, i) => Uint32Array.of(i));
