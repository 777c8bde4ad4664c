/** Writes what was taught: a whole model, an adapter, or a head alone. */
import { adapted, type Adapter, withArrays, writeAdapter } from "../adapter/mod.ts";
import type { Checkpoint } from "../checkpoint/mod.ts";
import { writeSafetensors, type WrittenTensor } from "../checkpoint/write_safetensors.ts";
import { shapesIn } from "../esm2/trainable.ts";
import type { OutputDir } from "../io/output.ts";
import { saveModel } from "../run/save_model.ts";
import { VERSION } from "../version.ts";
import { headShapes } from "./head.ts";
import { HEAD_FILE, hfFields, TUNED_RECORD, type TunedHead, type TunedRecord } from "./labels.ts";
import { saysResidues } from "./open.ts";
import type { Mode } from "./types.ts";

/** What is written. */
export interface Taught {
  readonly mode: Mode;
  readonly head: TunedHead;
  /** The model that was taught, as it was. */
  readonly checkpoint: Checkpoint;
  readonly model: { readonly name: string; readonly sha256: string };
  /** Of a full training: every weight that was trained, by fair-esm's names. */
  readonly weights?: Readonly<Record<string, Float32Array>>;
  /** Of LoRA: the adapter as it was before, and its trained arrays. */
  readonly adapter?: {
    readonly start: Adapter;
    readonly arrays: Readonly<Record<string, Float32Array>>;
  };
  /** Whether a whole model is written, whatever was trained. */
  readonly merge: boolean;
  readonly card: string;
}

/** Writes the files into the folder. */
export async function writeTaught(output: OutputDir, taught: Taught): Promise<void> {
  const { mode, head, merge, card, adapter } = taught;
  const isWhole = mode === "full" || merge;
  if (isWhole) await writeWhole(output, taught);
  else {
    await output.write("MODEL_CARD.md", card);
    if (adapter) await writeLora(output, head, adapter);
    if (!adapter || !isPefts(head)) await writeHead(output.temporaryPath(HEAD_FILE), head);
  }
  const record: TunedRecord = {
    format: "esmscope-finetune",
    version: VERSION,
    ...{ mode, task: head.task, head: head.spec.kind },
    weights: isWhole ? "whole" : adapter ? "adapter" : "head",
    ...{ classes: head.classes, label: head.label, max_length: head.maxLength },
    model: taught.model,
  };
  await output.write(TUNED_RECORD, `${JSON.stringify(record, null, 2)}\n`);
}

/** Whether PEFT keeps such a head with the adapter. */
const isPefts = ({ spec: { kind } }: TunedHead) => kind === "cls" || kind === "token";

function headTensors({ spec, weights }: TunedHead): Record<string, WrittenTensor> {
  return Object.fromEntries(
    [...headShapes(spec)].map(([name, shape]) => [
      name,
      {
        ...{ dtype: "F32", shape, data: weights[name] },
      } as const,
    ]),
  );
}

async function writeHead(path: string, head: TunedHead): Promise<void> {
  await writeSafetensors(path, headTensors(head), { format: "pt", head: head.spec.kind });
}

async function writeLora(
  output: OutputDir,
  head: TunedHead,
  { start, arrays }: NonNullable<Taught["adapter"]>,
): Promise<void> {
  const named = [...headShapes(head.spec)].map(([name, shape]) =>
    [name, { shape, values: head.weights[name] }] as const
  );
  await writeAdapter((file) => output.temporaryPath(file), {
    ...withArrays(start, arrays),
    head: new Map(isPefts(head) ? named : []),
  });
}

async function writeWhole(output: OutputDir, taught: Taught): Promise<void> {
  const { head, checkpoint, card, adapter, weights: trained } = taught;
  const source = adapter
    ? adapted(checkpoint, withArrays(adapter.start, adapter.arrays))
    : checkpoint;
  const weights: Record<string, Float32Array> = {};
  for (const name of shapesIn(checkpoint).keys()) {
    weights[name] = trained?.[name] ?? (await source.read(name)).slice();
  }
  const hasContacts = checkpoint.tensors.has("contact_head.regression.weight");
  await saveModel(output, {
    ...{ config: checkpoint.config, weights, card },
    invFreq: (await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq")).slice(),
    ...(hasContacts && {
      contactHead: {
        weight: (await checkpoint.read("contact_head.regression.weight")).slice(),
        bias: (await checkpoint.read("contact_head.regression.bias")).slice(),
      },
    }),
    more: { config: hfFields(head, saysResidues(checkpoint)), tensors: headTensors(head) },
    metadata: { esmscope: VERSION, head: head.spec.kind },
  });
}
