/** ProteinGym's headline figures from a table of per-assay Spearman correlations. */
import { quote, UserError } from "../errors.ts";
import { parseTable } from "../io/csv.ts";
import { mean } from "../stats/moments.ts";

/** What an assay measures, as ProteinGym sorts them. */
export const SELECTION_TYPES = [
  "Activity",
  "Binding",
  "Expression",
  "OrganismalFitness",
  "Stability",
] as const;
/** One of {@linkcode SELECTION_TYPES}. */
export type SelectionType = typeof SELECTION_TYPES[number];

/** A model's averages. */
export interface ModelAverage {
  /** Its name. */
  model: string;
  /** Mean of the means of the selection types. */
  average: number;
  /** Mean over proteins of the mean over a protein's assays; NaN where there is no assay. */
  byType: Record<SelectionType, number>;
  /** Assays with a value. */
  assays: number;
}

/** Which protein an assay is of, and what it measures. */
interface Assay {
  protein: string;
  type: SelectionType;
}

/**
 * Averages each model's column over the assays of one protein and selection type, then over proteins,
 * then over selection types (ProteinGym `performance_DMS_benchmarks.py`).
 *
 * @param levels one row per assay (column "DMS ID" or "DMS_id"), one column per model
 * @param reference ProteinGym's reference file; not needed where `levels` has "UniProt ID" and
 *   "Selection Type" itself
 * @throws {UserError} naming file and line of what cannot be read
 */
export function aggregate(
  levels: { text: string; source: string },
  reference?: { text: string; source: string },
): ModelAverage[] {
  const { columns, rows } = parseTable(levels.text, levels.source);
  const key = columns.find((name) => name === "DMS ID" || name === "DMS_id");
  if (key === undefined) {
    throw new UserError(
      `Cannot read ${quote(levels.source)} as it must have a column "DMS ID": ` +
        `current value is ${quote(columns.join(", "), 80)}`,
    );
  }
  const known = reference
    ? assaysOf(reference, "DMS_id", "UniProt_ID", "coarse_selection_type")
    : assaysOf(levels, key, "UniProt ID", "Selection Type");
  const numbers = columns.filter((name) =>
    !NO_MODEL.has(name) && rows.some(({ fields }) => isNumber(fields[name]))
  );
  if (rows.length === 0 || numbers.length === 0) {
    throw new UserError(
      `Cannot read ${quote(levels.source)} as it must have assays and a column of numbers: ` +
        `current count is ${rows.length} and ${numbers.length}`,
    );
  }
  return numbers.map((model) => {
    const values = rows.flatMap(({ line, fields }) => {
      const text = fields[model];
      if (text === "") return [];
      if (!isNumber(text)) {
        throw new UserError(
          `Cannot read ${quote(levels.source)} line ${line} as ${
            quote(model)
          } must be a number or empty: current value is ${quote(text)}`,
        );
      }
      const assay = known.get(fields[key]);
      if (assay) return [{ ...assay, value: Number(text) }];
      throw new UserError(
        `Cannot average ${quote(levels.source)} line ${line} as ${
          quote(reference?.source ?? levels.source)
        } must have its assay: current value is ${quote(fields[key])}`,
      );
    });
    return averageOf(model, values);
  });
}

/** Columns of the published table that are no model. */
const NO_MODEL = new Set([
  ...["DMS ID", "DMS_id", "Number of Mutants", "Selection Type", "UniProt ID"],
  ...["MSA_Neff_L_category", "Taxon"],
]);

function averageOf(model: string, values: readonly (Assay & { value: number })[]): ModelAverage {
  const byType = {} as Record<SelectionType, number>;
  for (const type of SELECTION_TYPES) {
    const proteins = Map.groupBy(
      values.filter((each) => each.type === type),
      ({ protein }) => protein,
    );
    byType[type] = mean([...proteins.values()].map((all) => mean(all.map(({ value }) => value))));
  }
  const present = Object.values(byType).filter((value) => !Number.isNaN(value));
  return { model, average: mean(present), byType, assays: values.length };
}

function assaysOf(
  { text, source }: { text: string; source: string },
  id: string,
  protein: string,
  type: string,
): Map<string, Assay> {
  const { rows } = parseTable(text, source, { required: [id, protein, type] });
  return new Map(rows.map(({ line, fields }) => {
    const found = SELECTION_TYPES.find((name) => name === fields[type]);
    if (!found) {
      throw new UserError(
        `Cannot read ${quote(source)} line ${line} as ${quote(type)} must be one of ${
          SELECTION_TYPES.join(", ")
        }: current value is ${quote(fields[type])}`,
      );
    }
    return [fields[id], { protein: fields[protein], type: found }];
  }));
}

const isNumber = (text: string) => text !== "" && Number.isFinite(Number(text));
