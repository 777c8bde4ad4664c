/** Sequences as an autoencoder sees them. */
import type { Tensor } from "../backend/types.ts";
import { defaultTokenBudget, type Esm2, planBatches } from "../esm2/mod.ts";
import type { Sae, SaeConfig, SparseLatents, TokenScale } from "../sae/types.ts";
import type { Capture } from "./types.ts";

/** What turns a residual stream into latents. */
export interface Encoder {
  /** The autoencoder, which says where it reads. */
  readonly sae: Sae;
  /** Latents of tokens f32[N, D] as `sae` has them. @param hidden f32[N, D] */
  encode(hidden: Tensor): Promise<{ latents: SparseLatents; scale: TokenScale }>;
}

/** How captures are run. */
export interface CaptureOptions {
  /** Tokens that run together. @default 1024 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Runs sequences up to the deepest of some autoencoders and encodes them with each.
 *
 * @param rows token ids of each sequence
 * @returns per encoder a capture of every sequence, in order
 */
export async function captureSequences(
  esm: Esm2,
  encoders: readonly Encoder[],
  rows: readonly Int32Array[],
  { tokenBudget = defaultTokenBudget(esm.backend), signal }: CaptureOptions = {},
): Promise<Capture[][]> {
  const { config, backend } = esm;
  const deepest = Math.max(...encoders.map(({ sae }) => sae.config.depth));
  const normalised = encoders.some(({ sae }) => sae.config.afterFinalNorm);
  const found: Capture[][] = encoders.map(() => []);
  for (const batch of planBatches(rows, config, backend.tensorLimit, tokenBudget)) {
    const encode = async (hidden: Tensor, isWanted: (config: SaeConfig) => boolean) => {
      for (const [e, encoder] of encoders.entries()) {
        if (!isWanted(encoder.sae.config)) continue;
        const encoded = await encoder.encode(hidden);
        const data = await hidden.read();
        batch.members.forEach((member, b) =>
          found[e][member] = cut(rows[member], b * batch.width, data, encoded)
        );
      }
    };
    using result = await esm.run(batch, {
      signal,
      head: normalised,
      visitor: {
        async hidden({ depth, hidden, stop }) {
          await encode(hidden, (config) => config.depth === depth && !config.afterFinalNorm);
          if (depth === deepest) stop();
        },
      },
    });
    if (normalised) await encode(result.normalised!, ({ afterFinalNorm }) => afterFinalNorm);
  }
  return found;
}

/** One sequence's part of a batch. */
function cut(
  ids: Int32Array,
  begin: number,
  hidden: Float32Array,
  { latents, scale }: { latents: SparseLatents; scale: TokenScale },
): Capture {
  const end = begin + ids.length, dModel = hidden.length / latents.rows;
  const first = latents.offsets[begin], last = latents.offsets[end];
  return {
    ids,
    hidden: hidden.slice(begin * dModel, end * dModel),
    latents: {
      rows: ids.length,
      latents: latents.latents,
      offsets: latents.offsets.slice(begin, end + 1).map((offset) => offset - first),
      indices: latents.indices.slice(first, last),
      values: latents.values.slice(first, last),
    },
    scale: { mean: scale.mean.slice(begin, end), std: scale.std.slice(begin, end) },
  };
}
