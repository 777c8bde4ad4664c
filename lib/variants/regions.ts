/** Named parts of a protein, such as helices and loops, by which statistics are split. */
import { quote, UserError } from "../errors.ts";
import { parseTable } from "../io/csv.ts";
import { positionOf } from "./resolve.ts";
import { GROUPS } from "./samples.ts";
import type { Target, Variant } from "./types.ts";

export class Regions {
  /** In the order of the file. */
  readonly names: readonly string[];
  /** Regions of each position, by number. */
  readonly #at: readonly number[][];

  private constructor(names: string[], at: number[][]) {
    this.names = names;
    this.#at = at;
  }

  /**
   * Reads spans from a table with columns region, start, end (both inclusive, numbered as the
   * mutations are); spans of one name are one region.
   *
   * @throws {UserError} naming the line of a span that does not lie in the protein
   */
  static parse(text: string, source: string, target: Target): Regions {
    const { rows } = parseTable(text, source, { required: ["region", "start", "end"] });
    const { offset, residues } = target;
    const names: string[] = [];
    const at: number[][] = Array.from({ length: residues.length + 1 }, () => []);
    for (const { line, fields: { region, start, end } } of rows) {
      const fail = (requirement: string, value: string): never => {
        throw new UserError(
          `Cannot read ${quote(source)} line ${line} as ${requirement}: current value is ${
            quote(value)
          }`,
        );
      };
      if (region === "" || GROUPS.includes(region)) {
        fail(`a region must have a name other than ${GROUPS.join(", ")}`, region);
      }
      const [first, last] = [start, end].map((text) => {
        const residue = /^-?\d+$/.test(text) ? Number(text) : NaN;
        const position = positionOf(residue, target);
        if (!(position >= 1 && position <= residues.length)) {
          fail(`residues must be in ${offset}..${offset + residues.length - 1}`, text);
        }
        return position;
      });
      if (last < first) fail("a span must ascend", `${start}-${end}`);
      if (!names.includes(region)) names.push(region);
      const number = names.indexOf(region);
      for (let position = first; position <= last; position++) {
        if (!at[position].includes(number)) at[position].push(number);
      }
    }
    if (names.length === 0) {
      throw new UserError(`Cannot read ${quote(source)} as it must have a region: there is none`);
    }
    return new Regions(names, at);
  }

  /** Regions that hold every substitution of a variant; none for the wild type and indels. */
  of({ substitutions, indel }: Variant): string[] {
    if (indel !== undefined || substitutions.length === 0) return [];
    const [first, ...others] = substitutions.map(({ position }) => this.#at[position]);
    return first.filter((region) => others.every((regions) => regions.includes(region)))
      .map((region) => this.names[region]);
  }
}
