/** Statistics of predictions among several classes, from how often each class was called which. */

/** How often class t was called class p, at `t · classes + p`; counts may be fractions. */
export interface Confusion {
  /** Number of classes. */
  readonly classes: number;
  /** Row: truth; column: called. */
  readonly counts: Float64Array;
}

/** What a class's predictions are worth. */
export interface ClassScores {
  /** Share of those called the class that are of it; 0 where none was called so (scikit-learn's convention). */
  precision: number;
  /** Share of the class's members that were called so; NaN where there is none. */
  recall: number;
  /** Harmonic mean of both; 0 where the class was never right, NaN where it neither is nor was called. */
  f1: number;
  /** Members. */
  support: number;
}

/** Counts pairs of truth and call. @param weights how often each counts; once unless given */
export function confusionOf(
  classes: number,
  truth: ArrayLike<number>,
  called: ArrayLike<number>,
  weights?: ArrayLike<number>,
): Confusion {
  const counts = new Float64Array(classes * classes);
  for (let i = 0; i < truth.length; i++) {
    counts[truth[i] * classes + called[i]] += weights ? weights[i] : 1;
  }
  return { classes, counts };
}

/** Precision, recall and F1 of each class. */
export function classScores({ classes, counts }: Confusion): ClassScores[] {
  return Array.from({ length: classes }, (_, k) => {
    let support = 0, calls = 0;
    for (let j = 0; j < classes; j++) {
      support += counts[k * classes + j];
      calls += counts[j * classes + k];
    }
    const right = counts[k * classes + k];
    return {
      precision: calls === 0 ? 0 : right / calls,
      recall: right / support,
      f1: 2 * right / (support + calls),
      support,
    };
  });
}

/** Share that is right; NaN for none. */
export function accuracy({ classes, counts }: Confusion): number {
  let right = 0, all = 0;
  for (let k = 0; k < classes; k++) right += counts[k * classes + k];
  for (const count of counts) all += count;
  return right / all;
}

/** Mean recall of the classes that have members. */
export const balancedAccuracy = (confusion: Confusion): number =>
  meanDefined(classScores(confusion).map(({ recall }) => recall));

/** Mean F1 of the classes that have members or were called. */
export const macroF1 = (confusion: Confusion): number =>
  meanDefined(classScores(confusion).map(({ f1 }) => f1));

/**
 * Matthews correlation of several classes (Gorodkin 2004, 10.1016/j.compbiolchem.2004.09.006), which for
 * two is the usual one; 0 where truth or calls have one class only (scikit-learn's convention).
 */
export function matthewsOf({ classes, counts }: Confusion): number {
  let all = 0, right = 0, calledTrue = 0, calledCalled = 0, trueTrue = 0;
  for (const count of counts) all += count;
  for (let k = 0; k < classes; k++) {
    let truth = 0, called = 0;
    for (let j = 0; j < classes; j++) {
      truth += counts[k * classes + j];
      called += counts[j * classes + k];
    }
    right += counts[k * classes + k];
    calledTrue += truth * called;
    calledCalled += called * called;
    trueTrue += truth * truth;
  }
  const product = Math.sqrt((all * all - calledCalled) * (all * all - trueTrue));
  return product === 0 ? 0 : (right * all - calledTrue) / product;
}

function meanDefined(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}
