import { readNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { goldenProteins } from "./analyze_golden.ts";
import { analyzed, HP36, inFolder, listing, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { forwardFixtures } from "./fixtures.ts";
import { runsGpuTests } from "./gpu.ts";
import { hasNumpy, numpySkipped, runPython } from "./python.ts";

const [golden] = goldenProteins(forwardFixtures().find(({ name }) => name === "tiny_hp36")!);
const L = HP36.length;

/** Golden attention among residues, f32[layers, heads, L, L]. */
function expected(layers: readonly number[]): Float32Array {
  const heads = golden.heads.filter(({ layer }) => layers.includes(layer));
  const out = new Float32Array(heads.length * L * L);
  heads.forEach(({ attention }, k) => {
    for (let i = 0; i < L; i++) {
      for (let j = 0; j < L; j++) out[(k * L + i) * L + j] = attention(i + 1, j + 1);
    }
  });
  return out;
}

async function readArchive(path: string) {
  using source = await openRandomAccess(path);
  return await readNpz(source);
}

/** Native sessions are not freed within the test. */
function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => inFolder(fn),
  });
}

const onHp36 = (dir: string, ...args: string[]) =>
  analyzed("--sequence", HP36, "--sites", "3,17", "--out", dir, "--save-attention", ...args);

for (const backend of ["cpu", "wasm", ...(runsGpuTests ? ["webgpu"] : [])]) {
  test(`analyze --save-attention writes the attention among residues on ${backend}`, async (dir) => {
    await onHp36(dir, "--backend", backend, "--layers", "1,3");
    equal(listing(dir).join(), "attention.npz,heads.csv,report.html,run.json");
    const arrays = await readArchive(`${dir}/attention.npz`);
    const { shape, data } = arrays.get("attention")!;
    deepEqual(shape, [2, 8, L, L]);
    ok(data instanceof Float32Array);
    // The parity tests' tolerance of attention.
    allClose(data, expected([1, 3]), { atol: 2e-5 }, "attention");
    for (let row = 0; row < data.length; row += L) {
      let sum = 0;
      for (let j = row; j < row + L; j++) sum += data[j];
      ok(sum <= 1 + 1e-5, `row ${row / L} sums to ${sum}`);
    }
    deepEqual([...arrays.get("layers")!.data as BigInt64Array], [1n, 3n]);
  });
}

for (
  const [flags, legacy] of [["--keep-specials", false], ["--legacy allostery_heads", true]] as const
) {
  test(`analyze ${flags} --save-attention writes the attention among all tokens`, async (dir) => {
    const args = [...flags.split(" "), "--save-site-attention"];
    await onHp36(dir, "--backend", "cpu", "--layers", "1,3", ...flags.split(" "));
    const { shape, data } = (await readArchive(`${dir}/attention.npz`)).get("attention")!;
    deepEqual(shape, [2, 8, L + 2, L + 2]);
    const heads = golden.heads.filter(({ layer }) => layer === 1 || layer === 3);
    const all = new Float32Array(heads.length * (L + 2) ** 2);
    heads.forEach(({ attention }, k) => {
      for (let i = 0; i < L + 2; i++) {
        for (let j = 0; j < L + 2; j++) all[(k * (L + 2) + i) * (L + 2) + j] = attention(i, j);
      }
    });
    allClose(data as Float32Array, all, { atol: 2e-5 }, "attention");

    const sites = [9, 10];
    await analyzed(
      ...["--sequence", HP36, "--sites", "9,10", "--out", `${dir}/table`, "--backend", "cpu"],
      ...args,
    );
    const text = Deno.readTextFileSync(`${dir}/table/attention_to_sites.csv`).trimEnd().split("\n");
    equal(
      text[0],
      "Layer,Head,From (Query Position),To (Allosteric Position),Attention Score",
    );
    const rows = text.slice(1).map((line) => line.split(",").map(Number));
    const chosen = legacy
      ? readCsv(`${dir}/table/legacy.csv`).rows.filter(({ selected }) => selected === "true")
      : readCsv(`${dir}/table/heads.csv`).rows.filter(({ impact, snr }) =>
        Number(impact) > 1.5 && Number(snr) > 2
      );
    ok(chosen.length > 0);
    equal(rows.length, chosen.length * (L + 2) * sites.length);
    deepEqual([...new Set(rows.map(([layer, head]) => `${layer} ${head}`))], [
      ...chosen.map(({ layer, head }) => `${layer} ${head}`),
    ]);
    // That tool counts all tokens from 1 and looks site i up in column i − 1; else <cls> is 0.
    deepEqual(
      rows.slice(0, 3).map(([, , from, to]) => [from, to]),
      legacy ? [[1, 9], [1, 10], [2, 9]] : [[0, 9], [0, 10], [1, 9]],
    );
    for (const [layer, head, from, to, value] of rows) {
      const { attention } = golden.heads.find((h) => h.layer === layer && h.head === head)!;
      const expected = legacy ? attention(from - 1, to - 1) : attention(from, to);
      allClose([value], [expected], { atol: 2e-5 });
    }
  });
}

test("analyze --save-site-attention is of residues, one file a protein", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.csv`, `id,sequence,sites\na,${HP36},"3,17"\nb,${HP36},9\n`);
  const args = ["--table", `${dir}/in.csv`, "--backend", "cpu", "--out", `${dir}/out`];
  await analyzed(...args, "--save-site-attention");
  const files = listing(`${dir}/out`).filter((name) => name.includes("attention"));
  deepEqual(files, ["a.attention_to_sites.csv", "b.attention_to_sites.csv"]);
  const rows = Deno.readTextFileSync(`${dir}/out/b.attention_to_sites.csv`).trimEnd().split("\n")
    .slice(1).map((line) => line.split(",").map(Number));
  ok(rows.length > 0 && rows.length % L === 0);
  for (const [layer, head, from, to, value] of rows) {
    const { attention } = golden.heads.find((h) => h.layer === layer && h.head === head)!;
    ok(from >= 1 && from <= L && to === 9);
    allClose([value], [attention(from, to)], { atol: 2e-5 });
  }
});

test("analyze --save-attention leaves the table as it is without", async (dir) => {
  await onHp36(`${dir}/with`, "--backend", "cpu");
  await analyzed(
    ...["--sequence", HP36, "--sites", "3,17", "--out", `${dir}/without`, "--backend", "cpu"],
  );
  const [a, b] = ["with", "without"].map((name) =>
    Deno.readTextFileSync(`${dir}/${name}/heads.csv`).split(/[\n,]/)
  );
  // Sums of the attention itself are double precision, those within the graph single.
  a.forEach((cell, i) => {
    if (!/^[-\d]/.test(cell)) equal(cell, b[i]);
    else allClose([Number(cell)], [Number(b[i])], { rtol: 1e-4, atol: 1e-6 }, `cell ${i}`);
  });
});

test("analyze --save-attention names a file for each protein, in the table's order", async (dir) => {
  const longer = HP36 + "GSGS";
  await Deno.writeTextFile(
    `${dir}/in.csv`,
    `id,sequence,sites\nsp|P1/a b,${longer},"3,17"\nSP_P1_A_b,${HP36},3\n../x,${HP36},"3,17"\n`,
  );
  const out = `${dir}/out`;
  await analyzed("--table", `${dir}/in.csv`, "--backend", "cpu", "--out", out, "--save-attention");
  const archives = listing(out).filter((name) => name.endsWith(".npz"));
  // Ids that differ by case or by unfit characters alone keep files of their own.
  deepEqual(archives, [
    "SP_P1_A_b_2.attention.npz",
    "sp_P1_a_b.attention.npz",
    "x.attention.npz",
  ]);
  equal((await readArchive(`${out}/sp_P1_a_b.attention.npz`)).get("attention")!.shape[2], L + 4);
  const { data } = (await readArchive(`${out}/x.attention.npz`)).get("attention")!;
  allClose(data as Float32Array, expected([0, 1, 2, 3]), { atol: 2e-5 });
  equal(listing(dir).join(), "in.csv,out", "no id leads out of the folder");
});

const python = `
import sys
import numpy as np
with np.load(sys.argv[1]) as archive:
    a = archive["attention"]
    print(a.dtype, a.shape, bool((a.sum(-1) <= 1 + 1e-5).all()), archive["layers"].tolist())
`;

Deno.test({
  name: `numpy opens attention.npz${numpySkipped}`,
  ignore: !hasNumpy,
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () =>
    inFolder(async (dir) => {
      await onHp36(dir, "--backend", "cpu");
      equal(
        await runPython(python, `${dir}/attention.npz`),
        `float32 (4, 8, ${L}, ${L}) True [0, 1, 2, 3]`,
      );
    }),
});
