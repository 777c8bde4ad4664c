/** The true structure that a fold is held against. */
import { createHash } from "node:crypto";
import { quote, UserError } from "../errors.ts";
import { type Chain, readStructure, type StructureResidue } from "../structure/structure.ts";
import { fitChain } from "../structure/fit.ts";
import type { Points } from "./compare.ts";
import { UNKNOWN } from "./constants.ts";
import { type FoldChains, keptResidues } from "./input.ts";
import { chainName } from "./pdb.ts";

/** Options that name it. */
export interface TruthFlags {
  truth?: string;
  chain?: string;
}

/** A structure, residue by residue of a protein without linkers. */
export interface FoldTruth {
  /** File and chains, for people. */
  readonly source: string;
  /** Cα, f64[L, 3]; NaN where the structure has none. */
  readonly points: Points;
  /** Each residue as the file has it, to draw. */
  readonly residues: readonly (StructureResidue | undefined)[];
  /** Of the points. */
  readonly sha256: string;
}

/** Fewest residues whose superposition means anything. */
const LEAST_SHARED = 3;

/**
 * Reads the true structure of a protein. Each chain that is folded is matched by its sequence to one of the
 * file's, in their order, and no chain of the file twice.
 *
 * @throws {UserError} for a file that is none, and where a chain fits none of it
 */
export async function readFoldTruth(
  { truth: path, chain }: TruthFlags,
  proteins: readonly FoldChains[],
  notes: string[],
): Promise<FoldTruth | undefined> {
  if (path === undefined) {
    if (chain === undefined) return undefined;
    throw new UserError("Cannot use --chain as --truth must be given with it");
  }
  const [protein] = proteins;
  if (proteins.length > 1) {
    throw new UserError(
      `Cannot use --truth for ${proteins.length} proteins as it belongs to one: choose it with --id`,
    );
  }
  const structure = await readStructure(path), { source } = structure;
  notes.push(...structure.notes);
  const kept = keptResidues(protein), count = protein.chains[kept.at(-1)!] + 1;
  if (count > 1 && chain !== undefined) {
    throw new UserError(
      `Cannot use --chain for ${
        quote(protein.id)
      } as it must have one chain: current count is ${count}`,
    );
  }
  const found: (StructureResidue | undefined)[] = [], matched: Chain[] = [];
  for (let c = 0; c < count; c++) {
    const left = structure.chains.filter((one) => !matched.includes(one));
    if (left.length === 0) {
      throw new UserError(
        `Cannot use ${quote(source, 200)} for ${
          quote(protein.id)
        } as it must have a chain for each of ` +
          `the ${count} that are folded: current count is ${structure.chains.length}`,
      );
    }
    const residues = kept.filter((r) => protein.chains[r] === c)
      .map((r) => protein.letters[r]).join("");
    const id = count > 1 ? `${protein.id}, chain ${chainName(c)}` : protein.id;
    const fit = fitChain({ id, residues }, { ...structure, chains: left }, { chain });
    notes.push(...fit.notes);
    matched.push(fit.chain);
    for (const at of fit.toChain) found.push(at < 0 ? undefined : fit.chain.residues[at]);
  }
  const points = Float64Array.from(found.flatMap((one) => one?.alpha ?? [NaN, NaN, NaN]));
  const shared = kept.filter((r, n) =>
    protein.types[r] !== UNKNOWN && !Number.isNaN(points[3 * n])
  );
  if (shared.length < LEAST_SHARED) {
    throw new UserError(
      `Cannot use ${quote(source, 200)} for ${
        quote(protein.id)
      } as at least ${LEAST_SHARED} residues must ` +
        `have coordinates in both: current count is ${shared.length}`,
    );
  }
  return {
    source: `${source} chain${count > 1 ? "s" : ""} ${matched.map(({ id }) => id).join(", ")}`,
    ...{ points, residues: found },
    sha256: createHash("sha256").update(points).digest("hex"),
  };
}
