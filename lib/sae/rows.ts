/** Putting sparse rows together and taking them apart. */
import type { SparseLatents, TokenScale } from "./types.ts";

/** The rows of several lists, one after another. */
export function joinRows(parts: readonly SparseLatents[], latents: number): SparseLatents {
  if (parts.length === 1) return parts[0];
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const entries = parts.reduce((sum, part) => sum + part.values.length, 0);
  const joined = {
    rows,
    latents,
    offsets: new Uint32Array(rows + 1),
    indices: new Uint32Array(entries),
    values: new Float32Array(entries),
  };
  let row = 0, entry = 0;
  for (const part of parts) {
    joined.indices.set(part.indices, entry);
    joined.values.set(part.values, entry);
    for (let n = 1; n <= part.rows; n++) joined.offsets[row + n] = entry + part.offsets[n];
    row += part.rows;
    entry += part.values.length;
  }
  return joined;
}

/** Rows `begin` to `end` (exclusive) as a list of their own; indices and values are shared. */
export function sliceRows(
  { latents, offsets, indices, values }: SparseLatents,
  begin: number,
  end: number,
): SparseLatents {
  const from = offsets[begin], to = offsets[end];
  return {
    rows: end - begin,
    latents,
    offsets: offsets.slice(begin, end + 1).map((offset) => offset - from),
    indices: indices.subarray(from, to),
    values: values.subarray(from, to),
  };
}

/** The entries that exceed their latent's threshold (JumpReLU); all without one. */
export function aboveThreshold(
  sparse: SparseLatents,
  threshold: Float32Array | undefined,
): SparseLatents {
  if (threshold === undefined) return sparse;
  const { rows, latents, offsets: before } = sparse;
  const isAbove = (entry: number) => sparse.values[entry] > threshold[sparse.indices[entry]];
  const offsets = new Uint32Array(rows + 1);
  const kept: number[] = [];
  for (let n = 0; n < rows; n++) {
    for (let entry = before[n]; entry < before[n + 1]; entry++) {
      if (isAbove(entry)) kept.push(entry);
    }
    offsets[n + 1] = kept.length;
  }
  return {
    rows,
    latents,
    offsets,
    indices: Uint32Array.from(kept, (entry) => sparse.indices[entry]),
    values: Float32Array.from(kept, (entry) => sparse.values[entry]),
  };
}

/** The scales of several lists of tokens, one after another. */
export function joinScales(parts: readonly TokenScale[]): TokenScale {
  if (parts.length === 1) return parts[0];
  const join = (key: keyof TokenScale) => {
    const all = new Float32Array(parts.reduce((sum, part) => sum + part[key].length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part[key], at);
      at += part[key].length;
    }
    return all;
  };
  return { mean: join("mean"), std: join("std") };
}
