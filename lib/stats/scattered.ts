/** Where marks would fall if they were scattered at random. */

/** ln n!, to about 1e-12 of its size. @param n a whole number from 0 */
export function logFactorial(n: number): number {
  if (n < 20) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) -
    1 / (360 * x ** 3) + 1 / (1260 * x ** 5);
}

/**
 * Groups that hold a mark when `marks` places of all are marked, each set of places as likely as another:
 * the expected number, from the hypergeometric distribution.
 *
 * @param groups how many groups there are of each size
 */
export function expectedGroups(marks: number, groups: ReadonlyMap<number, number>): number {
  let total = 0, expected = 0;
  for (const [size, count] of groups) total += size * count;
  for (const [size, count] of groups) {
    const others = total - size;
    // The ways to mark others alone, of the ways to mark any.
    const missed = marks > others ? 0 : Math.exp(
      logFactorial(others) - logFactorial(others - marks) - logFactorial(total) +
        logFactorial(total - marks),
    );
    expected += count * (1 - missed);
  }
  return expected;
}
