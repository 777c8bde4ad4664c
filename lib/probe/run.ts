/** The `probe` command: what of it is its own. */
import { createHash } from "node:crypto";
import { type BackendChoice, openBackend } from "../backend/mod.ts";
import type { Backend } from "../backend/types.ts";
import { randomCheckpoint } from "../checkpoint/random.ts";
import type { CommandContext } from "../cli/context.ts";
import type { LongChoice } from "../embed/embed.ts";
import { depthNote, type PlaceList, resolvePlaces } from "../embed/places.ts";
import type { TokenPool } from "../embed/pool.ts";
import { UserError } from "../errors.ts";
import { Esm2, type StreamPlace } from "../esm2/mod.ts";
import type { OpenedModel } from "../hub/open_model.ts";
import { MOST_DRAWN } from "../report/page.ts";
import type { MergedRun } from "../run/merge.ts";
import { type Finished, type OpenedRun, type Plan, runAnalysis } from "../run/run.ts";
import type { OpenedSae } from "../sae/open.ts";
import { type Lens, type SaeFlags, withSaes } from "../sae/session.ts";
import type { SaeConfig } from "../sae/types.ts";
import { VERSION } from "../version.ts";
import { classScores } from "../stats/confusion.ts";
import { applyHead } from "./apply.ts";
import { cardOf } from "./card.ts";
import { calledOf, confusionOfTest, difference, evaluate, type Truth } from "./evaluate.ts";
import { type ExtractPlan, extractWork, modelFeatures, sourcesOf } from "./extract.ts";
import {
  FEATURE_KINDS,
  type FeatureKind,
  type Features,
  isOfModel,
  plainFeatures,
} from "./features.ts";
import { type FittedProbe, Trainer } from "./fit.ts";
import { type HeadFile, writeHead } from "./head_file.ts";
import type { Baseline } from "./options.ts";
import { Products } from "./products.ts";
import { permutation, STREAMS } from "./random.ts";
import { type LabelFlags, readProblem } from "./read_labels.ts";
import { answerOf } from "./report/finding.ts";
import { renderProbeReport } from "./report/report.ts";
import { labelsOf, type Selection, selectRows } from "./selection.ts";
import { splitProblem, type SPLITS } from "./split.ts";
import * as tables from "./tables.ts";
import { SETS, type SplitProblem } from "./types.ts";

/** The values of the command's options. */
export interface ProbeFlags extends Omit<SaeFlags, "layers">, LabelFlags {
  split?: typeof SPLITS[number];
  identity: number;
  test: number;
  validation: number;
  tokenBudget?: number;
  on: "layers" | "sae";
  layers: PlaceList;
  layer?: number;
  pool: readonly TokenPool[];
  long: LongChoice;
  window: number;
  maxResidues: number;
  classWeights: "none" | "balanced";
  penalties?: readonly number[];
  baselines: readonly Baseline[];
  bootstrap: number;
  seed: number;
  apply?: string;
}

interface Inputs {
  notes: readonly string[];
  problem: SplitProblem;
}

/** Features that take more disk than this are spoken of. */
const MUCH_DISK = 2e9;

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runProbe(
  o: ProbeFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  if (o.apply !== undefined) return await applyHead(o, o.apply, ctx, merged);
  const read = () => readInputs(o, ctx);
  if (o.on === "layers") {
    return await runAnalysis<Inputs>(o, ctx, {
      command: "probe",
      read,
      plan: (inputs, model) => planOf(o, ctx, inputs, model),
    }, merged);
  }
  // What `withSaes` plans does not know the model, which is opened before.
  let model: OpenedModel;
  const asked = { layers: [o.layer], layerOption: "--layer" } as const;
  const analysis = withSaes<Inputs>(o, asked, ctx, {
    command: "probe",
    read,
    plan(inputs, [sae]) {
      const { open, notes, ...plan } = planOf(o, ctx, inputs, model, sae);
      notes.forEach(ctx.note);
      return { ...plan, open: (opened, [lens]) => open(opened, lens) };
    },
  });
  await runAnalysis<Inputs>(o, ctx, {
    ...analysis,
    plan: (inputs, opened) => analysis.plan(inputs, model = opened),
  }, merged);
}

async function readInputs(o: ProbeFlags, ctx: CommandContext): Promise<Inputs> {
  const notes: string[] = [], problem = await readProblem(o, notes);
  const total = problem.proteins.length;
  const progress = ctx.progress({ label: "comparing sequences", unit: "proteins", total });
  try {
    const watch = {
      signal: ctx.signal,
      onProgress: (done: number) => progress.update(done, total),
    };
    return { notes, problem: await splitProblem(problem, o, notes, watch) };
  } finally {
    progress.finish();
  }
}

interface ProbePlan extends Omit<Plan, "open"> {
  open(
    opened: OpenedRun,
    lens?: Lens,
  ): Awaited<ReturnType<Plan["open"]>> | ReturnType<Plan["open"]>;
}

function planOf(
  o: ProbeFlags,
  ctx: CommandContext,
  { problem }: Inputs,
  { checkpoint, name }: OpenedModel,
  sae?: OpenedSae,
): ProbePlan {
  const { config } = checkpoint, { proteins, sets, per } = problem;
  const places = resolvePlaces(o.layers, config.layers);
  const lengthOf = (p: number) =>
    o.long === "truncate"
      ? Math.min(o.window, proteins[p].residues.length)
      : proteins[p].residues.length;
  const selection = selectRows(problem, o.maxResidues, o.seed, lengthOf);
  checkSelection(selection);
  const plan: ExtractPlan = {
    ...{ places, pools: o.pool, per, long: o.long, window: o.window },
    ...{ tokenBudget: o.tokenBudget, random: o.baselines.includes("random") },
    ...(sae && { sae: sae.sae.config }),
  };
  const rows = SETS.reduce((sum, set) => sum + selection.counts[set], 0);
  const bytes = sourcesOf(plan, config.dModel).reduce(
    (sum, { width, pools }) => sum + 4 * width * rows * Math.max(1, pools.length),
    0,
  );
  const hash = createHash("sha256");
  proteins.forEach(({ id, residues, labels }, p) =>
    hash.update(`${id}\n${residues}\n${sets[p]}\n`).update(labels)
  );
  return {
    notes: [
      ...(o.layers.includes("all") ? [] : depthNote(o.layers, config.layers)),
      `${countText(problem, selection)}; ${problem.split} split.`,
      ...(bytes > MUCH_DISK
        ? [
          `Features take ${
            (bytes / 1e9).toFixed(1)
          } GB beside the results until the end; --layers` +
          `${per === "residue" ? ", --max-residues" : ""} or --baselines without random need less.`,
        ]
        : []),
    ],
    settings: {
      ...{ places, pools: o.pool, long: o.long, tokenBudget: o.tokenBudget, random: plan.random },
      window: o.long === "full" ? undefined : o.window,
      ...{ per, classes: problem.classes, seed: o.seed, sample: o.maxResidues },
      ...{ classWeights: o.classWeights, penalties: o.penalties, bootstrap: o.bootstrap },
      ...{ baselines: o.baselines, problem: hash.digest("hex") },
    },
    label: `reading ${proteins.length} proteins`,
    unit: "residues",
    async open({ esm, stack }, lens) {
      let random;
      if (plan.random) {
        const weights = stack.use(randomCheckpoint(`random ${name}`, config, o.seed));
        random = stack.use(
          await Esm2.open(weights, esm.backend, {
            ...{ lowMemory: o.lowMemory, precision: esm.precision },
          }),
        );
      }
      const models = { esm, random, coder: lens?.coder };
      return extractWork(proteins, selection.rows, plan, models, ctx.signal);
    },
    finish: (finished) =>
      writeResults(o, ctx, { problem, selection, plan, dModel: config.dModel, sae }, finished),
  };
}

function checkSelection({ counts }: Selection): void {
  const empty = SETS.find((set) => counts[set] === 0);
  if (empty === undefined) return;
  throw new UserError(
    `Cannot train a probe as the ${empty} set must have a residue with a label: current count is 0`,
  );
}

/** How many rows there are, in words. */
function countText({ per, kind, classes }: SplitProblem, { counts, proteins }: Selection): string {
  const of = (set: typeof SETS[number]) =>
    per === "protein"
      ? String(counts[set])
      : `${counts[set]} residues of ${proteins[set].length} proteins`;
  return `${kind === "classes" ? `${classes.length} classes` : "Numbers"}: ${
    of("train")
  } to learn ` +
    `from, ${of("validation")} to choose by, ${of("test")} to test with`;
}

interface Whole {
  problem: SplitProblem;
  selection: Selection;
  plan: ExtractPlan;
  dModel: number;
  sae?: OpenedSae;
}

/** A probe that the validation set prefers, whole. */
interface Chosen {
  features: Features;
  probe: FittedProbe;
  row: tables.ProbeRow;
}

/** Every probe in turn; only the best of each kind is kept. */
async function trainAll(
  o: ProbeFlags,
  ctx: CommandContext,
  { problem, selection, plan, dModel }: Whole,
  backend: Backend,
  read: Finished["read"],
): Promise<{ rows: tables.ProbeRow[]; best: Map<FeatureKind, Chosen>; truth: Truth }> {
  await using products = new Products(backend);
  const { signal } = ctx;
  const trainer = new Trainer(backend, products, problem, selection, {
    balanced: o.classWeights === "balanced",
    ...{ penalties: o.penalties, signal },
  });
  const wanted = [
    ...modelFeatures(plan, dModel, read),
    ...plainFeatures(problem, selection.rows)
      .filter(({ kind }) => o.baselines.includes(kind as Baseline)),
  ];
  const hasShuffled = o.baselines.includes("shuffled");
  const total = wanted.length + Number(hasShuffled);
  using progress = ctx.progress({ label: "training", unit: "probes", total });
  const rows: tables.ProbeRow[] = [], best = new Map<FeatureKind, Chosen>(), { truth } = trainer;
  const train = async (features: Features, kind = features.kind, order?: Uint32Array) => {
    signal.throwIfAborted();
    const probe = await trainer.fit(features, order);
    const { layer, pool, width } = features;
    const { penalty, validation, isAtEnd, converged } = probe;
    const resampling = { resamples: o.bootstrap, seed: o.seed, signal };
    const row: tables.ProbeRow = {
      ...{ kind, layer, pool, width, penalty, validation, isAtEnd, converged, chosen: false },
      metrics: await evaluate(truth, probe.predicted, resampling),
    };
    rows.push(row);
    const before = best.get(kind);
    if (!before || validation > before.row.validation) best.set(kind, { features, probe, row });
    progress.update(rows.length, total);
    // Ctrl-C is heard only when the event loop turns.
    await new Promise((resolve) => setTimeout(resolve));
  };
  for (const features of wanted) await train(features);
  const chosen = chosenOf(best);
  if (hasShuffled) {
    const order = permutation(selection.counts.train, o.seed, STREAMS.labels);
    await train(chosen.features, "shuffled", order);
  }
  for (const { row } of best.values()) row.chosen = true;
  rows.sort((a, b) => FEATURE_KINDS.indexOf(a.kind) - FEATURE_KINDS.indexOf(b.kind));
  progress.finish();
  return { rows, best, truth };
}

/** The model's best: of layers and latents that which the validation set prefers. */
function chosenOf(best: ReadonlyMap<FeatureKind, Chosen>): Chosen {
  const layer = best.get("layer")!, sae = best.get("sae");
  return sae && sae.row.validation > layer.row.validation ? sae : layer;
}

async function writeResults(
  o: ProbeFlags,
  ctx: CommandContext,
  whole: Whole,
  { read, output, results, settings, provenance, esm, notes, print }: Finished,
): Promise<void> {
  const { problem, selection, sae } = whole, { classes } = problem;
  await using stack = new AsyncDisposableStack();
  const backend = esm?.backend ??
    stack.use((await openBackend(settings.backend.name as BackendChoice)).backend);
  const { rows, best, truth } = await trainAll(o, ctx, whole, backend, read);
  const chosen = chosenOf(best);
  const headline = tables.headlineOf(problem, o.classWeights === "balanced");
  notes.push(...warnings(rows, problem));

  await results.write(tables.metricsTable(problem), rows);
  const predicted = predictionsOf(problem, selection, chosen.probe.predicted);
  await results.write(tables.predictionsTable(problem), predicted);
  const confusion = classes.length > 0 ? confusionOfTest(truth, chosen.probe.predicted) : undefined;
  const train = labelsOf(problem, selection, selection.proteins.train);
  const perClass = confusion && classScores(confusion).map((scores, k): tables.ClassRow => ({
    ...scores,
    name: classes[k],
    train: train.reduce((sum, label) => sum + Number(label === k), 0),
  }));
  if (confusion && perClass) {
    const n = classes.length;
    await results.write(
      tables.CONFUSION,
      classes.flatMap((label, t) =>
        classes.map((predicted, c): tables.ConfusionRow => ({
          ...{ label, predicted },
          count: confusion.counts[t * n + c],
          share: confusion.counts[t * n + c] / perClass[t].support,
        }))
      ),
    );
    await results.write(tables.CLASSES, perClass);
  }
  const latents = best.get("sae") && latentRows(problem, best.get("sae")!);
  if (latents) await results.write(tables.LATENTS, latents);

  const file = headOf(o, whole, chosen, settings.model as HeadFile["model"]);
  const baseline = bestBaseline(rows, headline);
  const gain = baseline && await difference(
    truth,
    [chosen.probe.predicted, best.get(baseline.kind)!.probe.predicted],
    headline,
    { resamples: o.bootstrap, seed: o.seed, signal: ctx.signal },
  );
  const facts = {
    labels: problem.label,
    data: countText(problem, selection),
    split: problem.split,
    "class weights": o.classWeights,
    seed: String(o.seed),
    esmscope: VERSION,
  };
  await writeHead(output.temporaryPath(HEAD), file, facts);
  await output.write(
    CARD,
    cardOf({ file: HEAD, head: file, row: chosen.row, baseline, facts }),
  );
  provenance.summary = {
    ...{ classes, split: problem.split, rows: selection.counts },
    chosen: {
      features: chosen.row.kind,
      ...{ layer: chosen.row.layer, pool: chosen.row.pool, penalty: chosen.row.penalty },
    },
    [headline]: chosen.row.metrics[headline],
    ...(baseline && { baseline: baseline.kind, difference: gain }),
  };
  if (o.report) {
    await output.write(
      "report.html",
      renderProbeReport({
        // What is learnt from stands among the facts of the page.
        notes: notes.filter((note) => !note.startsWith(countText(problem, selection))),
        ...{ problem, selection, rows, headline, chosen: chosen.row, baseline, gain },
        ...{ confusion, perClass, latents, predicted: chosen.probe.predicted },
        drawn: MOST_DRAWN,
        run: {
          record: provenance,
          input: countText(problem, selection),
          options: [
            `split ${problem.split}`,
            o.classWeights === "balanced" && "balanced classes",
            sae && sae.sae.config.name,
            `seed ${o.seed}`,
          ].filter(Boolean).join(", "),
          files: output.files(),
        },
      }),
    );
  }
  const shown = tables.metricsOf(problem).filter((name) => SHOWN.includes(name));
  print(tables.rowsText(rows, shown));
  print(`\n${answerOf({ problem, chosen: chosen.row, baseline, gain, headline })}`);
}

/** Of the terminal's table, which has no room for all. */
const SHOWN: readonly string[] = ["accuracy", "mcc", "spearman", "rmse"];
const HEAD = "head.safetensors";
const CARD = "head.md";

/** The baseline that is best on the test set: what the model must beat. */
function bestBaseline(
  rows: readonly tables.ProbeRow[],
  headline: keyof tables.ProbeRow["metrics"],
): tables.ProbeRow | undefined {
  // Of models with random weights the layer that validation chose, as of the model itself.
  const own = rows.filter(({ kind, chosen }) => !isOfModel(kind) && chosen);
  const valueOf = ({ metrics }: tables.ProbeRow) => metrics[headline]!.value;
  return own.filter((row) => !Number.isNaN(valueOf(row)))
    .reduce<tables.ProbeRow | undefined>(
      (best, row) => !best || valueOf(row) > valueOf(best) ? row : best,
      undefined,
    );
}

function warnings(rows: readonly tables.ProbeRow[], { kind }: SplitProblem): string[] {
  const chosen = rows.find((row) => row.chosen && isOfModel(row.kind))!;
  const penalty = kind === "classes" ? "C" : "alpha";
  const open = rows.filter(({ converged }) => !converged).length;
  return [
    ...(chosen.isAtEnd
      ? [`The chosen ${penalty} ${chosen.penalty} is at an end of the grid (--penalties).`]
      : []),
    ...(open > 0 ? [`${open} of ${rows.length} probes had not come to rest after 500 steps.`] : []),
  ];
}

/** The predictions of the test set by row. */
function* predictionsOf(
  { proteins, per, classes }: SplitProblem,
  { proteins: of, rows }: Selection,
  predicted: Float32Array,
): Generator<tables.PredictionRow> {
  const n = classes.length, called = n > 0 ? calledOf(predicted, n) : undefined;
  let at = 0;
  for (const p of of.test) {
    const { id, residues, labels } = proteins[p];
    for (const i of rows(p)) {
      yield {
        id,
        ...(per === "residue" && { position: i + 1, residue: residues[i] }),
        label: n > 0 ? classes[labels[i]] : labels[i],
        predicted: called ? classes[called[at]] : predicted[at],
        probabilities: n > 0 ? Array.from(predicted.subarray(at * n, (at + 1) * n)) : [],
      };
      at++;
    }
  }
}

/** The latents that weigh most for each class. */
function latentRows({ classes, label }: SplitProblem, { probe: { head } }: Chosen) {
  const width = head.scale.mean.length, outputs = head.bias.length;
  const names = outputs === 1 ? [classes[1] ?? label] : classes;
  return names.flatMap((name, k) => {
    const own = head.weights.subarray(k * width, (k + 1) * width);
    const order = Array.from(own, (_, latent) => latent).sort((a, b) => own[b] - own[a] || a - b);
    return order.slice(0, tables.LATENTS_LISTED)
      .map((latent, r): tables.LatentRow => ({ name, rank: r + 1, latent, weight: own[latent] }));
  });
}

function headOf(
  o: ProbeFlags,
  { problem, plan, sae }: Whole,
  { features, probe }: Chosen,
  model: HeadFile["model"],
): HeadFile {
  const { kind, per, classes, label } = problem;
  const place: StreamPlace = features.layer === "last" ? "last" : Number(features.layer);
  return {
    ...{ head: probe.head, kind, per, classes, label, place, model },
    on: features.kind === "sae" ? "sae" : "layer",
    ...(features.pool !== undefined && { pool: features.pool as TokenPool }),
    ...{ long: plan.long, window: plan.window },
    ...(features.kind === "sae" && sae && {
      sae: {
        name: (sae.sae.config as SaeConfig).name,
        sha256: sae.sha256,
        embedScale: o.embedScale,
      },
    }),
  };
}
