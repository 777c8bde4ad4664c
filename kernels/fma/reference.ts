/** scale^r · x + offset · (1 + scale + … + scale^(r − 1)), the closed form of r steps. */
export function fmaReference(
  x: number,
  { rounds, scale, offset }: { rounds: number; scale: number; offset: number },
): number {
  const power = scale ** rounds;
  return power * x + offset * (scale === 1 ? rounds : (1 - power) / (1 - scale));
}
