/** The `fold` command: what of it is its own. */
import { createHash } from "node:crypto";
import { sis1 } from "../../data/sis1.ts";
import type { CommandContext } from "../cli/context.ts";
import { UserError } from "../errors.ts";
import { openAdapter, withAdapter } from "../hub/open_model.ts";
import { resolveFold } from "../hub/resolve.ts";
import { contradict, exampleNote, readProteins } from "../proteins/read.ts";
import { packUnit } from "../run/codec.ts";
import type { MergedRun } from "../run/merge.ts";
import { runAnalysis, type RunFlags } from "../run/run.ts";
import { SaeCoder } from "../sae/coder.ts";
import { checkSaeChoice, openSae } from "../sae/open.ts";
import {
  type ChangeFlags,
  changeText,
  checkChange,
  checkChangeOf,
  isChanged,
  maskedOf,
  visitorOf,
} from "./change.ts";
import { checkFoldsFit, checkTensorsFit, runsOnHost } from "./fits.ts";
import { type FoldChains, foldChains } from "./input.ts";
import { type Job, jobsOf, type Plans } from "./jobs.ts";
import { EsmFold, type FoldOptions, RECYCLES } from "./model.ts";
import { type FoldCheckpoint, openFold } from "./open.ts";
import { checkPdb } from "./pdb.ts";
import { writeFolds } from "./results.ts";
import { checkScan, headsOf, type ScanFlags, scanText } from "./scan.ts";
import { type FoldTruth, readFoldTruth, type TruthFlags } from "./truth.ts";
import { traceOf, unitOf } from "./unit.ts";

export interface FoldFlags extends RunFlags, ChangeFlags, ScanFlags, TruthFlags {
  fasta?: string;
  sequence?: string;
  id?: string;
  /** @default 3, of a scan 0 */
  recycles?: number;
  /** Rows of pairs at a time; `undefined` where memory decides. */
  chunkSize?: number;
  /** Of the autoencoder. */
  layer?: number;
  k?: number;
}

/** Proteins of a run. */
export interface FoldInputs {
  readonly chains: readonly FoldChains[];
  readonly truth?: FoldTruth;
  readonly sha256: string;
  readonly notes: readonly string[];
}

/**
 * Reads what is to be folded: the records of a FASTA file, one of them, one sequence, or the J-domain of Sis1.
 *
 * @throws {UserError} for contradictions and for anything wrong in the file
 */
export async function readFolds(flags: FoldFlags): Promise<FoldInputs> {
  checkScan(flags);
  checkChange(flags);
  if (flags.scan !== undefined && isChanged(flags)) {
    contradict("--scan", "--mask, --ablate-heads, --steer or --adapter");
  }
  if (flags.sae !== undefined) {
    await checkSaeChoice(flags.sae, [flags.layer], "--layer", flags.model);
  }
  const notes: string[] = [];
  let inputs = await readProteins(flags, notes);
  if (!inputs) {
    if (flags.id !== undefined) {
      throw new UserError("Cannot use --id as --fasta or --sequence must be given with it");
    }
    notes.push(exampleNote(sis1));
    inputs = [{ id: sis1.id, residues: sis1.residues }];
  }
  const sha256 = createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
  const chains = inputs.map(foldChains);
  // What cannot be written is not worth folding.
  chains.forEach(checkPdb);
  const truth = await readFoldTruth(flags, chains, notes);
  return { chains, sha256, notes, ...(truth && { truth }) };
}

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runFold(
  o: FoldFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const recycles = o.recycles ?? (o.scan ? 0 : RECYCLES);
  let opened: FoldCheckpoint | undefined;
  await runAnalysis<FoldInputs>(o, ctx, {
    command: "fold",
    async openModel() {
      const adapter = o.adapter === undefined ? undefined : await openAdapter(o.adapter);
      const fold = opened = await openNamed(o.model, ctx);
      const model = {
        ...{ name: fold.name, checkpoint: fold.esm, embedded: false },
        [Symbol.dispose]: () => fold[Symbol.dispose](),
      };
      return adapter ? withAdapter(model, adapter, ctx) : model;
    },
    read: () => readFolds(o),
    async plan(inputs, model) {
      const { config } = model.checkpoint, { chains: proteins, truth } = inputs;
      const sae = o.steer &&
        await openSae(o.sae, { ...ctx, layer: o.layer, layerOption: "--layer", k: o.k }, model);
      checkChangeOf(o, config, proteins, sae?.sae.config.latents);
      const needs = {
        ...{ config: opened!.config, esm: config, lowMemory: o.lowMemory, rows: o.chunkSize },
      };
      // What is merged has been folded.
      if (!merged && await runsOnHost(o.backend)) checkFoldsFit(needs, proteins);
      const scan = o.scan && headsOf(o, config);
      const plans: Plans = {
        ...{ proteins, truth, heads: scan?.chosen ?? [] },
        ...(isChanged(o) && { changed: changeText(o, model.adapter?.adapter.name) }),
      };
      const jobs = jobsOf(plans);
      return {
        notes: [
          ...opened!.notes,
          ...sae?.notes ?? [],
          ...(scan ? [scanText(scan.chosen.length, scan.all, proteins.length, recycles)] : []),
        ],
        settings: {
          ...{ recycles, proteins: inputs.sha256, truth: truth?.sha256, fold: opened!.config },
          ...{ mask: o.mask, ablateHeads: o.ablateHeads, steer: o.steer, scan: scan?.chosen },
          ...(sae && { sae: { sha256: sae.sha256, config: sae.sae.config } }),
        },
        label: "folding",
        unit: "blocks",
        async open({ esm, stack, openBase }) {
          checkTensorsFit(needs, proteins, esm.backend);
          const { backend } = esm, { lowMemory } = o, plain = await openBase() ?? esm;
          const folding = stack.use(await EsmFold.open(opened!, backend, { lowMemory }, plain));
          const coder = sae && stack.use(await SaeCoder.open(sae.sae, backend));
          /** What a fold is asked for beyond the plain one. */
          const changeOf = (job: Job, chains: FoldChains): FoldOptions => {
            if (job.kind === "plain") return {};
            if (job.kind === "head") {
              return { visitor: visitorOf({ ablateHeads: [job.head] }, chains, backend) };
            }
            return {
              ...{ language: esm, masked: maskedOf(o.mask ?? [], chains) },
              visitor: visitorOf(o, chains, backend, coder),
            };
          };
          const blocks = (recycles + 1) * opened!.config.blocks;
          return {
            record: plans.changed === undefined ? {} : { change: plans.changed },
            pieces: jobs.map((_, unit) => [unit]),
            weightOf: () => blocks,
            async compute([unit], put, tick) {
              const job = jobs[unit], chains = proteins[job.protein], begin = performance.now();
              const fold = await folding.fold(chains, {
                ...{ recycles, rows: o.chunkSize, signal: ctx.signal },
                ...{ onBlock: tick, ...changeOf(job, chains) },
              });
              const own = unitOf(fold, (performance.now() - begin) / 1000);
              put(unit, packUnit(job.kind === "head" ? traceOf(chains, own) : own));
            },
          };
        },
        finish: (finished) =>
          writeFolds(plans, {
            ...{ report: o.report, mask: o.mask, options: optionsText(o, recycles, plans) },
          }, finished),
      };
    },
  }, merged);
}

/** Options that decide the numbers, in words. */
const optionsText = (o: FoldFlags, recycles: number, { changed, heads }: Plans): string =>
  [
    `recycles ${recycles}`,
    changed,
    heads.length > 0 && `scan of ${heads.length} heads`,
    o.lowMemory && "low memory",
  ].filter(Boolean).join(", ");

/** Opens what `--model` names. @throws {UserError} without one: no trained trunk comes with the project */
async function openNamed(
  model: string | undefined,
  ctx: CommandContext,
): Promise<FoldCheckpoint> {
  if (model !== undefined) return await openFold(await resolveFold(model, ctx));
  throw new UserError(
    "Cannot fold as --model must be ESMFold's folder or file, since no trained trunk comes with the project: " +
      "current value is none (deno task fetch esmfold_v1 downloads one, 8.4 GB)",
  );
}
