/** When a training has stopped getting better on what it does not learn from. */

/** What is remembered between checks, through JSON. */
export interface StopStanding {
  /** The best value so far; absent before the first check. */
  best?: number;
  /** Checks since then. */
  since: number;
}

/** What a check says. */
export type StopVerdict = "better" | "worse" | "stop";

/**
 * Says of each check whether it is the best so far, and when so many in a row were not.
 *
 * @param patience checks without a better value after which it says to stop
 */
export class EarlyStop {
  readonly standing: StopStanding;

  constructor(
    readonly patience: number,
    { standing, isLower = true }: {
      /** Where an earlier run stood. @default before the first check */
      standing?: StopStanding;
      /** Whether lower is better. @default true */
      isLower?: boolean;
    } = {},
  ) {
    this.standing = standing ?? { since: 0 };
    this.isLower = isLower;
  }

  readonly isLower: boolean;

  /** @param value of a check; what is no number is never better */
  see(value: number): StopVerdict {
    const { best } = this.standing;
    const isBetter = best === undefined
      ? !Number.isNaN(value)
      : this.isLower
      ? value < best
      : value > best;
    if (isBetter) {
      this.standing.best = value;
      this.standing.since = 0;
      return "better";
    }
    return ++this.standing.since >= this.patience ? "stop" : "worse";
  }
}
