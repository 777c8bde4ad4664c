/** Which mutations of which proteins to explain. */
import { quote, UserError } from "../errors.ts";
import { columnAt, parseRecord } from "../io/csv.ts";
import { decimal } from "../io/numbers.ts";
import { PROTEINGYM_COLUMNS } from "../proteins/options.ts";
import { readShape, type StructureFlags } from "../proteins/structure.ts";
import { atRow, structureColumns } from "../proteins/table.ts";
import type { Shape } from "../structure/shape.ts";
import {
  type InputFlags,
  type Inputs,
  proteinsOf,
  readInputs,
  REPLACED,
} from "../variants/inputs.ts";
import { residueOf } from "../variants/resolve.ts";
import { isVariant, readRow, reasonCounts, scanVariants } from "../variants/scan.ts";
import type { Substitution, Target, VariantRow } from "../variants/types.ts";
import { checkChoice, type Choice, chooseVariants } from "./choose.ts";
import { filterRows } from "./filter.ts";

export interface VariantFlags
  extends Omit<InputFlags, "assay" | "functionalColumn">, Choice, StructureFlags {
  /** Several assays are several proteins. */
  assay: string[];
  /** Proteins with their mutations. */
  table?: string;
  filter?: string;
  /** A column whose number each variant keeps. */
  scoreColumn?: string;
}

/** Substitutions to explain. */
export interface CausalVariant {
  /** Number of its row in the input, from 0: what random draws are counted by. */
  number: number;
  /** As people write it: `A10G:K20R`. */
  name: string;
  /** One or more, ascending. */
  substitutions: readonly Substitution[];
  /** NaN where nothing was measured. */
  measured: number;
  /** What the input has in `scoreColumn`; absent where it has no number there. */
  score?: number;
}

/** A protein and its variants. */
export interface CausalProtein {
  target: Target;
  variants: CausalVariant[];
  hasMeasured: boolean;
}

export interface CausalInputs {
  proteins: CausalProtein[];
  /** Structures to draw results on, by the protein's name, of those that have one. */
  shapes: ReadonlyMap<string, Shape>;
  notes: string[];
}

/**
 * Reads the variants; rows without a substitution (indels, the wild type) are left out, and said so.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function readVariants(flags: VariantFlags): Promise<CausalInputs> {
  checkChoice(flags);
  const notes: string[] = [], proteins: CausalProtein[] = [];
  const shapes = new Map<string, Shape>(), { structure, chain } = flags;
  const rows = await proteinsOf(flags, notes, structureColumns);
  if (rows.length > 1 && structure !== undefined) {
    throw new UserError(
      `Cannot use --structure for ${rows.length} proteins as it belongs to one: give every ` +
        "protein its own in a --table",
    );
  }
  for (const { own, place } of rows) {
    const protein = await atRow(
      place,
      [...REPLACED, ...Object.keys(structureColumns)],
      async () => {
        const inputs = await readInputs({
          ...flags,
          assay: undefined,
          ...own,
          functionalColumn: PROTEINGYM_COLUMNS.functionalColumn,
        });
        notes.push(...inputs.notes);
        const shape = await readShape({ structure, chain, ...own }, inputs.target, notes);
        if (shape) shapes.set(inputs.target.id, shape);
        return await collect(inputs, flags, notes);
      },
    );
    const same = proteins.find(({ target }) => target.id === protein.target.id);
    if (same) {
      throw new UserError(
        `Cannot explain several proteins as they must have names of their own: ` +
          `current value is ${quote(same.target.id)} twice`,
      );
    }
    proteins.push(protein);
  }
  return { proteins, shapes, notes };
}

async function collect(
  { target, source }: Inputs,
  flags: VariantFlags,
  notes: string[],
): Promise<CausalProtein> {
  const { filter, scoreColumn } = flags;
  let number = 0;
  const numbered = {
    ...source,
    async *rows() {
      for await (const row of source.rows()) yield { ...row, number: number++ };
    },
  };
  const rows: (VariantRow & { number: number })[] = [];
  const filtered = filter === undefined ? numbered : filterRows(numbered, filter);
  for await (const row of filtered.rows()) rows.push(row as VariantRow & { number: number });
  if (rows.length === 0) {
    throw new UserError(
      filter === undefined
        ? `Cannot explain ${quote(target.id)} as its input must have a row: current count is 0`
        : `Cannot use --filter ${quote(filter)} as it must leave a row of ${quote(target.id)}: ` +
          `current count is 0 of ${number}`,
    );
  }
  async function* kept() {
    yield* rows;
  }
  const scan = await scanVariants({ ...source, rows: kept }, target);
  const scoreAt = scoreColumn === undefined
    ? -1
    : columnAt(source.columns, scoreColumn, "the input");
  const variants: CausalVariant[] = [];
  let synonymous = 0;
  for (const row of rows) {
    const reading = readRow(row, target)!;
    if (!isVariant(reading)) continue;
    const { substitutions, indel } = reading;
    if (indel !== undefined) continue;
    const changed = substitutions.filter(({ from, to }) => from !== to);
    if (changed.length === 0) {
      synonymous++;
      continue;
    }
    const score = decimal(
      scoreAt < 0 ? "" : parseRecord(row.raw, source.delimiter, row.place, 1)[scoreAt],
      source.delimiter,
    );
    variants.push({
      number: row.number,
      name: nameOf(changed, target),
      substitutions: changed,
      measured: row.measured ?? NaN,
      ...(Number.isFinite(score) && { score }),
    });
  }
  if (variants.length === 0) {
    throw new UserError(
      `Cannot explain ${quote(target.id)} as a row must be a substitution: ` +
        `current count is 0 of ${rows.length}`,
    );
  }
  const left = rows.length - variants.length;
  if (left > 0) {
    const reasons = [
      ...(scan.unscorable.size > 0 ? [reasonCounts(scan)] : []),
      ...(synonymous > 0 ? [`${synonymous} without a substitution`] : []),
      ...(scan.indels > 0 ? [`${scan.indels} where residues come or go`] : []),
    ];
    notes.push(
      `${left} of ${rows.length} rows of ${target.id} are left out: ${reasons.join(", ")}.`,
    );
  }
  const protein = { target, variants, hasMeasured: source.hasMeasured };
  return { ...protein, variants: chooseVariants(protein, flags, source.kind === "all", notes) };
}

const nameOf = (substitutions: readonly Substitution[], target: Target) =>
  substitutions.map(({ position, from, to }) => `${from}${residueOf(position, target)}${to}`)
    .join(":");
