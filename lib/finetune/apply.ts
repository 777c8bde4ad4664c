/** What a fine-tuned model says of other proteins. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type NamedArray, readAdapter } from "../adapter/mod.ts";
import { isDType } from "../checkpoint/dtype.ts";
import { readStoredTensor, shapeText, type StoredTensor } from "../checkpoint/stored_tensor.ts";
import { listWeights } from "../checkpoint/hugging_face.ts";
import { addStateDict, readWeightFile } from "../checkpoint/weight_file.ts";
import type { CommandContext } from "../cli/context.ts";
import { three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { quote, UserError } from "../errors.ts";
import { defaultTokenBudget, type Esm2, type Sequence } from "../esm2/mod.ts";
import { exists } from "../io/paths.ts";
import { openRandomAccess } from "../io/random_access.ts";
import type { PredictionRow } from "../probe/tables.ts";
import { BATCHES_PER_GROUP } from "../proteins/groups.ts";
import { contradict, openProteins, type Proteins } from "../proteins/read.ts";
import { groupWork } from "../run/group_work.ts";
import type { MergedRun } from "../run/merge.ts";
import { type Finished, runAnalysis } from "../run/run.ts";
import { tokensOf } from "./data.ts";
import { HeadRunner, headShapes } from "./head.ts";
import { HEAD_FILE, readRecord, TUNED_RECORD, type TunedHead } from "./labels.ts";
import { finalStates } from "./learner.ts";
import { predictInPlace } from "./loss.ts";
import { renderApplied } from "./report/applied.ts";
import type { FinetuneFlags } from "./run.ts";
import { saidOf } from "./said.ts";
import * as tables from "./tables.ts";
import type { HeadKind, HeadSpec, Task } from "./types.ts";

/** A fine-tuned model: its head, and how the rest is opened. */
export interface Tuned {
  readonly head: TunedHead;
  /** Folder, name or file of the model; undefined where nothing says it. */
  readonly model?: string;
  /** Folder of the adapter beside it. */
  readonly adapter?: string;
  /** Of the model that it was trained on, where that is another's. */
  readonly sha256?: string;
  /** What a person should know. */
  readonly notes: readonly string[];
}

type Arrays = ReadonlyMap<string, NamedArray>;

/**
 * Opens a folder of this command, a fine-tuned Hugging Face folder, or a PEFT adapter with its head.
 *
 * @throws {UserError} if it is none of them, or its head does not fit its configuration
 */
export async function openTuned(folder: string): Promise<Tuned> {
  const recordPath = join(folder, TUNED_RECORD);
  if (exists(recordPath)) return await openOwn(folder, recordPath);
  if (exists(join(folder, "adapter_config.json"))) return await openPeft(folder);
  if (exists(join(folder, "config.json"))) return await openHf(folder);
  throw new UserError(
    `Cannot apply ${
      quote(folder, 200)
    } as it must be a folder with ${TUNED_RECORD} (of finetune), ` +
      "adapter_config.json (of PEFT) or config.json (of a fine-tuned Hugging Face model): it has none",
  );
}

async function openOwn(folder: string, path: string): Promise<Tuned> {
  const record = readRecord(await Deno.readTextFile(path), path);
  const { task, head: kind, classes, label, weights, model } = record;
  const inFile = exists(join(folder, HEAD_FILE));
  const arrays = inFile
    ? await fileArrays(join(folder, HEAD_FILE))
    : weights === "adapter"
    ? (await readAdapter(folder)).head
    : await folderArrays(folder);
  const head = headFrom(arrays, folder, {
    ...{ task, kind, classes, label, maxLength: record.max_length },
  });
  if (weights === "whole") return { head, model: folder, notes: [] };
  return {
    ...{ head, model: model.name, sha256: model.sha256, notes: [] },
    ...(weights === "adapter" && { adapter: folder }),
  };
}

/** What transformers' classes are. */
const HF_HEADS: Readonly<Record<string, HeadKind>> = {
  EsmForSequenceClassification: "cls",
  EsmForTokenClassification: "token",
};

async function openHf(folder: string): Promise<Tuned> {
  const path = join(folder, "config.json");
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(await Deno.readTextFile(path));
  } catch {
    throw new UserError(`Cannot read ${quote(path, 200)} as it must be JSON`);
  }
  const architectures = [fields.architectures].flat().map(String);
  const architecture = architectures.find((name) => name in HF_HEADS);
  if (!architecture) {
    throw new UserError(
      `Cannot apply ${quote(folder, 200)} as it must be an EsmForSequenceClassification or an ` +
        `EsmForTokenClassification: its architectures are ${architectures.join(", ")}`,
    );
  }
  const arrays = await folderArrays(folder), kind = HF_HEADS[architecture];
  const names = namesOf(fields.id2label);
  return {
    head: headFrom(arrays, folder, {
      ...{ kind, label: architecture, maxLength: Infinity },
      ...taskAndClasses(kind, fields.problem_type, names, outputsOf(arrays, kind)),
    }),
    model: folder,
    notes: [],
  };
}

async function openPeft(folder: string): Promise<Tuned> {
  const adapter = await readAdapter(folder), { head: arrays, config } = adapter;
  if (arrays.size === 0) {
    throw new UserError(
      `Cannot apply ${
        quote(folder, 200)
      } as the adapter must have the head that it was trained with ` +
        "(classifier.*), which PEFT 0.2 and transformers' own writer leave out: it has none",
    );
  }
  const kind: HeadKind = arrays.has("classifier.dense.weight") ? "cls" : "token";
  const outputs = outputsOf(arrays, kind);
  return {
    head: headFrom(arrays, folder, {
      ...{ kind, label: adapter.name, maxLength: Infinity },
      ...taskAndClasses(kind, undefined, [], outputs),
    }),
    ...(config.baseModel !== "" && { model: config.baseModel }),
    adapter: folder,
    notes: [
      `PEFT's folders have no names of classes: they are LABEL_0 to LABEL_${outputs - 1}.`,
    ].slice(outputs === 1 ? 1 : 0),
  };
}

/** The names of id2label in the order of their numbers. */
function namesOf(id2label: unknown): string[] {
  if (typeof id2label !== "object" || id2label === null) return [];
  return Object.entries(id2label).map(([id, name]) => [Number(id), String(name)] as const)
    .sort(([a], [b]) => a - b).map(([, name]) => name);
}

/** As Hugging Face's loss chooses where problem_type is absent: one output is a number. */
function taskAndClasses(
  kind: HeadKind,
  problem: unknown,
  names: readonly string[],
  outputs: number,
): Pick<TunedHead, "task" | "classes"> {
  const classes = names.length === outputs
    ? names
    : Array.from({ length: outputs }, (_, k) => `LABEL_${k}`);
  if (kind === "token") return { task: "residue", classes };
  if (problem === "regression" || problem === undefined && outputs === 1) {
    return { task: "regression", classes: [] };
  }
  const task: Task = problem === "multi_label_classification" ? "multilabel" : "sequence";
  return { task, classes };
}

const LAST = { cls: "classifier.out_proj.weight", token: "classifier.weight" } as const;

const outputsOf = (arrays: Arrays, kind: HeadKind): number =>
  arrays.get(LAST[kind as keyof typeof LAST])?.shape[0] ?? 0;

/** @throws {UserError} if an array of the head is missing or misshapen */
function headFrom(
  arrays: Arrays,
  folder: string,
  { kind, ...facts }: Omit<TunedHead, "spec" | "weights"> & { kind: HeadKind },
): TunedHead {
  const { task, classes } = facts, outputs = task === "regression" ? 1 : classes.length;
  const width = Math.max(...arrays.values().map(({ shape }) => shape[1] ?? 0));
  const spec: HeadSpec = {
    ...{ kind, width, outputs, per: task === "residue" ? "residue" : "protein" },
  };
  const weights: Record<string, Float32Array> = {};
  for (const [name, shape] of headShapes(spec)) {
    const found = arrays.get(name);
    if (found && shapeText(found.shape) === shapeText(shape)) weights[name] = found.values;
    else {
      throw new UserError(
        `Cannot apply ${quote(folder, 200)} as its head must hold ${name} of shape ` +
          `${shapeText(shape)}: ${
            found ? `current shape is ${shapeText(found.shape)}` : "it is absent"
          }`,
      );
    }
  }
  return { ...facts, spec, weights };
}

/** Arrays of a head in the weight files of a folder. */
async function folderArrays(folder: string): Promise<Arrays> {
  const found = new Map<string, NamedArray>();
  for (const path of (await listWeights(folder)).paths) {
    for (const [name, array] of await fileArrays(path)) found.set(name, array);
  }
  return found;
}

async function fileArrays(path: string): Promise<Arrays> {
  using source = await openRandomAccess(path);
  const found = new Map<string, NamedArray>();
  const file = await readWeightFile(source), tensors = new Map<string, StoredTensor>();
  if (file.kind === "torch") await addStateDict(path, file.file, file.file.root, tensors);
  else for (const [name, tensor] of file.tensors) tensors.set(name, tensor);
  for (const [name, tensor] of tensors) {
    if (!name.startsWith("classifier.") || !isDType(tensor.dtype)) continue;
    found.set(name, { shape: tensor.shape, values: await readStoredTensor(tensor) });
  }
  return found;
}

type Inputs = Proteins & { readonly tuned: Tuned };

/** Proteins whose predictions are printed, and residues. */
const PRINTED = 20;

/** Runs `finetune --apply`. @param merged shards whose results to write instead of computing any */
export async function applyTuned(
  o: FinetuneFlags,
  folder: string,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  for (const [flag, value] of [["--table", o.table], ["--labels", o.labels]] as const) {
    if (value !== undefined) contradict("--apply", flag);
  }
  if (o.sequence === undefined && o.fasta?.length !== 1) {
    throw new UserError(
      `Cannot use --apply as --sequence or --fasta must be given with it, one file: current count is ${
        o.fasta?.length ?? 0
      }`,
    );
  }
  const tuned = await openTuned(folder), { head } = tuned;
  const isWhole = tuned.model === folder;
  // Shards have kept what this run found out itself.
  if (isWhole && o.model !== undefined && o.model !== folder) {
    throw new UserError(
      `Cannot use --model with --apply ${quote(folder, 200)} as that folder is a whole model`,
    );
  }
  if (tuned.adapter !== undefined && (o.adapter ?? tuned.adapter) !== tuned.adapter) {
    contradict("--adapter", "--apply");
  }
  const model = o.model ?? tuned.model;
  if (model === undefined) {
    throw new UserError(
      `Cannot apply ${quote(folder, 200)} as --model must name the model that it was trained on, ` +
        "which its files do not say",
    );
  }
  const flags = { ...o, model, ...(tuned.adapter && { adapter: tuned.adapter }) };
  await runAnalysis<Inputs>(flags, ctx, {
    command: "finetune",
    async read() {
      const proteins = await openProteins({
        ...{ fasta: o.fasta?.[0], sequence: o.sequence, gaps: o.gaps, maxLength: Infinity },
      });
      return { ...proteins, notes: [...proteins.notes, ...tuned.notes], tuned };
    },
    async plan(inputs, { checkpoint, name, adapter }) {
      await checkModel(tuned, name, tuned.adapter ? adapter!.base : checkpoint);
      return {
        notes: [],
        settings: { proteins: inputs.sha256, head: hashOf(head), tokenBudget: o.tokenBudget },
        label: inputs.count === 1 ? "predicting" : `predicting ${inputs.count} proteins`,
        unit: "residues",
        async open({ esm, stack }) {
          const budget = o.tokenBudget ?? defaultTokenBudget(esm.backend);
          const runner = stack.use(new HeadRunner(head.spec, esm.backend));
          const weights = Object.fromEntries(
            [...headShapes(head.spec)].map(([key, shape]) => [
              key,
              stack.use(esm.backend.upload(key, shape, head.weights[key])),
            ]),
          );
          const groups = { proteins: () => inputs.read(), most: BATCHES_PER_GROUP * budget };
          return await groupWork<Sequence>(groups, stack, async (found, put, tick) => {
            for await (const { members } of found) {
              const said = await predictAll(
                esm,
                (x, rows) => runner.run({ x, states: rows }, weights),
                head,
                members.map(({ protein }) => protein),
                { budget, signal: ctx.signal, onProgress: tick },
              );
              put(0, new Uint8Array(said.buffer));
            }
          });
        },
        finish: (finished) => writePredictions(o, ctx, inputs, finished),
      };
    },
  }, merged);
}

async function checkModel(
  { head: { spec }, sha256 }: Tuned,
  name: string,
  { config, sha256: own }: { config: { dModel: number }; sha256(): Promise<string> },
): Promise<void> {
  if (config.dModel !== spec.width) {
    throw new UserError(
      `Cannot apply the head as the model must be ${spec.width} wide: ${name} is ${config.dModel} wide`,
    );
  }
  const found = sha256 === undefined ? undefined : await own();
  if (found !== sha256) {
    throw new UserError(
      `Cannot apply the head as it must read the model that it was trained on (sha256 ${
        sha256!.slice(0, 12)
      }…): current value is ${name} (${found!.slice(0, 12)}…)`,
    );
  }
}

function hashOf({ weights, ...facts }: TunedHead): string {
  const hash = createHash("sha256").update(JSON.stringify(facts));
  for (const values of Object.values(weights)) hash.update(values);
  return hash.digest("hex");
}

/** Predictions f32[rows, outputs] of some proteins, one after another. */
async function predictAll(
  esm: Esm2,
  run: (
    x: Awaited<ReturnType<typeof finalStates>>,
    rows: NonNullable<Parameters<HeadRunner["run"]>[0]["states"]>,
  ) => ReturnType<HeadRunner["run"]>,
  { spec, task, maxLength }: TunedHead,
  proteins: readonly Sequence[],
  { budget, signal, onProgress }: {
    budget: number;
    signal: AbortSignal;
    onProgress(residues: number): void;
  },
): Promise<Float32Array<ArrayBuffer>> {
  const { per, outputs } = spec, loss = { task, outputs };
  const ids = proteins.map((protein) =>
    tokensOf(protein, per === "residue" ? Infinity : maxLength)
  );
  const found: Float32Array[] = [];
  let done = 0;
  for (const batch of esm.planBatches(ids, budget)) {
    signal.throwIfAborted();
    const residues = per === "protein"
      ? undefined
      : batch.lengths.flatMap((length, b) =>
        Array.from({ length: length - 2 }, (_, i) => b * batch.width + 1 + i)
      );
    using states = await finalStates(esm, batch, signal);
    using logits = await run(states, { batch, residues });
    const said = predictInPlace(loss, await logits.read());
    let at = 0;
    batch.members.forEach((member, b) => {
      const rows = per === "protein" ? 1 : batch.lengths[b] - 2;
      found[member] = said.slice(at, at += rows * outputs);
      done += proteins[member].residues.length;
    });
    onProgress(done);
  }
  const all = new Float32Array(found.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const own of found) {
    all.set(own, at);
    at += own.length;
  }
  return all;
}

/** A protein with what is said of it. */
export interface Said {
  readonly id: string;
  readonly residues: string;
  /** f32[rows, outputs]: of the protein, or of each residue. */
  readonly predicted: Float32Array;
}

async function writePredictions(
  o: FinetuneFlags,
  { signal }: CommandContext,
  inputs: Inputs,
  { read, results, provenance, notes, output, print }: Finished,
): Promise<void> {
  const { head } = inputs.tuned, { spec: { per, outputs }, task, classes, label } = head;
  const kind = task === "regression" ? "numbers" : task === "multilabel" ? "sets" : "classes";
  const problem = { per, kind, classes } as const;
  const shown: PredictionRow[] = [], drawn: Said[] = [], counts = new Map<string, number>();
  let group = 0, unit = new Float32Array(), at = 0;
  {
    await using sink = results.open(tables.predictions(problem, true));
    for await (const { id, residues } of inputs.read()) {
      signal.throwIfAborted();
      if (at === unit.length) {
        const bytes = read(group++).slice();
        [unit, at] = [new Float32Array(bytes.buffer), 0];
      }
      const rows = per === "protein" ? 1 : tokensOf({ id, residues }, Infinity).length - 2;
      const predicted = unit.slice(at, at += rows * outputs);
      for (let r = 0; r < rows; r++) {
        const row: PredictionRow = {
          id,
          ...(per === "residue" && { position: r + 1, residue: residues[r] }),
          ...saidOf(problem, predicted.subarray(r * outputs, (r + 1) * outputs)),
        };
        await sink.add(row);
        if (shown.length < PRINTED) shown.push(row);
        if (kind === "classes") {
          const name = String(row.predicted);
          counts.set(name, (counts.get(name) ?? 0) + 1);
        }
      }
      if (drawn.length < tables.MOST_APPLIED) drawn.push({ id, residues, predicted });
    }
    await sink.close();
  }
  provenance.head = { label, classes, task, head: head.spec.kind, folder: o.apply };
  print(predictionsText(shown, problem));
  if (!o.report) return;
  await output.write(
    "report.html",
    renderApplied({
      ...{ notes, head, proteins: drawn, count: inputs.count, counts, residues: inputs.residues },
      run: {
        record: provenance,
        input: inputs.count === 1 ? drawn[0].id : `${inputs.count} proteins`,
        options: `apply ${o.apply}`,
        files: output.files(),
      },
    }),
  );
}

function predictionsText(
  rows: readonly PredictionRow[],
  { per, kind }: { per: string; kind: string },
): string {
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
