/** A trained head on other proteins. */
import type { CommandContext } from "../cli/context.ts";
import { type BackendChoice, openBackend } from "../backend/mod.ts";
import { quote, UserError } from "../errors.ts";
import { tokenize } from "../esm2/mod.ts";
import { parseFasta } from "../io/fasta.ts";
import { readText } from "../io/text.ts";
import { ungapped } from "../proteins/gaps.ts";
import { contradict } from "../proteins/read.ts";
import type { MergedRun } from "../run/merge.ts";
import { type Finished, type OpenedRun, runAnalysis } from "../run/run.ts";
import { type Lens, withSaes } from "../sae/session.ts";
import type { OpenedSae } from "../sae/open.ts";
import { formatTable } from "../cli/table.ts";
import { three } from "../cli/figures.ts";
import { calledOf } from "./evaluate.ts";
import { type ExtractPlan, extractWork, modelFeatures } from "./extract.ts";
import { predict } from "./fit.ts";
import { checkModel, type HeadFile, readHead } from "./head_file.ts";
import { Products } from "./products.ts";
import { Design, rowsOf } from "./rows.ts";
import type { ProbeFlags } from "./run.ts";
import { type PredictionRow, predictionsTable } from "./tables.ts";

interface Inputs {
  notes: readonly string[];
  head: HeadFile & { sha256: string };
  proteins: readonly { id: string; residues: string }[];
}

/** Proteins whose predictions are printed. */
const PRINTED = 20;

/** Runs `probe --apply`. @param merged shards whose results to write instead of computing any */
export async function applyHead(
  o: ProbeFlags,
  path: string,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const head = await readHead(path), flags = { ...o, embedScale: o.embedScale };
  const read = () => readProteins(o, head);
  const open = (inputs: Inputs) => ({ esm, stack: _ }: OpenedRun, lens?: Lens) => {
    const rows = rowsOfProteins(inputs);
    return extractWork(
      inputs.proteins,
      rows,
      planOf(o, head, lens?.sae),
      { esm, coder: lens?.coder },
      ctx.signal,
    );
  };
  const plan = (inputs: Inputs, sae?: OpenedSae) => ({
    notes: [],
    settings: {
      ...{ head: head.sha256, tokenBudget: o.tokenBudget },
      proteins: inputs.proteins.map(({ id, residues }) => [id, residues]),
    },
    label: `reading ${inputs.proteins.length} proteins`,
    unit: "residues",
    finish: (finished: Finished) => writePredictions(o, ctx, inputs, sae, finished),
  });
  if (head.on === "layer") {
    return await runAnalysis<Inputs>(flags, ctx, {
      command: "probe",
      read,
      plan(inputs, { checkpoint, name }) {
        return checkpoint.sha256().then((sha256) => {
          checkModel(head, { name, sha256 });
          return { ...plan(inputs), open: (opened) => open(inputs)(opened) };
        });
      },
    }, merged);
  }
  const asked = { layers: [o.layer], layerOption: "--layer" } as const;
  const analysis = withSaes<Inputs>(flags, asked, ctx, {
    command: "probe",
    read,
    plan(inputs, [sae]) {
      checkSae(head, sae);
      return { ...plan(inputs, sae), open: (opened, [lens]) => open(inputs)(opened, lens) };
    },
  });
  await runAnalysis<Inputs>(flags, ctx, {
    ...analysis,
    async plan(inputs, model) {
      checkModel(head, { name: model.name, sha256: await model.checkpoint.sha256() });
      return await analysis.plan(inputs, model);
    },
  }, merged);
}

function checkSae({ sae }: HeadFile, { sha256, sae: { config } }: OpenedSae): void {
  if (sae?.sha256 === sha256) return;
  throw new UserError(
    `Cannot apply the probe as --sae must be the autoencoder that it was trained on, ${sae?.name} ` +
      `(sha256 ${sae?.sha256.slice(0, 12)}…): current value is ${config.name} (${
        sha256.slice(0, 12)
      }…)`,
  );
}

async function readProteins(o: ProbeFlags, head: Inputs["head"]): Promise<Inputs> {
  if (o.table !== undefined) contradict("--apply", "--table");
  if (o.labels !== undefined) contradict("--apply", "--labels");
  if (o.fasta?.length !== 1) {
    throw new UserError(
      `Cannot use --apply as --fasta must be given with it, one file: current count is ${
        o.fasta?.length ?? 0
      }`,
    );
  }
  if (head.sae && head.sae.embedScale !== o.embedScale) {
    throw new UserError(
      `Cannot apply the probe as --embed-scale must be what it was trained with, ` +
        `${head.sae.embedScale}: current value is ${quote(o.embedScale)}`,
    );
  }
  const notes: string[] = [], [file] = o.fasta;
  const proteins = parseFasta(await readText(file, { notes }), file)
    .map(({ id, sequence }) => ungapped({ id, residues: sequence }, notes, o.gaps));
  for (const protein of proteins) tokenize(protein, { maxLength: Infinity });
  return { notes, head, proteins };
}

/** Every protein, or every residue that is read. */
function rowsOfProteins({ proteins, head }: Inputs): (p: number) => Uint32Array {
  return (p) => {
    const { length } = proteins[p].residues;
    const read = head.long === "truncate" ? Math.min(length, head.window) : length;
    return Uint32Array.from({ length: head.per === "protein" ? 1 : read }, (_, i) => i);
  };
}

/** The stream is read where the head reads it; of an autoencoder's head the place is read for it alone. */
const planOf = (o: ProbeFlags, head: HeadFile, sae: OpenedSae | undefined): ExtractPlan => ({
  places: [head.place],
  pools: head.on === "layer" && head.pool ? [head.pool] : ["mean"],
  ...{ per: head.per, long: head.long, window: head.window, tokenBudget: o.tokenBudget },
  random: false,
  ...(sae && { sae: sae.sae.config }),
});

async function writePredictions(
  o: ProbeFlags,
  { signal }: CommandContext,
  inputs: Inputs,
  sae: OpenedSae | undefined,
  { read, results, settings, provenance, esm, print }: Finished,
): Promise<void> {
  const { head, proteins } = inputs, { classes, per } = head, rows = rowsOfProteins(inputs);
  await using stack = new AsyncDisposableStack();
  const backend = esm?.backend ??
    stack.use((await openBackend(settings.backend.name as BackendChoice)).backend);
  const products = stack.use(new Products(backend));
  const { head: { scale } } = head, width = scale.mean.length;
  const dModel = esm?.config.dModel ?? width;
  const features = modelFeatures(planOf(o, head, sae), dModel, read)
    .find(({ kind, pool }) => kind === head.on && pool === head.pool)!;
  const n = classes.length, shown: PredictionRow[] = [];
  await using sink = results.open(predictionsTable(head, true));
  for (const [p, { id, residues }] of proteins.entries()) {
    signal.throwIfAborted();
    const source = rowsOf(width, [p], (p) => rows(p).length, features.read);
    using design = await Design.create(backend, source, scale, 0);
    const predicted = await predict(design, head.head, products, n);
    const called = n > 0 ? calledOf(predicted, n) : undefined;
    for (const [at, i] of rows(p).entries()) {
      const row: PredictionRow = {
        id,
        ...(per === "residue" && { position: i + 1, residue: residues[i] }),
        predicted: called ? classes[called[at]] : predicted[at],
        probabilities: n > 0 ? Array.from(predicted.subarray(at * n, (at + 1) * n)) : [],
      };
      await sink.add(row);
      if (shown.length < PRINTED) shown.push(row);
    }
  }
  await sink.close();
  provenance.head = { sha256: head.sha256, label: head.label, classes, model: head.model };
  print(predictionsText(shown, head));
}

function predictionsText(rows: readonly PredictionRow[], { per, kind }: HeadFile): string {
  return formatTable(
    [
      { header: "protein" },
      ...(per === "residue" ? [{ header: "residue" }] : []),
      { header: "predicted", format: three },
      ...(kind === "classes" ? [{ header: "probability", format: three }] : []),
    ],
    rows.map(({ id, position, residue, predicted, probabilities }) => [
      id,
      ...(per === "residue" ? [`${residue}${position}`] : []),
      predicted,
      ...(kind === "classes" ? [Math.max(...probabilities)] : []),
    ]),
  );
}
