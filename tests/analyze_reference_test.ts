import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { analyzeSites, type SiteOptions } from "../lib/sites/mod.ts";
import type { HeadRow } from "../lib/sites/types.ts";
import {
  choices,
  columnsOf,
  type EnumeratedNull,
  enumerateNull,
  gapNear,
  type GoldenProtein,
  goldenProteins,
  type GoldenScore,
  goldenScore,
  placements,
} from "./analyze_golden.ts";
import { allClose, equal, ok } from "./assert.ts";
import { forwardFixtures } from "./fixtures.ts";
import { runsGpuTests } from "./gpu.ts";

const TRIALS = 1000;
/** Deviations, in standard errors, that a random number may have: one in a million is further off. */
const SIGMAS = 5;
/** Masses are summed and stored in single precision; no sum here has more than 128 terms. */
const ROUNDING = 128 * 2 ** -24;

const fixtures = forwardFixtures().filter(({ arrays }) => arrays.attentions);
const backends = ["cpu", "wasm", ...(runsGpuTests ? ["webgpu"] as const : [])] as const;
if (!runsGpuTests) console.log("analyze reference: webgpu skipped, no adapter found");

/** Three residues spread over the protein, not neighbours. */
function sitesOf({ tokens }: GoldenProtein): number[] {
  const n = tokens - 2;
  return [Math.ceil(n * 0.2), Math.ceil(n * 0.5), Math.ceil(n * 0.55)];
}

const inputOf = (protein: GoldenProtein, sites: readonly number[]) => ({
  id: protein.id,
  residues: protein.residues,
  sites: sites.map((residue) => ({ residue, letter: "" })),
});

/** Fails unless a head's numbers are those of the golden attention within float32's error. */
function compareRow(row: HeadRow, expected: GoldenScore, label: string): void {
  const { error } = expected;
  const near = (actual: number, wanted: number, atol: number, name: string) =>
    allClose([actual], [wanted], { atol, rtol: ROUNDING }, `${label} ${name}`);
  near(row.observed, expected.observed, error.observed, "observed");
  near(row.exactMean, expected.mean, error.mean, "exact mean");
  // Sums of single-precision masses deviate by their own rounding where all are alike.
  near(row.exactSd, expected.sd, error.sd + ROUNDING * expected.mean, "exact sd");
  near(row.enrichment, expected.enrichment, error.enrichment, "enrichment");
  near(row.pAlpha, expected.pAlpha, error.pAlpha, "p_alpha");
  if (!Number.isFinite(expected.z)) {
    equal(row.z, expected.z, `${label} z`);
    return;
  }
  const { z, sd } = expected;
  const moved = error.observed + error.mean + ROUNDING * (expected.observed + expected.mean) +
    Math.abs(z) * (error.sd + ROUNDING * expected.mean);
  // Where the masses hardly differ, z divides rounding by rounding.
  if (moved < 0.5 * sd) near(row.z, z, 2 * moved / sd, "z");
}

/** Fails unless sampled numbers lie within the statistical error of the trials. */
function compareSample(row: HeadRow, exact: EnumeratedNull, slack: number, label: string): void {
  const { mean, sd, kurtosis } = exact;
  const tolerance = slack + SIGMAS * sd / Math.sqrt(TRIALS);
  allClose([row.baselineMean], [mean], { atol: tolerance }, `${label} mean`);
  if (sd > 0) {
    // The variance of a sample variance is sd⁴ (kurtosis − 1) / trials; where that vanishes (two equally
    // likely values) the deviation of the sample mean is what is left.
    const spread = SIGMAS * Math.sqrt(Math.max(0, kurtosis - 1) / TRIALS) + SIGMAS ** 2 / TRIALS;
    ok(
      Math.abs(row.baselineSd ** 2 - sd ** 2) <= (spread * sd + 2 * slack) * sd + slack ** 2,
      `${label}: sampled sd ${row.baselineSd} of ${sd}`,
    );
  }
  const share = (row.pPermutation * (1 + TRIALS) - 1) / TRIALS;
  const [least, most] = exact.atLeast;
  const error = (p: number) => SIGMAS * Math.sqrt(p * (1 - p) / TRIALS) + 2 * SIGMAS / TRIALS;
  ok(share >= least - error(least), `${label}: share ${share} of at least ${least}`);
  ok(share <= most + error(most), `${label}: share ${share} of at most ${most}`);
}

async function analyze(
  fixture: { model: string },
  backendName: "cpu" | "wasm" | "webgpu",
  runs: ((model: Esm2) => Promise<void>)[],
): Promise<void> {
  await using backend = (await openBackend(backendName)).backend;
  using checkpoint = await openCheckpoint(fixture.model);
  await using model = await Esm2.open(checkpoint, backend);
  for (const run of runs) await run(model);
}

const slackOf = ({ error, mean }: GoldenScore) => error.mean + error.observed + ROUNDING * mean;

Deno.test("fixtures leave room for thresholds that rounding cannot cross", () => {
  for (const fixture of fixtures) {
    for (const target of [0.3, 0.1]) {
      const { margin } = gapNear(goldenProteins(fixture), target);
      // Ten times the largest difference that parity tests find in attention.
      ok(margin > 2e-5, `${fixture.name} near ${target}: ${margin}`);
    }
  }
});

/** p-values of one configuration by backend, with what enumeration says may differ. */
const counts = new Map<string, { p: number; isClear: boolean }>();

/** Software adapters are slow: one fixture of each model, padded batches among them. */
const ON_GPU = ["rand_t2_d64_h4_odd", "rand_t3_d40_h20_batch", "tiny_hp36", "tiny_batch"];

for (const backend of backends) {
  for (const fixture of fixtures) {
    if (backend === "webgpu" && !ON_GPU.includes(fixture.name)) continue;
    Deno.test({
      name: `analyzeSites agrees with golden attention: ${fixture.name} on ${backend}`,
      sanitizeResources: false,
      sanitizeOps: false,
      fn: () => analyze(fixture, backend, [(model) => againstGolden(model, fixture.name, backend)]),
    });
  }
}

async function againstGolden(model: Esm2, name: string, backend: string): Promise<void> {
  const proteins = goldenProteins(fixtures.find((f) => f.name === name)!);
  const inputs = proteins.map((protein) => inputOf(protein, sitesOf(protein)));
  const { theta: high } = gapNear(proteins, 0.3), { theta: low } = gapNear(proteins, 0.1);
  const configurations: SiteOptions[] = [
    { threshold: high },
    { threshold: low },
    { threshold: 0 },
    { threshold: high, specials: true },
    { threshold: 0, specials: true },
    { threshold: high, nullMode: "contiguous" },
    { threshold: 0, nullMode: "contiguous" },
  ];
  for (const configuration of configurations) {
    const { threshold, specials = false, nullMode } = configuration;
    const found = await analyzeSites(model, inputs, { ...configuration, trials: TRIALS, seed: 7 });
    proteins.forEach((protein, b) => {
      equal(found.proteins[b].id, protein.id, "results come in the order of the proteins");
      equal(found.proteins[b].rows.length, protein.heads.length);
      const sites = sitesOf(protein), columns = columnsOf(protein, specials);
      const sets = nullMode === "contiguous"
        ? placements(columns, sites)
        : choices(columns.filter((j) => !sites.includes(j)), sites.length);
      protein.heads.forEach((head, g) => {
        const row = found.proteins[b].rows[g];
        const label = `${protein.id} ${JSON.stringify(configuration)} ${head.layer},${head.head}`;
        equal(`${row.layer},${row.head}`, `${head.layer},${head.head}`);
        const expected = goldenScore(protein, head, sites, threshold!, specials);
        const exact = enumerateNull(expected, sets);
        if (nullMode === "contiguous") {
          Object.assign(expected, { mean: exact.mean, sd: exact.sd });
          expected.z = (expected.observed - exact.mean) / exact.sd;
          // A sum of n masses moves by at most the sum of the largest movements.
          const most = sites.length * Math.max(...columns.map((j) => expected.massError[j]));
          Object.assign(expected.error, { mean: most, sd: most });
        } else {
          // The finite-population formula against enumeration: same loops, so only their rounding.
          allClose([expected.mean, expected.sd], [exact.mean, exact.sd], {
            rtol: 1e-9,
            atol: 1e-12,
          });
        }
        compareRow(row, expected, label);
        compareSample(row, exact, slackOf(expected), label);
        const [least, most] = exact.atLeast;
        const before = counts.get(label);
        if (!before) counts.set(label, { p: row.pPermutation, isClear: least === most });
        else if (before.isClear) equal(row.pPermutation, before.p, `${label} p on ${backend}`);
      });
    });
  }
}

Deno.test("p-values are compared across backends for most heads", () => {
  // Sets within rounding of the observed sum may count on one backend and not on another.
  const clear = [...counts.values()].filter(({ isClear }) => isClear).length;
  ok(clear > 0.8 * counts.size, `${clear} of ${counts.size} heads are free of near ties`);
});

for (const backend of backends) {
  Deno.test({
    name: `analyzeSites gives a protein the same alone and in a batch on ${backend}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const names = ["tiny_hp36", "tiny_gb1", "tiny_trpcage"];
      const proteins = names.flatMap((name) =>
        goldenProteins(fixtures.find((f) => f.name === name)!)
      );
      const inputs = proteins.map((protein) => inputOf(protein, sitesOf(protein)));
      const { theta } = gapNear(proteins, 0.3);
      await analyze(fixtures.find((f) => f.name === names[0])!, backend, [async (model) => {
        for (const threshold of [theta, 0]) {
          const together = await analyzeSites(model, inputs, { threshold, layers: [3, 1] });
          for (const [i, input] of inputs.entries()) {
            const alone = await analyzeSites(model, [input], { threshold });
            equal(together.proteins[i].id, input.id);
            const rows = alone.proteins[0].rows.filter(({ layer }) => layer % 2 === 1);
            equal(together.proteins[i].rows.length, rows.length);
            rows.forEach((row, g) => {
              const other = together.proteins[i].rows[g];
              const head = proteins[i].heads.find((h) =>
                h.layer === row.layer && h.head === row.head
              )!;
              const golden = goldenScore(proteins[i], head, sitesOf(proteins[i]), threshold, false);
              const atol = 2 * slackOf(golden);
              for (const key of ["observed", "baselineMean", "exactMean"] as const) {
                allClose([other[key]], [row[key]], { atol }, `${input.id} ${key}`);
              }
            });
          }
        }
      }]);
    },
  });
}
