/** Which latents the circuits of several mutations or proteins have in common. */

/** |A ∩ B| / |A ∪ B|; NaN of two empty sets. */
export function jaccard(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let shared = 0;
  for (const one of a) if (b.has(one)) shared++;
  const all = a.size + b.size - shared;
  return all === 0 ? NaN : shared / all;
}

/** A latent and in how many sets it is. */
export interface SharedLatent {
  /** 0-based. */
  latent: number;
  /** How many sets hold it. */
  sets: number;
}

/** Every latent of any set, the most frequent first, then by number. */
export function countLatents(sets: readonly ReadonlySet<number>[]): SharedLatent[] {
  const counts = new Map<number, number>();
  for (const set of sets) for (const one of set) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].map(([latent, sets]) => ({ latent, sets }))
    .sort((a, b) => b.sets - a.sets || a.latent - b.latent);
}

/** Mean Jaccard index over all pairs of sets that are not both empty; NaN without such a pair. */
export function meanJaccard(sets: readonly ReadonlySet<number>[]): number {
  let sum = 0, pairs = 0;
  sets.forEach((a, i) =>
    sets.slice(i + 1).forEach((b) => {
      const index = jaccard(a, b);
      if (Number.isNaN(index)) return;
      sum += index;
      pairs++;
    })
  );
  return pairs === 0 ? NaN : sum / pairs;
}
