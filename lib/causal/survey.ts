/** One analysis over many variants under one or several autoencoders, from its options to its files. */
import type { CommandContext } from "../cli/context.ts";
import { MASK } from "../esm2/alphabet.ts";
import { defaultTokenBudget, type Esm2, requireF32, tokenize } from "../esm2/mod.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import type { MergedRun } from "../run/merge.ts";
import { type Finished, runAnalysis, type Work } from "../run/run.ts";
import { type Lens as Opened, type SaeFlags, withSaes } from "../sae/session.ts";
import type { SaeConfig } from "../sae/types.ts";
import { mutate } from "../variants/resolve.ts";
import { captureSequences } from "./capture.ts";
import { LatentSpace } from "./latent_space.ts";
import { type Metric, type MetricKind, metricOf } from "./metric.ts";
import { type Places, tokensOf } from "./places.ts";
import { type CausalResults, writeReport } from "./report.ts";
import { Tail } from "./tail.ts";
import type { Capture, RunKind } from "./types.ts";
import {
  type CausalInputs,
  type CausalProtein,
  type CausalVariant,
  readVariants,
  type VariantFlags,
} from "./variants.ts";

/** Values of the options that every command on variants has. */
export interface SurveyFlags extends SaeFlags, VariantFlags {
  layers?: number[];
  metric: MetricKind;
  run: RunKind;
  at: Places;
  tokenBudget?: number;
}

/** An autoencoder with its latents as directions, and the blocks after it. */
export interface Lens extends Opened {
  readonly space: LatentSpace;
  readonly tail: Tail;
}

export interface SurveySession {
  esm: Esm2;
  /** Ascending by depth. */
  lenses: readonly Lens[];
}

/** A variant where an autoencoder reads it. */
export interface Subject {
  readonly protein: CausalProtein;
  readonly variant: CausalVariant;
  readonly wild: Capture;
  readonly mutant: Capture;
  /** The run that edits start from, and whose latents they may take. */
  readonly base: Capture;
  readonly donor: Capture;
  /** Tokens that edits may touch. */
  readonly tokens: readonly number[];
  readonly metric: Metric;
}

/** Which variant at which layer a result is of. */
export interface Explained {
  protein: CausalProtein;
  variant: CausalVariant;
  /** Blocks that have run where the autoencoder reads. */
  layer: number;
}

/** What a command does itself. @typeParam R what it finds of a variant under an autoencoder */
export interface SurveyCommand<R extends object> {
  name: "patch" | "ig" | "circuit";
  /** Options that change the numbers, besides those that every command has. */
  settings: unknown;
  /** Reads the variants in a way of its own. */
  read?(): Promise<CausalInputs>;
  /** Refuses an autoencoder that it cannot use. */
  check?(config: SaeConfig): void;
  /** How many variants are analysed together, given how many copies of the protein a batch holds. */
  together(copies: number): number;
  /**
   * Results of some variants under one autoencoder, in order.
   *
   * @param wild the protein without a mutation
   */
  analyse(
    lens: Lens,
    subjects: readonly Subject[],
    wild: Capture,
    session: SurveySession,
  ): Promise<R[]>;
  /** Writes the tables; gives what the report shows of them. */
  finish(results: readonly (R & Explained)[], finished: Finished): Promise<CausalResults>;
}

/** Runs a survey, a shard of it, or writes what shards have found. */
export async function runSurvey<R extends object>(
  o: SurveyFlags,
  ctx: CommandContext,
  command: SurveyCommand<R>,
  merged?: MergedRun,
): Promise<void> {
  const asked = { layers: o.layers ?? [undefined], layerOption: "--layers" } as const;
  requireF32(o.precision, "patch states or differentiate");
  const { run, metric, at, seed, tokenBudget } = o;
  const analysis = withSaes<CausalInputs>(o, asked, ctx, {
    command: `sae ${command.name}`,
    async read() {
      const inputs = await (command.read?.() ?? readVariants(o));
      // Residues that do not exist are said before a model is opened.
      for (const { target, variants } of inputs.proteins) {
        tokensOf(at, target, variants[0].substitutions);
      }
      return inputs;
    },
    plan: ({ proteins, shapes, notes }, saes) => {
      const configs = saes.map(({ sae: { config } }) => config);
      for (const config of configs) command.check?.(config);
      return {
        settings: {
          settings: command.settings,
          ...{ run, metric, at, seed, tokenBudget, proteins },
        },
        label: proteins.length === 1 ? proteins[0].target.id : `${proteins.length} proteins`,
        unit: saes.length === 1 ? "mutations" : "mutations at layers",
        open({ esm, stack }, opened) {
          const { signal } = ctx;
          const lenses = opened.map((lens) => {
            const space = new LatentSpace(lens.sae.sae);
            return {
              ...lens,
              space,
              tail: stack.use(new Tail(esm, space, { tokenBudget, signal })),
            };
          });
          return {
            record: {
              notes,
              proteins: proteins.map(({ target, variants }) => ({
                ...target,
                mutations: variants.length,
              })),
            },
            ...surveyWork(o, signal, { esm, lenses }, proteins, command),
          };
        },
        async finish(finished) {
          const results = unitsOf(proteins, configs.length).map((
            { protein, variant, lens, unit },
          ) => ({
            ...{ protein, variant, layer: configs[lens].depth },
            ...unpackUnit<R>(finished.read(unit)),
          }));
          const shown = await command.finish(results, finished);
          for (const note of shown.notes ?? []) ctx.note(note);
          if (o.report) await writeReport(o, { configs, proteins, shapes, shown }, finished);
        },
      };
    },
  });
  await runAnalysis(o, ctx, analysis, merged);
}

/** Every variant under every autoencoder, in the order of the results: protein, layer, variant. */
function unitsOf(proteins: readonly CausalProtein[], lenses: number) {
  let before = 0;
  return proteins.flatMap((protein) => {
    const { variants } = protein, first = before;
    before += variants.length;
    return Array.from({ length: lenses }, (_, lens) =>
      variants.map((variant, v) => {
        return { protein, variant, lens, unit: (first + v) * lenses + lens };
      })).flat();
  });
}

/** Variants of a protein that run together under one autoencoder. */
export interface Piece {
  protein: number;
  lens: number;
  /** Those of one group share this object, whatever the autoencoder. */
  variants: readonly number[];
  units: readonly number[];
}

/**
 * The pieces of all proteins: of each group of variants one per autoencoder.
 *
 * Which comes first changes from group to group, so that shards, to which pieces are dealt in turn, have
 * layers of every depth: these differ in cost.
 *
 * @param proteins how many variants each has, and how many of them run together
 */
export function cutPieces(
  proteins: readonly { variants: number; together: number }[],
  lenses: number,
): Piece[] {
  let before = 0, turn = 0;
  return proteins.flatMap(({ variants: count, together }, protein) => {
    const first = before;
    before += count;
    return Array.from({ length: Math.ceil(count / together) }, (_, group) => {
      const begin = group * together, size = Math.min(together, count - begin);
      const variants = Array.from({ length: size }, (_, i) => begin + i);
      const shift = turn++;
      return Array.from({ length: lenses }, (_, l): Piece => {
        const lens = (l + shift) % lenses;
        const units = variants.map((v) => (first + v) * lenses + lens);
        return { protein, lens, variants, units };
      });
    }).flat();
  });
}

/**
 * The work, group by group.
 *
 * Groups are the same whatever is computed already and by whom, since an arithmetic library may round a
 * row differently in a batch of another size: shards, and runs that were interrupted, give the very
 * numbers of a run in one piece.
 */
function surveyWork<R extends object>(
  o: SurveyFlags,
  signal: AbortSignal,
  session: SurveySession,
  proteins: readonly CausalProtein[],
  command: SurveyCommand<R>,
): Work {
  const { esm, lenses } = session;
  const tokenBudget = o.tokenBudget ?? defaultTokenBudget(esm.backend);
  const tokensOfTarget = ({ target }: CausalProtein) => tokenize(target, { maxLength: Infinity });
  const sizes = proteins.map((protein) => {
    const copies = Math.max(1, Math.floor(tokenBudget / tokensOfTarget(protein).length));
    return { variants: protein.variants.length, together: command.together(copies) };
  });
  const pieces = cutPieces(sizes, lenses.length);
  const pieceOf = new Map(pieces.map((piece) => [piece.units, piece]));
  const coders = lenses.map(({ coder }) => coder);
  const capture = (rows: readonly Int32Array[]) =>
    captureSequences(esm, coders, rows, { tokenBudget, signal });
  // By autoencoder, of the protein and of the group in hand: the next piece is likely of the same.
  let wild: { of: number; captures: Capture[] } | undefined;
  let some: { of: Piece["variants"]; captures: Capture[][] } | undefined;
  return {
    pieces: pieces.map(({ units }) => units),
    weightOf: ({ length }) => length,
    async compute(units, put) {
      const { protein: p, lens: l, variants: group } = pieceOf.get(units)!;
      const protein = proteins[p], variants = group.map((v) => protein.variants[v]);
      if (wild?.of !== p) {
        const captures = (await capture([tokensOfTarget(protein)])).map(([one]) => one);
        wild = { of: p, captures };
      }
      if (some?.of !== group) {
        const rows = variants.flatMap((variant) => rowsOf(protein, variant, o));
        some = { of: group, captures: await capture(rows) };
      }
      const own = some.captures[l], per = own.length / group.length;
      const base = wild.captures[l];
      const subjects = variants.map((variant, i) =>
        subjectOf(o, protein, variant, base, own.slice(i * per))
      );
      const found = await command.analyse(lenses[l], subjects, base, session);
      units.forEach((unit, i) => put(unit, packUnit(found[i])));
    },
  };
}

type Question = Pick<SurveyFlags, "run" | "metric" | "at">;

/** Sequences that a variant needs beside the wild type: its own, and the masked one. */
function rowsOf(
  { target }: CausalProtein,
  { name, substitutions }: CausalVariant,
  { run }: Question,
): Int32Array[] {
  const row = (residues: string) => tokenize({ id: name, residues }, { maxLength: Infinity });
  const mutant = row(mutate(target, { substitutions }));
  if (run !== "masked") return [mutant];
  const masked = row(target.residues);
  for (const { position } of substitutions) masked[position] = MASK;
  return [mutant, masked];
}

function subjectOf(
  { run, metric, at }: Question,
  protein: CausalProtein,
  variant: CausalVariant,
  wild: Capture,
  [mutant, masked]: Capture[],
): Subject {
  return {
    protein,
    variant,
    wild,
    mutant,
    base: run === "wild-type" ? wild : run === "mutant" ? mutant : masked,
    donor: run === "mutant" ? wild : mutant,
    tokens: tokensOf(at, protein.target, variant.substitutions),
    metric: metricOf(variant.substitutions, metric),
  };
}
