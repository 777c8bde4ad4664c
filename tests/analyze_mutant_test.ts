import { type Backend, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { analyzeSites } from "../lib/sites/mod.ts";
import type { Replaced } from "../lib/sites/types.ts";
import { analyze, analyzed, csvNumber, HP36, inFolder, listing, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { forwardFixtures, tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf, record } from "./parity.ts";

const LETTERS = "ACDEFGHIKLMNPQRSTVWY";
const { sequences: [residues], arrays } = forwardFixtures().find(({ name }) =>
  name === "tiny_trpcage"
)!;
const SITES = [3, 6, 12], LAYERS = 4, HEADS = 8;

/** Attention of each substitution, whole, f64[layer][head][T, T], by its letter. */
async function attentions(model: Esm2, position: number): Promise<Map<string, number[][][]>> {
  const found = new Map<string, number[][][]>();
  for (const letter of LETTERS) {
    const own = residues.slice(0, position - 1) + letter + residues.slice(position);
    const { attention } = await record(model, batchOf([own]));
    const size = (residues.length + 2) ** 2;
    found.set(
      letter,
      attention.map((layer) =>
        Array.from({ length: HEADS }, (_, h) => Array.from(layer.slice(h * size, (h + 1) * size)))
      ),
    );
  }
  return found;
}

/** Total variation of the rows of residues, and what each residue receives more, as defined. */
function changeOf(before: ArrayLike<number>, after: ArrayLike<number>) {
  const length = residues.length, width = length + 2;
  let total = 0;
  const received = new Array<number>(length).fill(0);
  for (let i = 1; i <= length; i++) {
    let row = 0;
    for (let j = 0; j < width; j++) row += Math.abs(after[i * width + j] - before[i * width + j]);
    total += row / 2 / length;
    for (let j = 1; j <= length; j++) {
      received[j - 1] += after[i * width + j] - before[i * width + j];
    }
  }
  return { total, received };
}

function beside(values: Map<string, number>, own: string) {
  const value = values.get(own)!;
  const others = [...values].filter(([letter]) => letter !== own).map(([, x]) => x);
  const mean = others.reduce((sum, x) => sum + x, 0) / others.length;
  const sd = Math.sqrt(others.reduce((sum, x) => sum + (x - mean) ** 2, 0) / others.length);
  const rank = 1 + others.filter((x) => Math.abs(x) >= Math.abs(value)).length;
  return { value, mean, sd, rank, others: others.length };
}

async function check(backend: Backend): Promise<void> {
  using checkpoint = await openCheckpoint(tinyPath);
  await using model = await Esm2.open(checkpoint, backend);
  const position = 6, wild = residues[position - 1];
  const sites = SITES.map((residue) => ({ residue, letter: residues[residue - 1] }));
  const mutants = ["A", "K"].map((to) => ({ name: `${wild}6${to}`, position, from: wild, to }));
  const done: [number, number][] = [];
  const { proteins: [{ mutants: found = [] }] } = await analyzeSites(
    model,
    [{ id: "trp-cage", residues, sites, mutants }],
    { trials: 10, onProgress: (a, b) => done.push([a, b]) },
  );
  equal(backend.liveBytes > 0, true, "the model is still there");
  deepEqual(done.at(-1), [done.at(-1)![1], done.at(-1)![1]], "progress ends at its total");
  const all = await attentions(model, position);
  // The wild type's attention is fair-esm's.
  const size = (residues.length + 2) ** 2, golden = arrays.attentions.data;
  const wildOf = (layer: number, head: number) =>
    golden.subarray((layer * HEADS + head) * size, (layer * HEADS + head + 1) * size);
  equal(found.length, 2);
  for (const mutant of found) {
    equal(mutant.others, 18);
    equal(mutant.rows.length, LAYERS * HEADS);
    for (const row of mutant.rows) {
      const { layer, head } = row;
      const changes = new Map(
        [...LETTERS].filter((letter) => letter !== wild).map((letter) =>
          [letter, changeOf(wildOf(layer, head), all.get(letter)![layer][head])] as const
        ),
      );
      const by = (of: (one: ReturnType<typeof changeOf>) => number) =>
        beside(new Map([...changes].map(([letter, one]) => [letter, of(one)])), mutant.to);
      const same = (actual: Replaced, expected: ReturnType<typeof beside>, atol: number) => {
        allClose(
          [actual.value, actual.mean, actual.sd],
          [expected.value, expected.mean, expected.sd],
          { atol },
        );
        equal(expected.others, 18);
        ok(Math.abs(actual.p - actual.rank / 19) < 1e-12);
        ok(Math.abs(actual.rank - expected.rank) <= 1, "ranks differ by rounding only");
      };
      // Attention agrees with fair-esm's to 2e-5 an entry; errors of a row's 22 entries do not add up.
      same(row.change, by(({ total }) => total), 5e-5);
      same(row.sites, by(({ received }) => SITES.reduce((s, r) => s + received[r - 1], 0)), 3e-4);
      const profile = mutant.profiles.find((one) => one.layer === layer && one.head === head);
      profile?.received.forEach((value, j) => {
        const { mean, sd, ...expected } = by(({ received }) => received[j]);
        allClose(
          [value, profile.mean[j], profile.sd[j]],
          [expected.value, mean, sd],
          { atol: 2e-4 },
        );
      });
    }
    equal(mutant.profiles.length, 10);
    const [first] = mutant.profiles;
    const best = Math.min(...mutant.rows.map(({ change }) => change.rank));
    const row = mutant.rows.find((r) => r.layer === first.layer && r.head === first.head)!;
    equal(row.change.rank, best);
  }
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `analyze --mutant is the difference of two attentions read whole: ${name}${
      skip ? gpuSkipped : ""
    }`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      await check(backend);
      equal(backend.liveBytes, 0, "every tensor is freed");
    },
  });
}

function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({ name, sanitizeResources: false, sanitizeOps: false, fn: () => inFolder(fn) });
}

const onHp36 = (dir: string, ...args: string[]) =>
  analyzed("--sequence", HP36, "--sites", "3,17,18", "--backend", "cpu", "--out", dir, ...args);

test("analyze --mutant: tables, and the rest of the results stays what it is", async (dir) => {
  const { out } = await onHp36(`${dir}/a`, "--mutant", "M13A,p.Phe7Trp");
  await onHp36(`${dir}/b`);
  deepEqual(listing(`${dir}/a`), [
    ...["heads.csv", "mutant_residues.csv", "mutants.csv", "report.html", "run.json"],
  ]);
  equal(
    Deno.readTextFileSync(`${dir}/a/heads.csv`),
    Deno.readTextFileSync(`${dir}/b/heads.csv`),
  );
  const { rows } = readCsv(`${dir}/a/mutants.csv`);
  equal(rows.length, 2 * LAYERS * HEADS);
  deepEqual([...new Set(rows.map(({ mutation }) => mutation))], ["M13A", "F7W"]);
  for (const row of rows) {
    equal(csvNumber(row.p), csvNumber(row.rank) / 19);
    ok(csvNumber(row.change) >= 0 && csvNumber(row.change) <= 1);
  }
  const residues = readCsv(`${dir}/a/mutant_residues.csv`);
  equal(residues.rows.length, 2 * 10 * HP36.length);
  deepEqual(
    residues.rows.slice(0, HP36.length).map(({ letter, site }) => [letter, site]),
    [...HP36].map((letter, i) => [letter, String([3, 17, 18].includes(i + 1))]),
  );
  match(out, /M13A changes \d+ of 32 heads more than each of the 18 other substitutions there/);
  // A shard computes the same.
  for (const i of [1, 2]) {
    await onHp36(`${dir}/s${i}`, "--mutant", "M13A,F7W", "--shard", `${i}/2`, "--no-report");
  }
});

test("analyze --mutant without sites takes the mutated residues", async (dir) => {
  const args = ["--sequence", HP36, "--mutant", "M13A,F7W", "--out", dir, "--no-report"];
  const { err } = await analyzed(...args, "--backend", "cpu", "--loud");
  match(err, /the mutated residues are the sites/);
  const { rows } = readCsv(`${dir}/mutant_residues.csv`);
  deepEqual(
    [...new Set(rows.filter(({ site }) => site === "true").map(({ residue }) => residue))],
    ["7", "13"],
  );
});

test("analyze --mutant in a table: proteins with and without mutations", async (dir) => {
  const table = `id,sequence,sites,mutant\na,${HP36},3,M13A\nb,${HP36},3,\n`;
  await Deno.writeTextFile(`${dir}/in.csv`, table);
  const out = `${dir}/out`;
  await analyzed("--table", `${dir}/in.csv`, "--out", out, "--backend", "cpu");
  const { rows } = readCsv(`${out}/mutants.csv`);
  deepEqual([...new Set(rows.map(({ protein }) => protein))], ["a"]);
  const wrong = await analyze(
    ...["--table", `${dir}/in.csv`, "--mutant", "M13A", "--out", out, "--backend", "cpu"],
  );
  equal(wrong.code, 2);
  match(wrong.err, /--table together with --mutant/);
});
