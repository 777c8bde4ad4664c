/** The headline of the motif experiment: how many contacts so many residues are enough for. */
import { bootstrap } from "../stats/bootstrap.ts";
import { RECOVERED } from "./motif.ts";
import { MOTIF_MODES, type MotifMode, type MotifResult, type MotifShare } from "./motif_types.ts";

/** Units of one protein at one number of residues. */
interface Tally {
  units: number;
  recovered: number;
}

/**
 * Share of units whose contacts are recovered against residues unmasked, for every set and mode. Each
 * point is of the units that have room for it; proteins are resampled whole.
 *
 * @param proteins results of each protein
 */
export async function motifShares(
  proteins: readonly (readonly MotifResult[])[],
  { resamples, seed, signal }: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<MotifShare[]> {
  const shares: MotifShare[] = [];
  for (const set of [...new Set(proteins.flat().map(({ unit }) => unit.set))].sort()) {
    const own = proteins.map((results) => results.filter(({ unit }) => unit.set === set))
      .filter((results) => results.length > 0);
    for (const mode of MOTIF_MODES) {
      const points = pointsOf(own, mode);
      const share = (tallies: readonly Tally[], counts?: Uint32Array) => {
        let units = 0, recovered = 0;
        tallies.forEach((tally, p) => {
          const times = counts ? counts[p] : 1;
          units += times * tally.units;
          recovered += times * tally.recovered;
        });
        return recovered / units;
      };
      const intervals = own.length < 2 ? [] : await bootstrap(
        own.length,
        resamples,
        seed,
        (counts) => points.map(({ tallies }) => share(tallies, counts)),
        { signal },
      );
      points.forEach(({ flank, unmasked, tallies }, i) =>
        shares.push({
          ...{ set, mode, flank, unmasked },
          proteins: tallies.filter(({ units }) => units > 0).length,
          units: tallies.reduce((sum, { units }) => sum + units, 0),
          recovered: tallies.reduce((sum, { recovered }) => sum + recovered, 0),
          share: share(tallies),
          interval: intervals[i] ?? { low: NaN, high: NaN },
        })
      );
    }
  }
  return shares;
}

/** The points of a mode's curve, each with the tallies of all proteins. */
function pointsOf(
  proteins: readonly (readonly MotifResult[])[],
  mode: MotifMode,
): { flank: number; unmasked: number; tallies: Tally[] }[] {
  const points = new Map<number, { flank: number; unmasked: number; tallies: Tally[] }>();
  proteins.forEach((results, p) => {
    for (const { curves } of results) {
      for (const { flank, unmasked, recovery } of curves[mode]) {
        const point = points.get(flank) ?? {
          flank,
          unmasked,
          tallies: proteins.map(() => ({ units: 0, recovered: 0 })),
        };
        points.set(flank, point);
        point.tallies[p].units++;
        if (recovery > RECOVERED) point.tallies[p].recovered++;
      }
    }
  });
  return [...points.values()].sort((a, b) => a.flank - b.flank);
}
