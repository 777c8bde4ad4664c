/**
 * Average product correction of an L × L map in place: x − (row sum · column sum) / sum (Dunn et al.
 * 2008, 10.1093/bioinformatics/btm604). A map that sums to zero stays as it is.
 */
export function apc(map: Float32Array): Float32Array {
  const length = Math.sqrt(map.length);
  const rows = new Float64Array(length), columns = new Float64Array(length);
  let total = 0;
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      const value = map[i * length + j];
      rows[i] += value;
      columns[j] += value;
      total += value;
    }
  }
  if (total === 0) return map;
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) map[i * length + j] -= rows[i] * columns[j] / total;
  }
  return map;
}

/** Sets the diagonal to zero, in place. */
export function zeroDiagonal(map: Float32Array): Float32Array {
  const length = Math.sqrt(map.length);
  for (let i = 0; i < length; i++) map[i * length + i] = 0;
  return map;
}
