/** The score command's `--aggregate`: the published headline from published tables. */
import type { CommandContext } from "../cli/context.ts";
import { fixed } from "../cli/figures.ts";
import { tableText } from "../cli/table.ts";
import { UserError } from "../errors.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { readText } from "../io/text.ts";
import { tableJson } from "../run/results.ts";
import { VERSION } from "../version.ts";
import { aggregate, type ModelAverage, SELECTION_TYPES } from "./aggregate.ts";

const { text, integer, number } = columnsOf<ModelAverage>();
const four = { show: (value: number) => fixed(value, 4) };

export const AVERAGES: TableOf<ModelAverage> = {
  name: "averages",
  rows: "one row per model, the best first",
  when: "with --aggregate",
  isPrinted: true,
  columns: [
    text("model", "its column in the table", "model"),
    integer("assays", "how many have a value", "assays"),
    number("average", "mean of the selection types", "average", four),
    ...SELECTION_TYPES.map((type) =>
      number(
        type,
        "mean over proteins of the mean over a protein's assays of this selection type",
        ({ byType }) => byType[type],
        four,
      )
    ),
  ],
};

/** Prints one row per model, best first. @throws {UserError} for unreadable tables */
export async function printAggregate(
  o: { aggregate?: string; reference?: string; json: boolean },
  ctx: CommandContext,
): Promise<void> {
  for (const name of ["assay", "table", "mutations", "sequence", "fasta"]) {
    const value = (o as unknown as Record<string, unknown>)[name];
    if (value === undefined || Array.isArray(value) && value.length === 0) continue;
    throw new UserError(
      `Cannot use --aggregate and --${name} together as nothing is scored with it`,
    );
  }
  const read = async (source: string) => ({ source, text: await readText(source) });
  const levels = await read(o.aggregate!);
  const found = aggregate(levels, o.reference === undefined ? undefined : await read(o.reference));
  const sorted = found.sort((a, b) => b.average - a.average);
  ctx.print(
    o.json
      ? tableJson({ esmscope: VERSION, command: "score", options: o }, AVERAGES, sorted)
      : tableText(AVERAGES, AVERAGES.columns.map(({ name }) => name), sorted),
  );
}
