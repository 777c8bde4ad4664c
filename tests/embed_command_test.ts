import { readStoredTensor } from "../lib/checkpoint/stored_tensor.ts";
import { readSafetensors, readSafetensorsMetadata } from "../lib/checkpoint/safetensors.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { inFolder, listing, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { embedded, readArrays } from "./embed_run.ts";
import { fixtureIndex, fixturePath, readFixture } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { hasNumpy, numpySkipped, runPython } from "./python.ts";

const model = fixturePath("rand_t2_d64_h4"), D = 64;
const sequences = fixtureIndex.rand_embeddings.sequences!;
const golden = readFixture("rand_embeddings");
/** Of the second axis of the golden arrays. */
const LAYERS = ["0", "1", "2", "last"];
const ids = ["sp|P1/a", "SP_P1_A", "../x"];

const test = (name: string, fn: (dir: string) => Promise<void>, skip = "") =>
  Deno.test({
    name: `embed ${name}${skip}`,
    ignore: skip !== "",
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () =>
      inFolder(async (dir) => {
        const records = sequences.map((residues, i) => `>${ids[i]}\n${residues}\n`);
        await Deno.writeTextFile(`${dir}/in.fasta`, records.join(""));
        const rows = sequences.map((residues, i) => `${ids[i]},${residues},${i % 2},"a, b"`);
        await Deno.writeTextFile(
          `${dir}/in.csv`,
          `id,sequence,label,note\n${rows.join("\n")}\n`,
        );
        await fn(dir);
      }),
  });

/** Rows of a golden array [B, 4, n, D] without what is not a residue. */
function residuesOf(layer: number, protein: number): Float32Array {
  const { data, shape: [, , width] } = golden.per_token;
  const from = ((protein * LAYERS.length + layer) * width + 1) * D;
  return Float32Array.from(data.subarray(from, from + sequences[protein].length * D));
}

for (const backend of ["cpu", "wasm", "webgpu"]) {
  test(`gives the original's states, pooled and not, on ${backend}`, async (dir) => {
    const args = ["--backend", backend, "--model", model, "--fasta", `${dir}/in.fasta`];
    const { out, err } = await embedded(
      ...[...args, "--layers", "0-2,last", "--pool", "max,mean,none,cls", "--out", `${dir}/out`],
    );
    match(err, /Layer 2 is the stream after all 2 blocks, before the final LayerNorm/);
    match(out, /3 proteins, 45 residues, the longest 20/);
    const { names, arrays } = await readArrays(`${dir}/out/embeddings.npz`);
    const pools = ["mean", "bos", "max"];
    deepEqual(names, [
      ...["ids", "lengths"],
      ...LAYERS.flatMap((layer) => pools.map((pool) => `${pool}_representations.${layer}`)),
      ...LAYERS.map((layer) => `representations.${layer}`),
    ]);
    deepEqual([...arrays.get("lengths")!.data], [20, 10, 15]);
    for (const [l, layer] of LAYERS.entries()) {
      for (const pool of pools) {
        const { shape, data } = arrays.get(`${pool}_representations.${layer}`)!;
        deepEqual(shape, [3, D]);
        sequences.forEach((_, b) => {
          const from = (b * LAYERS.length + l) * D;
          const expected = golden[pool].data.subarray(from, from + D);
          allClose(data.subarray(b * D, (b + 1) * D), expected, { atol: 5e-6 * largest(expected) });
        });
      }
      const { shape, data } = arrays.get(`representations.${layer}`)!;
      deepEqual(shape, [45, D]);
      const expected = sequences.flatMap((_, b) => [...residuesOf(l, b)]);
      allClose(data, expected, { atol: 5e-6 * largest(expected) });
    }
    const tables = listing(`${dir}/out`).filter((name) => name.endsWith(".csv"));
    equal(tables.length, 13);
    const { columns, rows } = readCsv(`${dir}/out/mean_representations.last.csv`);
    deepEqual(columns.slice(0, 3), ["id", "length", "e0"]);
    const { data } = arrays.get("mean_representations.last")!;
    deepEqual(rows.map((row) => Math.fround(Number(row.e63))), [63, 127, 191].map((i) => data[i]));
  }, backend === "webgpu" && !runsGpuTests ? gpuSkipped : "");
}

test("without input is one vector of the example, as array and as table", async (dir) => {
  const { err } = await embedded("--out", `${dir}/out`);
  match(err, /No sequence was given/);
  deepEqual(listing(`${dir}/out`), [
    "embeddings.csv",
    "embeddings.npz",
    "proteins.csv",
    "run.json",
  ]);
  const { rows: [row] } = readCsv(`${dir}/out/embeddings.csv`);
  const { arrays } = await readArrays(`${dir}/out/embeddings.npz`);
  const { shape, data } = arrays.get("mean_representations.last")!;
  deepEqual([shape, row.id, row.length], [[1, 128], "AA2AR_HUMAN", "412"]);
  deepEqual([...data], [...data.keys()].map((d) => Math.fround(Number(row[`e${d}`]))));
});

test("names a file for each protein, none of them out of the folder", async (dir) => {
  const args = ["--model", model, "--fasta", `${dir}/in.fasta`, "--pool", "none,mean"];
  await embedded(...args, "--per-protein", "--contacts", "--logits", "--out", `${dir}/out`);
  deepEqual(listing(`${dir}/out`).filter((name) => name.endsWith(".npz")), [
    ...["SP_P1_A_2.npz", "sp_P1_a.npz", "x.npz"],
  ]);
  equal(listing(dir).join(), "in.csv,in.fasta,out");
  const { names, arrays } = await readArrays(`${dir}/out/SP_P1_A_2.npz`);
  deepEqual(names, [
    ...["label", "mean_representations.last", "representations.last", "contacts", "logits"],
  ]);
  const shapes = names.slice(1).map((name) => arrays.get(name)!.shape);
  deepEqual(shapes, [[D], [10, D], [10, 10], [10, 33]]);
  const expected = residuesOf(3, 1);
  allClose(arrays.get("representations.last")!.data, expected, { atol: 5e-6 * largest(expected) });
});

test("writes safetensors with ids, lengths and half the room", async (dir) => {
  const args = ["--model", model, "--fasta", `${dir}/in.fasta`, "--pool", "cls,mean"];
  const written = ["--format", "safetensors", "--dtype", "f16", "--no-csv"];
  await embedded(...args, ...written, "--out", `${dir}/out`);
  deepEqual(listing(`${dir}/out`), ["embeddings.safetensors", "proteins.csv", "run.json"]);
  using source = await openRandomAccess(`${dir}/out/embeddings.safetensors`);
  const tensors = await readSafetensors(source);
  const { dtype, shape } = tensors.get("mean_representations.last")!;
  deepEqual([dtype, shape], ["F16", [3, D]]);
  const { start, shape: [bytes] } = tensors.get("ids")!, text = new Uint8Array(bytes);
  await source.read(start, text);
  equal(new TextDecoder().decode(text), ids.join("\n"));
  equal((await readSafetensorsMetadata(source)).model, "rand_t2_d64_h4");
  const found = await readStoredTensor(tensors.get("bos_representations.last")!);
  const expected = sequences.flatMap((_, b) => {
    const from = (b * LAYERS.length + 3) * D;
    return [...golden.bos.data.subarray(from, from + D)];
  });
  allClose(found, expected, { atol: 1e-3 * largest(expected) });
});

test("keeps the table's own columns beside ids and lengths", async (dir) => {
  const args = ["--model", model, "--table", `${dir}/in.csv`];
  const { out } = await embedded(...args, "--json", "--out", `${dir}/out`);
  const { run, tables } = JSON.parse(out);
  deepEqual(run.summary.arrays["mean_representations.last"], [3, D]);
  deepEqual(tables.proteins.map(({ protein }: { protein: string }) => protein), ids);
  deepEqual(tables.proteins[1], {
    ...{ protein: ids[1], length: 10, embedded: 10, windows: 1, label: "1", note: "a, b" },
  });
  equal(Object.keys(tables.embeddings[0]).length, 2 + D);
});

test("cuts long proteins as it is told, and says so", async (dir) => {
  const args = ["--model", model, "--fasta", `${dir}/in.fasta`, "--pool", "mean,none"];
  for (
    const [long, windows, says] of [
      ["windows", ["2", "1", "1"], /more than 16 residues run in windows .* most central/],
      ["average", ["2", "1", "1"], /averaged/],
      ["truncate", ["1", "1", "1"], /only the first 16 are embedded/],
      ["full", ["1", "1", "1"], /of up to 20 residues run whole/],
    ] as const
  ) {
    const out = `${dir}/${long}`;
    const { err } = await embedded(...args, "--long", long, "--window", "16", "--out", out);
    match(err, says);
    const { rows } = readCsv(`${out}/proteins.csv`);
    deepEqual(rows.map((row) => row.windows), windows);
    equal(rows[0].embedded, long === "truncate" ? "16" : "20");
    const { arrays } = await readArrays(`${out}/embeddings.npz`);
    equal(arrays.get("representations.last")!.shape[0], long === "truncate" ? 41 : 45);
  }
});

test("pools by a head that the original trained", async (dir) => {
  const pooled = readFixture("rand_attention_pool").pooled.data;
  const head = fixturePath("rand_attention_pool.safetensors");
  const args = ["--model", model, "--fasta", `${dir}/in.fasta`, "--pool", "attention"];
  await embedded(...args, "--pool-head", head, "--out", `${dir}/out`);
  const { arrays } = await readArrays(`${dir}/out/embeddings.npz`);
  const { data } = arrays.get("attention_representations.last")!;
  allClose(data, pooled, { atol: 1e-5 * largest(pooled) });
  // What heads attend to is something else.
  await embedded(...args, "--heads", "1:2", "--out", `${dir}/heads`);
  const other = (await readArrays(`${dir}/heads/embeddings.npz`)).arrays;
  const found = other.get("attention_representations.last")!.data;
  ok(found.some((value, i) => Math.abs(value - data[i]) > 0.01));
});

test("opens in numpy: ids, lengths and arrays, of one file and of each", async (dir) => {
  const args = [
    "--model",
    model,
    "--fasta",
    `${dir}/in.fasta`,
    "--pool",
    "mean,none",
    "--contacts",
  ];
  await embedded(...args, "--dtype", "f16", "--out", `${dir}/half`);
  await embedded(...args, "--out", `${dir}/one`);
  await embedded(...args, "--per-protein", "--out", `${dir}/each`);
  const script = `
import sys, json, numpy as np
one, half, each = (np.load(path) for path in sys.argv[1:])
lengths = one["lengths"]
ends = np.cumsum(lengths)
residues = np.split(one["representations.last"], ends[:-1])
maps = np.split(one["contacts"], np.cumsum(lengths ** 2)[:-1])
means = np.stack([part.mean(0) for part in residues])
print(json.dumps([
    one["ids"].tolist(), lengths.tolist(), str(half["mean_representations.last"].dtype),
    bool(np.allclose(means, one["mean_representations.last"], atol=1e-5)),
    bool(np.allclose(half["representations.last"], one["representations.last"], atol=1e-2)),
    each["label"].tolist(), bool((each["representations.last"] == residues[2]).all()),
    bool((each["contacts"] == maps[2].reshape(15, 15)).all()),
]))
`;
  const paths = ["one/embeddings", "half/embeddings", "each/x"].map((name) => `${dir}/${name}.npz`);
  deepEqual(JSON.parse(await runPython(script, ...paths)), [
    ...[ids, [20, 10, 15], "float16", true, true, [ids[2]], true, true],
  ]);
}, hasNumpy ? "" : numpySkipped);

test("gives the contacts of the example in the same pass", async (dir) => {
  await embedded("--contacts", "--out", `${dir}/out`);
  const { arrays } = await readArrays(`${dir}/out/embeddings.npz`);
  const { shape, data } = arrays.get("contacts")!;
  deepEqual(shape, [412 ** 2]);
  const turned = data.map((_, i) => data[i % 412 * 412 + Math.floor(i / 412)]);
  allClose(data, turned, { atol: 1e-6 });
  ok(data.every((value) => value >= 0 && value <= 1));
});

const largest = (values: ArrayLike<number>) =>
  Math.max(1, ...Array.from(values, (value) => Math.abs(value)));
