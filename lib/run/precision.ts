/** What a lower precision changes, shown on a few proteins before anything is computed in it. */
import { fidelityPanel } from "../../data/fidelity_panel.ts";
import { apcContacts } from "../../kernels/apc_contacts/twin.ts";
import type { Checkpoint } from "../checkpoint/mod.ts";
import { Esm2, type LowPrecision, type ModelOptions, padBatch, tokenize } from "../esm2/mod.ts";
import { logSoftmax } from "../stats/log_softmax.ts";

/** The largest differences to single precision. */
export interface PrecisionRecord {
  precision: LowPrecision;
  /** Proteins that ran in both. */
  panel: readonly string[];
  largest: {
    /** Of the natural logarithms of tokens' probabilities. */
    logProbability: number;
    attention: number;
    /** Of the contact head's probabilities; absent where the model has none. */
    contact?: number;
  };
}

type Values = Float32Array | Float64Array;

/** What a model says of a protein. */
interface Said {
  /** Of each token; none where the model has no head for them. */
  logProbabilities: Float64Array[];
  /** Of all layers and heads in their order. */
  attention: Float32Array[];
  contacts?: Float32Array;
}

/** Runs the panel in both precisions; of the model in single precision one block is in memory at a time. */
export async function provePrecision(
  esm: Esm2,
  checkpoint: Checkpoint,
  { tokenDropout }: Pick<ModelOptions, "tokenDropout"> = {},
): Promise<PrecisionRecord> {
  const { precision, backend } = esm;
  if (precision === "f32") throw new Error("Cannot compare f32 with itself");
  await using exact = await Esm2.open(checkpoint, backend, { lowMemory: true, tokenDropout });
  const largest: PrecisionRecord["largest"] = { logProbability: 0, attention: 0 };
  for (const protein of fidelityPanel) {
    const ours = await say(esm, checkpoint, protein),
      theirs = await say(exact, checkpoint, protein);
    const raise = (name: keyof typeof largest, a: Values[], b: Values[]) => {
      largest[name] = Math.max(
        largest[name] ?? 0,
        ...a.map((one, i) => largestDifference(one, b[i])),
      );
    };
    raise("logProbability", ours.logProbabilities, theirs.logProbabilities);
    raise("attention", ours.attention, theirs.attention);
    if (ours.contacts) raise("contact", [ours.contacts], [theirs.contacts!]);
  }
  return { precision, panel: fidelityPanel.map(({ id }) => id), largest };
}

/** The record as a line for people. */
export function precisionText({ precision, panel, largest }: PrecisionRecord): string {
  const { logProbability, attention, contact } = largest;
  const show = (value: number) => Number(value.toPrecision(2));
  return `In ${precision} the largest differences to f32 on ${panel.length} proteins are ` +
    `${show(logProbability)} of log-probabilities, ${show(attention)} of attention` +
    `${contact === undefined ? "" : `, ${show(contact)} of contacts`}.`;
}

async function say(
  esm: Esm2,
  checkpoint: Checkpoint,
  protein: { id: string; residues: string },
): Promise<Said> {
  const batch = padBatch([tokenize(protein)]), { width } = batch;
  const { layers, heads } = esm.config;
  const head = checkpoint.tensors.has("contact_head.regression.weight")
    ? await checkpoint.read("contact_head.regression.weight")
    : undefined;
  const attention: Float32Array[] = [], map = new Float32Array(width * width);
  const layerOf = (array: Float32Array, layer: number) =>
    array.subarray(layer * heads, (layer + 1) * heads);
  using result = await esm.run(batch, {
    head: checkpoint.tensors.has("lm_head.dense.weight"),
    visitor: {
      async attention({ layer, begin, end, pattern }) {
        const data = await pattern.read();
        attention.push(data);
        if (!head) return;
        const ranges = Uint32Array.of(1, width - 1);
        const weights = layerOf(head, layer).subarray(begin, end);
        apcContacts({ data, batch: 1, heads: end - begin, tokens: width }, ranges, weights, map);
      },
    },
  });
  if (attention.length < layers) throw new Error("Cannot compare attention as it was not shown");
  const logits = await result.logits?.read() ?? new Float32Array(), said = logits.length / width;
  const [intercept] = head ? await checkpoint.read("contact_head.regression.bias") : [];
  return {
    logProbabilities: Array.from(
      { length: said && width },
      (_, t) => logSoftmax(logits.subarray(t * said, (t + 1) * said)),
    ),
    attention,
    ...(head && { contacts: map.map((value) => 1 / (1 + Math.exp(-value - intercept))) }),
  };
}

function largestDifference(a: Values, b: Values): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    // NaN is larger than anything.
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
