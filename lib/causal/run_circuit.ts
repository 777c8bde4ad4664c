/** The circuit command: the latents that carry a mutation's effect, tested by running them alone. */
import type { CommandContext } from "../cli/context.ts";
import { UserError } from "../errors.ts";
import type { MergedRun } from "../run/merge.ts";
import { findCircuit, type Ranking } from "./circuit_record.ts";
import {
  CIRCUIT_FIGURES,
  CIRCUIT_NODES,
  type CircuitResult,
  CIRCUITS,
  curveNotes,
  SHARED_LATENTS,
  sharedLatents,
  sharedText,
} from "./circuit_tables.ts";
import { addsUp, explain } from "./explain.ts";
import {
  explainerOf,
  type ExplainFlags,
  explainSettings,
  mutationsTogether,
  shortNotes,
} from "./run_ig.ts";
import { runSurvey } from "./survey.ts";
import { measuredIn, nodeRows, summariseLayers } from "./tables.ts";

export interface CircuitFlags extends ExplainFlags {
  rank: Ranking;
  share: number;
  draws: number;
}

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runCircuit(
  o: CircuitFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const settings = explainSettings(o);
  if (o.through === "pre-activations") {
    throw new UserError(
      "Cannot use --through pre-activations as circuits are made of latents: --through must be latents",
    );
  }
  const growth = { rank: o.rank, share: o.share, draws: o.draws, seed: o.seed };
  await runSurvey<Pick<CircuitResult, "record">>(o, ctx, {
    name: "circuit",
    settings: { ...settings, ...growth },
    together: (copies) => mutationsTogether(copies, settings),
    async analyse(lens, subjects) {
      const explanations = await explain(explainerOf(lens), subjects, settings);
      const found: Pick<CircuitResult, "record">[] = [];
      for (const [i, one] of explanations.entries()) {
        const { number } = subjects[i].variant;
        found.push({ record: await findCircuit(lens.tail, one, growth, number) });
      }
      return found;
    },
    async finish(results, { results: tables, output, provenance, print }) {
      const { summary, text } = summariseLayers(results, CIRCUIT_FIGURES);
      const shared = sharedLatents(results);
      await tables.write(measuredIn(CIRCUITS, results), results);
      await tables.write(CIRCUIT_NODES, nodeRows(results, ({ record }) => record.explanation));
      await tables.write(SHARED_LATENTS, shared);
      await output.write("circuits.json", circuitsJson(results));
      provenance.summary = summary;
      print(text);
      print(`\n${sharedText(shared)}`);
      const short = results.filter(({ record }) => !addsUp(record.explanation)).length;
      return {
        circuits: results,
        share: o.share,
        notes: [...shortNotes(short, results.length, settings), ...curveNotes(results)],
      };
    },
  }, merged);
}

function circuitsJson(results: readonly CircuitResult[]): string {
  const rows = results.map(({ protein, variant, layer, record }) => ({
    protein: protein.target.id,
    mutation: variant.name,
    layer,
    ...record,
  }));
  return JSON.stringify(rows, null, 1) + "\n";
}
