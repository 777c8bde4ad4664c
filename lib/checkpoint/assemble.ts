import { quote, UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { type Checkpoint, makeCheckpoint, type TensorInfo } from "./checkpoint.ts";
import type { Esm2Config } from "./config.ts";
import { isDType } from "./dtype.ts";
import {
  canonicalName,
  type EsmTensorName,
  expectedTensors,
  hfName,
  invFreqOf,
  isBlockTensor,
  isEsm1Tensor,
  isRedundant,
  isSharedInvFreq,
} from "./names.ts";
import { readStoredTensor, shapeText, type StoredTensor } from "./stored_tensor.ts";

/** What a loader of any format found. */
export interface LoadedTensors {
  /** The path or name for messages. */
  readonly label: string;
  readonly name: string;
  readonly format: Checkpoint["format"];
  readonly config: Esm2Config;
  readonly sources: readonly RandomAccess[];
  /** Tensors by the name they have in the files. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly notes: readonly string[];
  /** Whether the language-model head may be absent. @default where another head is in its place */
  readonly headless?: boolean;
}

interface Found {
  readonly storedName: string;
  readonly tensor: StoredTensor;
}

/**
 * Maps the names of a file to canonical ones and checks that they are those of the architecture.
 *
 * @throws {UserError} naming the tensor that is missing, misshapen, doubled or foreign
 */
export async function assemble(loaded: LoadedTensors): Promise<Checkpoint> {
  const { label, format, config } = loaded;
  const notes = [...loaded.notes];
  const found = await mapNames(loaded, notes);
  const fileName = (name: EsmTensorName) =>
    found.get(name)?.storedName ?? (format === "fair-esm" ? name : hfName(name));
  const infos = new Map<EsmTensorName, TensorInfo>();
  const stored = new Map<EsmTensorName, StoredTensor>();
  const hasContactHead = [...found.keys()].some((name) => name.startsWith("contact_head."));
  // A model that was fine-tuned to tell classes has their head in its place.
  const isHeadless = ![...found.keys()].some((name) => name.startsWith("lm_head.")) &&
    (loaded.headless ?? [...loaded.tensors.keys()].some((name) => name.startsWith("classifier.")));
  for (const { name, shape, optional } of expectedTensors(config)) {
    const tensor = found.get(name)?.tensor;
    if (tensor === undefined) {
      if (name.endsWith(".inv_freq")) {
        infos.set(name, { shape, dtype: "F32", origin: "computed" });
      } else if (isHeadless && name.startsWith("lm_head.")) {
        continue;
      } else if (!optional || (hasContactHead && name.startsWith("contact_head."))) {
        throw new UserError(
          `Cannot open ${label} as it must hold tensor ${fileName(name)} of shape ` +
            `${shapeText(shape)}: it is absent`,
        );
      }
      continue;
    }
    if (shapeText(tensor.shape) !== shapeText(shape)) {
      throw new UserError(
        `Cannot open ${label} as tensor ${fileName(name)} must have shape ${shapeText(shape)}: ` +
          `current shape is ${shapeText(tensor.shape)}`,
      );
    }
    if (!isDType(tensor.dtype)) {
      throw new UserError(
        `Cannot open ${label} as tensor ${fileName(name)} must be of F32, F16, BF16 or F64: ` +
          `current value is ${tensor.dtype}`,
      );
    }
    infos.set(name, { shape, dtype: tensor.dtype, origin: "stored" });
    stored.set(name, tensor);
  }
  for (const [name, { storedName }] of found) {
    if (!infos.has(name)) {
      throw new UserError(
        `Cannot open ${label} as its configuration must name all layers: tensor ${storedName} ` +
          `belongs to none of the ${config.layers}`,
      );
    }
  }
  if (isHeadless) notes.push("no language-model head is stored: there are no logits of residues");
  if (!hasContactHead && !notes.some((note) => note.includes("contact head"))) {
    notes.push("no contact head is stored");
  }
  if ([...infos.values()].some((info) => info.origin === "computed")) {
    notes.push("rotary frequencies are not stored: computed and rounded to half precision");
  }
  return makeCheckpoint({ ...loaded, infos, stored, notes });
}

async function mapNames(
  { label, tensors, config }: LoadedTensors,
  notes: string[],
): Promise<Map<EsmTensorName, Found>> {
  const found = new Map<EsmTensorName, Found>();
  const ignored: string[] = [], shared: Found[] = [];
  for (const [storedName, tensor] of tensors) {
    const name = canonicalName(storedName);
    if (name !== undefined) {
      const other = found.get(name)?.storedName;
      if (other !== undefined) {
        throw new UserError(
          `Cannot open ${label} as it must hold each tensor once: ${quote(other)} and ` +
            `${quote(storedName)} are both ${name}`,
        );
      }
      found.set(name, { storedName, tensor });
    } else if (isSharedInvFreq(storedName)) {
      shared.push({ storedName, tensor });
    } else if (isEsm1Tensor(storedName)) {
      throw new UserError(
        `Cannot open ${label} as it must be an ESM-2 model: tensor ${quote(storedName)} belongs ` +
          `to ESM-1b or ESM-1v, which are not supported`,
      );
    } else if (isBlockTensor(storedName)) {
      throw new UserError(
        `Cannot open ${label} as it must hold only ESM-2's tensors in its blocks: ` +
          `${quote(storedName)} is none`,
      );
    } else if (storedName !== DECODER_BIAS && !isRedundant(storedName)) {
      ignored.push(storedName);
    }
  }
  if (shared.length > 1) {
    throw new UserError(
      `Cannot open ${label} as it must hold each tensor once: ${quote(shared[0].storedName)} and ` +
        `${quote(shared[1].storedName)} are both the frequencies of all layers`,
    );
  }
  for (let layer = 0; shared.length > 0 && layer < config.layers; layer++) {
    const name = invFreqOf(layer);
    if (!found.has(name)) found.set(name, shared[0]);
  }
  await resolveDecoderBias(label, tensors.get(DECODER_BIAS), found);
  if (ignored.length > 0) {
    const more = ignored.length > 5 ? ` and ${ignored.length - 5} more` : "";
    const names = ignored.slice(0, 5).map((name) => quote(name)).join(", ");
    notes.push(`ignored, not part of ESM-2: ${names}${more}`);
  }
  return found;
}

const DECODER_BIAS = "lm_head.decoder.bias";

/** Newer Hugging Face files store the output bias twice; it must then be the same. */
async function resolveDecoderBias(
  label: string,
  decoderBias: StoredTensor | undefined,
  found: Map<EsmTensorName, Found>,
) {
  if (decoderBias === undefined) return;
  const bias = found.get("lm_head.bias");
  if (bias === undefined) {
    found.set("lm_head.bias", { storedName: DECODER_BIAS, tensor: decoderBias });
    return;
  }
  const readable = [bias.tensor, decoderBias].every((tensor) =>
    isDType(tensor.dtype) && shapeText(tensor.shape) === "[33]"
  );
  if (!readable) return; // The shape check of lm_head.bias says what is wrong.
  const [a, b] = [await readStoredTensor(bias.tensor), await readStoredTensor(decoderBias)];
  if (a.some((value, i) => value !== b[i])) {
    throw new UserError(
      `Cannot open ${label} as ${DECODER_BIAS} must repeat lm_head.bias: their values differ`,
    );
  }
}
