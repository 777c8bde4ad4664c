/** Copying as it is defined: element by element. */
export function copyReference(source: ArrayLike<number>): number[] {
  const target: number[] = [];
  for (let i = 0; i < source.length; i++) target[i] = source[i];
  return target;
}
