/** What integrated gradients over latents take and give, on either processor. */
import type { SparseLatents } from "../topk_sae_encode/types.ts";

/** Latents of two states of the same tokens, listed where either is active. */
export interface LatentPairs {
  /** N */
  tokens: number;
  /** K, the longest list; shorter ones end with latent 0 and zeros. */
  entries: number;
  /** F */
  latents: number;
  /** u32[N, K], ascending within a token up to the padding. */
  indices: Uint32Array;
  /** f32[N, K]: where the path begins. */
  base: Float32Array;
  /** f32[N, K]: where it ends. */
  input: Float32Array;
}

/**
 * Lists the latents that are active in at least one of two states.
 *
 * @throws {RangeError} if they differ in tokens or latents
 */
export function pairLatents(base: SparseLatents, input: SparseLatents): LatentPairs {
  const { rows: tokens, latents } = input;
  if (base.rows !== tokens || base.latents !== latents) {
    throw new RangeError(
      `Cannot pair latents as both must be of ${tokens} tokens and ${latents} latents: ` +
        `current value is ${base.rows} and ${base.latents}`,
    );
  }
  let entries = 1;
  for (let n = 0; n < tokens; n++) {
    let size = 0;
    merge(base, input, n, () => size++);
    entries = Math.max(entries, size);
  }
  const count = tokens * entries;
  const indices = new Uint32Array(count);
  const from = new Float32Array(count), to = new Float32Array(count);
  for (let n = 0; n < tokens; n++) {
    let at = n * entries;
    merge(base, input, n, (latent, before, after) => {
      indices[at] = latent;
      from[at] = before;
      to[at++] = after;
    });
  }
  return { tokens, entries, latents, indices, base: from, input: to };
}

/** Goes through the latents of a token that either state lists. */
function merge(
  a: SparseLatents,
  b: SparseLatents,
  token: number,
  visit: (latent: number, inA: number, inB: number) => void,
): void {
  const endA = a.offsets[token + 1], endB = b.offsets[token + 1];
  let i = a.offsets[token], j = b.offsets[token];
  while (i < endA || j < endB) {
    const own = i < endA ? a.indices[i] : Infinity, other = j < endB ? b.indices[j] : Infinity;
    const latent = Math.min(own, other);
    visit(latent, own === latent ? a.values[i++] : 0, other === latent ? b.values[j++] : 0);
  }
}

/** @throws {RangeError} if an array does not have the number of elements that its shape says */
export function validateLength(name: string, array: ArrayLike<unknown>, ...shape: number[]): void {
  const elements = shape.reduce((product, extent) => product * extent, 1);
  if (array.length === elements) return;
  throw new RangeError(
    `Cannot integrate gradients as ${name} must be [${shape.join(", ")}], ${elements} elements: ` +
      `current value is ${array.length}`,
  );
}
