/** A process of fixed work, none of it this project's: what a cold start is measured against. */

const VALUES = 2 ** 20, ROUNDS = 120;

if (import.meta.main) {
  const values = new Float64Array(VALUES);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < VALUES; i++) values[i] = (values[i] + i * 1e-6) * 0.999;
  }
  console.log(JSON.stringify(values[VALUES - 1]));
}
