/** What Muon takes, on either processor. */

/** Numbers of a step that are the same for all matrices of a shape. */
export interface MuonNumbers {
  /** Share of the momentum that stays. */
  readonly momentum: number;
  /** What stays of a weight. */
  readonly kept: number;
  /** What a matrix of singular values near 1 is multiplied by. */
  readonly size: number;
}

/** The numbers of a step for matrices of a shape. */
export const muonNumbers = (
  { momentum, decay }: { momentum: number; decay: number },
  rate: number,
  [rows, columns]: readonly number[],
): MuonNumbers => ({
  momentum,
  kept: 1 - rate * decay,
  size: rate * Math.sqrt(Math.max(1, rows / columns)),
});
