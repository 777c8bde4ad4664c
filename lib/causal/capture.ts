/** Sequences as an autoencoder sees them. */
import type { Tensor } from "../backend/types.ts";
import { type Esm2, streamRows, type VisitOptions, visitStreams } from "../esm2/mod.ts";
import { sliceRows } from "../sae/rows.ts";
import { placeOf, type Sae, type SparseLatents, type TokenScale } from "../sae/types.ts";
import type { Capture } from "./types.ts";

/** What turns a residual stream into latents. */
export interface Encoder {
  /** The autoencoder, which says where it reads. */
  readonly sae: Sae;
  /** Latents of tokens f32[N, D] as `sae` has them. @param hidden f32[N, D] */
  encode(hidden: Tensor): Promise<{ latents: SparseLatents; scale: TokenScale }>;
}

/** How captures are run. */
export type CaptureOptions = Pick<VisitOptions, "tokenBudget" | "signal">;

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
  options: CaptureOptions = {},
): Promise<Capture[][]> {
  const found: Capture[][] = encoders.map(() => []);
  const places = encoders.map(({ sae }) => placeOf(sae.config));
  await visitStreams(esm, rows, places, async (stream) => {
    for (const [e, encoder] of encoders.entries()) {
      if (places[e] !== stream.place) continue;
      const { latents, scale } = await encoder.encode(stream.hidden);
      const hidden = await streamRows(stream);
      stream.batch.members.forEach((member, b) => {
        const ids = rows[member], begin = b * stream.batch.width, end = begin + ids.length;
        found[e][member] = {
          ids,
          hidden: hidden[b],
          latents: sliceRows(latents, begin, end),
          scale: { mean: scale.mean.slice(begin, end), std: scale.std.slice(begin, end) },
        };
      });
    }
  }, options);
  return found;
}
