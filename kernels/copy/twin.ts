/** Copies an array; the memory ceiling of what this process computes itself. */
export function copy(source: Float32Array, target: Float32Array): void {
  target.set(source);
}
