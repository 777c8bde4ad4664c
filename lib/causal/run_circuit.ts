/** The circuit command: the latents that carry a mutation's effect, tested by running them alone. */
import type { CommandContext } from "../cli/context.ts";
import { findCircuit, packCircuit, type Ranking, unpackCircuit } from "./circuit_record.ts";
import {
  circuitNodesCsv,
  type CircuitResult,
  circuitsCsv,
  circuitSummaryText,
  curveNotes,
  sharedCsv,
  sharedLatents,
  sharedText,
  summariseCircuits,
} from "./circuit_tables.ts";
import { type MergedSurvey, runSurvey } from "./command.ts";
import { addsUp, explain } from "./explain.ts";
import { causalReport } from "./report.ts";
import {
  type ExplainFlags,
  explainSettings,
  mutationsTogether,
  openExplainers,
  shortNote,
} from "./run_ig.ts";
import { UserError } from "../errors.ts";

export interface CircuitFlags extends ExplainFlags {
  rank: Ranking;
  share: number;
  draws: number;
}

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runCircuit(
  o: CircuitFlags,
  ctx: CommandContext,
  merged?: MergedSurvey,
): Promise<void> {
  const settings = explainSettings(o);
  if (o.through === "pre-activations") {
    throw new UserError(
      "Cannot use --through pre-activations as circuits are made of latents: --through must be latents",
    );
  }
  const growth = { rank: o.rank, share: o.share, draws: o.draws, seed: o.seed };
  await runSurvey(o, ctx, {
    name: "circuit",
    settings: { ...settings, ...growth },
    prepare(session, _, stack) {
      const explainers = openExplainers(session, o, ctx.signal, stack);
      return {
        together: (copies) => mutationsTogether(copies, settings),
        async analyse({ space }, subjects) {
          const explainer = explainers.get(space)!;
          const explanations = await explain(explainer, subjects, settings);
          const records: Float64Array[] = [];
          for (const [i, one] of explanations.entries()) {
            const { number } = subjects[i].variant;
            records.push(packCircuit(await findCircuit(explainer.tail, one, growth, number)));
          }
          return records;
        },
      };
    },
    async finish(finished) {
      const { session: { lenses }, inputs: { proteins }, values, output, provenance } = finished;
      const { print } = finished;
      const results = proteins.flatMap((protein, p) =>
        lenses.flatMap(({ space }, l) =>
          protein.variants.map((variant, v): CircuitResult => ({
            protein,
            variant,
            layer: space.sae.config.depth,
            record: unpackCircuit(values[p][l][v]),
          }))
        )
      );
      const summary = summariseCircuits(results), shared = sharedLatents(results);
      await output.write("circuits.csv", circuitsCsv(results));
      await output.write("circuit_nodes.csv", circuitNodesCsv(results));
      await output.write("shared_latents.csv", sharedCsv(shared));
      await output.write("circuits.json", circuitsJson(results));
      const short = results.filter(({ record }) => !addsUp(record.explanation)).length;
      const notes = [
        ...(short > 0 ? [shortNote(short, results.length, settings)] : []),
        ...curveNotes(results),
      ];
      for (const note of notes) ctx.note(note);
      const report = causalReport(o, finished, { circuits: results, share: o.share, notes });
      await output.write("report.html", report);
      if (o.json) return print(JSON.stringify({ provenance, summary, shared }, null, 2));
      print(circuitSummaryText(summary));
      print(`\n${sharedText(shared)}`);
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
