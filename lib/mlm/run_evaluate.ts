/** How well a model says hidden residues of any proteins. */
import type { CommandContext } from "../cli/context.ts";
import { UserError } from "../errors.ts";
import { tableText } from "../cli/table.ts";
import { fidelityPanel } from "../../data/fidelity_panel.ts";
import { defaultTokenBudget, displayLetters, type Sequence, tokenize } from "../esm2/mod.ts";
import { groupWork } from "../run/group_work.ts";
import { BATCHES_PER_GROUP } from "../proteins/groups.ts";
import { openListed, openProteins, type ProteinFlags, type Proteins } from "../proteins/read.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import type { MergedRun } from "../run/merge.ts";
import { runAnalysis, type RunFlags } from "../run/run.ts";
import { Baselines } from "./baselines.ts";
import { corrupt, type Corruption, IGNORED } from "./corrupt.ts";
import {
  evaluateProteins,
  LOSS_SUMS,
  type LossSum,
  meansOf,
  SCORED_LETTERS,
  sumsOf,
} from "./evaluate.ts";
import { bestBaseline } from "./report/finding.ts";
import { MOST_LISTED, renderEvaluation } from "./report/report.ts";
import { ALL, LETTERS, type LossRow, PROTEINS } from "./tables.ts";

export interface EvaluateFlags extends RunFlags, ProteinFlags {
  corruption: Corruption;
  exact: boolean;
  seed: number;
  tokenBudget?: number;
}

type Inputs = Proteins & { baselines: Baselines };
type Numbered = Sequence & { number: number };

/** Runs the evaluation. @param merged shards whose results to write instead of computing any */
export async function runEvaluate(
  o: EvaluateFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const { corruption, exact, seed, tokenBudget } = o, { signal } = ctx;
  await runAnalysis<Inputs>(o, ctx, {
    command: "mlm",
    read: () => openInputs(o),
    plan: (inputs) => ({
      notes: [],
      settings: { corruption, exact, seed, tokenBudget, proteins: inputs.sha256 },
      prepack: { tokens: inputs.residues * (exact ? inputs.residues / inputs.count : 1) },
      label: inputs.count === 1 ? "evaluating" : `evaluating ${inputs.count} proteins`,
      unit: "residues",
      async open({ esm, stack }) {
        const budget = tokenBudget ?? defaultTokenBudget(esm.backend, { inParts: true });
        const groups = {
          proteins: () => numbered(inputs),
          most: exact ? budget : BATCHES_PER_GROUP * budget,
        };
        return await groupWork<Numbered>(groups, stack, async (found, put, tick) => {
          for await (const { members, residues, tokens } of found) {
            const asked = members.map(({ protein, ids }) => ({
              ...{ ids, number: protein.number, residues: displayLetters(protein.residues) },
            }));
            const passes = exact
              ? members.reduce((sum, { ids }) => sum + (ids.length - 2) * ids.length, 0)
              : tokens;
            const sums = await evaluateProteins(
              esm,
              asked,
              { corruption, exact, seed },
              inputs.baselines,
              {
                ...{ tokenBudget, signal },
                onProgress: (done) => tick(Math.floor(residues * done / passes)),
              },
            );
            put(0, packUnit(Float64Array.from(sums.flatMap((own) => [...own]))));
          }
        });
      },
      async finish({ read, output, results, provenance, notes, print }) {
        const width = (SCORED_LETTERS.length + 1) * LOSS_SUMS.length;
        const total = new Float64Array(width);
        let group = 0, at = 0, unit = new Float64Array();
        const gains: Record<LossSum, number>[] = [], drawn: LossRow[] = [];
        {
          await using sink = results.open(PROTEINS);
          for await (const { id, residues } of inputs.read()) {
            signal.throwIfAborted();
            if (at === unit.length) {
              [unit, at] = [unpackUnit<Float64Array<ArrayBuffer>>(read(group++)), 0];
            }
            const own = unit.subarray(at, at += width);
            own.forEach((value, i) => total[i] += value);
            const row = { name: id, residues: displayLetters(residues).length, ...sumsOf(own) };
            await sink.add(row);
            gains.push(meansOf(row));
            if (drawn.length < MOST_LISTED) drawn.push(row);
          }
          await sink.close();
        }
        const rows = [...SCORED_LETTERS, "other"].map((name, letter): LossRow => ({
          ...{ name, residues: NaN },
          ...sumsOf(total, letter),
        })).filter(({ asked }) => asked > 0);
        const all = { name: "", residues: inputs.residues, ...sumsOf(total) };
        await results.write(LETTERS, rows);
        provenance.summary = meansOf(all);
        print(
          `${inputs.count} protein${inputs.count === 1 ? "" : "s"}, ${inputs.residues} residues, ` +
            `${all.asked} of them hidden${
              exact ? ", each in a copy of its own" : ""
            }; perplexities:\n`,
        );
        print(tableText(ALL, ALL.columns.map(({ name }) => name), [all]));
        print("");
        print(tableText(LETTERS, LETTERS.columns.map(({ name }) => name), rows));
        if (!o.report) return;
        const best = bestBaseline(meansOf(all)).name;
        const run = {
          record: provenance,
          input: inputs.count === 1 ? drawn[0].name : `${inputs.count} proteins`,
          options: optionsText(o),
          files: output.files(),
        };
        await output.write(
          "report.html",
          renderEvaluation({
            ...{ notes, all, letters: rows, proteins: drawn, run },
            gains: gains.map((means) => means[best] - means.loss),
          }),
        );
      },
    }),
  }, merged);
}

/** Options that decide the numbers, in words. */
function optionsText(
  { corruption: { share, masked, replaced }, exact, seed }: EvaluateFlags,
): string {
  if (exact) return "each residue hidden in a copy of its own";
  return `share ${String(share)}, masked ${masked}, replaced ${replaced}, seed ${seed}`;
}

async function* numbered(inputs: Proteins): AsyncGenerator<Numbered> {
  let number = 0;
  for await (const protein of inputs.read()) yield { ...protein, number: number++ };
}

async function openInputs(o: EvaluateFlags): Promise<Inputs> {
  // Whatever the length: what does not fit memory fails on its own.
  const streamed = { ...o, maxLength: Infinity };
  const isNamed = o.fasta !== undefined || o.sequence !== undefined || o.id !== undefined;
  const proteins = isNamed
    ? await openProteins(streamed)
    : await openListed(fidelityPanel, streamed, [
      `No sequences were given: these are ${fidelityPanel.length} proteins that come with the project.`,
    ]);
  const baselines = new Baselines();
  let number = 0, isAnyHidden = o.exact;
  for await (const protein of proteins.read()) {
    baselines.add(displayLetters(protein.residues));
    const drawn = { seed: o.seed, sequence: number++, draw: 0 };
    isAnyHidden ||= corrupt(tokenize(protein, { maxLength: Infinity }), o.corruption, drawn).labels
      .some((label) => label !== IGNORED);
  }
  if (!isAnyHidden) {
    throw new UserError(
      `Cannot evaluate as at least one of ${proteins.residues} residues must be hidden: current count is 0 ` +
        "(--exact hides each in turn)",
    );
  }
  return { ...proteins, baselines };
}
