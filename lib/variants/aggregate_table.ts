/** The score command's `--aggregate`: the published headline from published tables. */
import type { CommandContext } from "../cli/context.ts";
import { formatTable } from "../cli/table.ts";
import { UserError } from "../errors.ts";
import { readText } from "../io/text.ts";
import { aggregate, type ModelAverage, SELECTION_TYPES } from "./aggregate.ts";

/** Prints one row per model, best first. @throws {UserError} for unreadable tables */
export async function printAggregate(
  o: {
    aggregate?: string;
    reference?: string;
    json: boolean;
    assay?: string;
    mutations?: string;
    sequence?: string;
    fasta?: string;
  },
  ctx: CommandContext,
): Promise<void> {
  for (const name of ["assay", "mutations", "sequence", "fasta"] as const) {
    if (o[name] === undefined) continue;
    throw new UserError(
      `Cannot use --aggregate and --${name} together as nothing is scored with it`,
    );
  }
  const read = async (source: string) => ({ source, text: await readText(source) });
  const levels = await read(o.aggregate!);
  const found = aggregate(levels, o.reference === undefined ? undefined : await read(o.reference));
  const sorted = found.sort((a, b) => b.average - a.average);
  ctx.print(o.json ? JSON.stringify(sorted, null, 2) : averageText(sorted));
}

function averageText(models: readonly ModelAverage[]): string {
  const four = (value: number) => Number.isNaN(value) ? "–" : value.toFixed(4);
  return formatTable(
    [
      { header: "model" },
      { header: "assays" },
      { header: "average", format: four },
      ...SELECTION_TYPES.map((header) => ({ header, format: four })),
    ],
    models.map(({ model, assays, average, byType }) => [
      model,
      assays,
      average,
      ...SELECTION_TYPES.map((type) => byType[type]),
    ]),
  );
}
