import { drawSiteSets } from "../kernels/site_baseline/mod.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { analyzeSites, type LegacyRow } from "../lib/sites/mod.ts";
import { tTestMeanLess } from "../lib/stats/student_t.ts";
import { gapNear, type GoldenHead, type GoldenProtein, goldenProteins } from "./analyze_golden.ts";
import { analyzed, GB1, HP36, inFolder, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { forwardFixtures } from "./fixtures.ts";

/** What allostery_heads computes of one head, written from its description, in double precision. */
interface Published {
  /** Attention that the columns `site − 1` of the token axis receive. */
  allosteric: number;
  /** The same of each random draw. */
  draws: number[];
  impact: number;
  snr: number;
}

function published(
  { tokens }: GoldenProtein,
  { attention }: GoldenHead,
  sites: readonly number[],
  draws: readonly (readonly number[])[],
  theta: number,
): Published {
  const columnSum = (j: number) => {
    let sum = 0;
    for (let i = 0; i < tokens; i++) {
      if (attention(i, j) > theta) sum += attention(i, j);
    }
    return sum;
  };
  const columns = Array.from({ length: tokens }, (_, j) => columnSum(j));
  const total = (list: readonly number[]) => list.reduce((s, j) => s + columns[j], 0);
  const allosteric = total(sites.map((site) => site - 1));
  const sums = draws.map(total);
  const mean = sums.reduce((a, b) => a + b, 0) / sums.length;
  const sd = Math.sqrt(sums.reduce((a, b) => a + (b - mean) ** 2, 0) / sums.length);
  return {
    allosteric,
    draws: sums,
    impact: mean === 0 ? 0 : allosteric / mean,
    snr: (allosteric - mean) / (sd + 1e-10),
  };
}

/** Student's t: P(T < t), by Simpson's rule on the angle (t = √df tan u makes it a power of cos u). */
function studentBelow(t: number, df: number): number {
  const density = (u: number) => Math.cos(u) ** (df - 1);
  const area = (from: number, to: number) => {
    const steps = 20_000, h = (to - from) / steps;
    let sum = density(from) + density(to);
    for (let k = 1; k < steps; k++) sum += density(from + k * h) * (k % 2 ? 4 : 2);
    return sum * h / 3;
  };
  // Beyond a quarter turn cos vanishes; the density is negligible long before.
  const end = Math.PI / 2, at = Math.atan(t / Math.sqrt(df));
  return area(-end, at) / area(-end, end);
}

/** One-sample t-test, alternative "less", as SciPy defines it. */
function tTestLess(values: readonly number[], expected: number): number {
  const n = values.length, mean = values.reduce((a, b) => a + b, 0) / n;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1);
  if (variance === 0) return mean > expected ? 1 : mean < expected ? 0 : NaN;
  return studentBelow((mean - expected) / Math.sqrt(variance / n), n - 1);
}

const SITES = [1, 9, 10, 22];
const fixture = forwardFixtures().find(({ name }) => name === "tiny_hp36")!;
const [protein] = goldenProteins(fixture);
const { theta } = gapNear([protein], 0.3);
const trials = 1000, seed = 3;

async function legacyRows(backendName: "cpu" | "wasm"): Promise<LegacyRow[]> {
  await using backend = (await openBackend(backendName)).backend;
  using checkpoint = await openCheckpoint(fixture.model);
  await using model = await Esm2.open(checkpoint, backend);
  const sites = SITES.map((residue) => ({ residue, letter: "" }));
  const { legacy, proteins } = await analyzeSites(model, [{ ...protein, sites }], {
    threshold: theta,
    trials,
    seed,
    legacy: "allostery_heads",
  });
  equal(legacy!.length, 1);
  deepEqual(proteins[0].sites, sites, "results still name the residues that were asked for");
  return legacy![0];
}

/** The draws that the analysis makes: any columns of the token axis but the sites'. */
function draws(): number[][] {
  const columns = Uint32Array.from(SITES, (site) => site - 1);
  const sets = drawSiteSets({
    columns: protein.tokens,
    sites: columns,
    trials,
    seed,
    mode: "uniform",
  });
  return Array.from(
    { length: trials },
    (_, k) => [...sets.subarray(k * SITES.length, (k + 1) * SITES.length)],
  );
}

for (const backend of ["cpu", "wasm"] as const) {
  Deno.test({
    name: `legacy allostery_heads equals its description on golden attention: ${backend}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const rows = await legacyRows(backend), sets = draws();
      // <cls> and <eos> may be drawn, the sites' columns may not.
      const drawn = new Set(sets.flat());
      equal(drawn.size, protein.tokens - SITES.length);
      ok(drawn.has(protein.tokens - 1) && !drawn.has(0), "site 1 is <cls>, which is no draw");
      const expected = protein.heads.map((head) => published(protein, head, SITES, sets, theta));
      const impacts = expected.map(({ impact }) => impact);
      rows.forEach((row, g) => {
        const { head } = protein.heads[g], want = expected[g];
        const label = `${row.layer},${row.head}`;
        equal(label, `${protein.heads[g].layer},${head}`);
        // Float32 sums of at most 40 entries near 1, over means and deviations not below 1e-2.
        allClose([row.impact], [want.impact], { atol: 1e-4, rtol: 1e-4 }, `${label} impact`);
        allClose([row.snr], [want.snr], { atol: 1e-3, rtol: 1e-3 }, `${label} snr`);
        // A p-value falls as the value it is tested against rises.
        const bounds = [1, -1].map((sign) =>
          tTestLess(want.draws, want.allosteric - sign * 1e-4 * (1 + want.allosteric))
        );
        if (want.draws.every((w) => w === want.allosteric)) ok(Number.isNaN(row.pValue), label);
        else {
          ok(row.pValue <= Math.max(...bounds) + 1e-6, `${label} p ${row.pValue} of ${bounds}`);
          ok(row.pValue >= Math.min(...bounds) - 1e-6, `${label} p ${row.pValue} of ${bounds}`);
        }
        allClose([row.pValueHeads], [tTestLess(impacts, impacts[g])], {
          atol: 1e-4,
          rtol: 1e-3,
        }, `${label} p over heads`);
        equal(row.selected, row.pValueHeads < 0.01 && row.snr > 2, label);
      });
      ok(impacts.some((impact) => impact === 0), "a head with an empty baseline is among them");
    },
  });
}

Deno.test({
  name: "legacy allostery_heads summarises a table with undefined impacts as 0, and all proteins",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () =>
    inFolder(async (dir) => {
      // The first head of the last protein sees none of its sites: its baseline is empty.
      const ttc = "TTCCPSIVARSNFNVCRLPGTPEALCATYTGCIIIPGATCPGDYAN";
      await Deno.writeTextFile(
        `${dir}/in.csv`,
        `id,sequence,sites\ngb1,${GB1},3 10-12 45\nhp36,${HP36},"9,10"\nttc,${ttc},"1,46"\n`,
      );
      await analyzed(
        ...["--legacy", "allostery_heads", "--table", `${dir}/in.csv`, "--out", `${dir}/out`],
        ...["--backend", "cpu"],
      );
      const { rows } = readCsv(`${dir}/out/legacy.csv`);
      const summary = readCsv(`${dir}/out/summary.csv`).rows;
      const undefined_ = readCsv(`${dir}/out/heads.csv`).rows.filter(({ impact }) =>
        impact === "NaN"
      );
      ok(undefined_.length > 0, "an impact is undefined");
      for (const { layer, head, proteins, impact_mean, impact_sd, impact_snr } of summary) {
        const impacts = rows.filter((row) => row.layer === layer && row.head === head)
          .map(({ impact }) => Number(impact));
        const mean = impacts.reduce((a, b) => a + b, 0) / 3;
        const sd = Math.sqrt(impacts.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2);
        equal(proteins, "3");
        allClose([Number(impact_mean), Number(impact_sd)], [mean, sd], {
          rtol: 1e-12,
          atol: 1e-12,
        });
        allClose([Number(impact_snr)], [mean / (sd + 1e-10)], { rtol: 1e-12, atol: 1e-12 });
      }
    }),
});

const python = `
import json, sys, warnings
import numpy as np
from scipy.stats import ttest_1samp
warnings.simplefilter("ignore")
data = json.load(sys.stdin)
p = [ttest_1samp(np.array(d), w, alternative="less").pvalue for d, w in data["tests"]]
heads = np.array(data["impacts"])
h = [ttest_1samp(heads, x, alternative="less").pvalue for x in heads]
json.dump([[None if np.isnan(x) else float(x) for x in list_] for list_ in (p, h)], sys.stdout)
`;

async function runPython(code: string, input: string): Promise<string | undefined> {
  try {
    const child = new Deno.Command("python3", {
      args: ["-c", code],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { success, stdout } = await child.output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

const hasSciPy = await runPython("import numpy, scipy.stats; print(1)", "") !== undefined;

Deno.test({
  name: `legacy t-tests equal SciPy's${hasSciPy ? "" : " (skipped: no python3 with scipy)"}`,
  ignore: !hasSciPy,
  async fn() {
    const sets = draws();
    const heads = protein.heads.map((head) => published(protein, head, SITES, sets, theta));
    const impacts = heads.map(({ impact }) => impact);
    const tests = heads.map(({ draws, allosteric }) => [draws, allosteric]);
    const [p, h] = JSON.parse(
      (await runPython(python, JSON.stringify({ tests, impacts })))!,
    ) as (number | null)[][];
    // The library's incomplete beta function is good to 1e-7.
    heads.forEach(({ draws, allosteric }, g) => {
      const actual = tTestMeanLess(draws, allosteric);
      allClose([actual], [p[g] ?? NaN], { rtol: 1e-6 }, `draws of head ${g}`);
      allClose([tTestMeanLess(impacts, impacts[g])], [h[g]!], { rtol: 1e-6 }, `heads ${g}`);
    });
  },
});
