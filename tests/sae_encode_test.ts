/** The sae encode command from its arguments to its files. */
import { sis1 } from "../data/sis1.ts";
import { fidelityPanel } from "../data/fidelity_panel.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { Esm2, padBatch, tokenize } from "../lib/esm2/mod.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { parseTable } from "../lib/io/csv.ts";
import { readNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { openSae } from "../lib/sae/open.ts";
import {
  interplmArrays,
  interprotArrays,
  safetensorsFile,
  torchFile,
} from "../lib/sae/testing/files.ts";
import { interplmOracle, interprotOracle } from "../lib/sae/testing/oracle.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { fixturePath } from "./fixtures.ts";
import { runSae, type SaeOutcome } from "./sae_run.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });

const csv = async (path: string) => parseTable(await Deno.readTextFile(path), path);
const onCpu = ["encode", "--backend", "cpu"];
const done = ({ code, err }: SaeOutcome) => equal(code, 0, err);

const GB1 = fidelityPanel[2].residues;
const proteins = [
  { id: "long", residues: sis1.residues + GB1 + sis1.residues },
  { id: "gb1, B1", residues: GB1 },
  { id: "short", residues: "MKT" },
  { id: "masked", residues: "mkta<mask>iakqr" },
];
const fasta = proteins.map(({ id, residues }) => `>${id.split(",")[0]} x\n${residues}\n`).join("");

/** Streams of some sequences, one by one, before the final LayerNorm or after it. */
async function streams(
  model: string | undefined,
  depth: number,
  sequences: readonly string[],
  tokenDropout?: boolean,
): Promise<Float32Array[]> {
  using opened = await openModel(model);
  await using backend = (await openBackend("cpu")).backend;
  await using esm = await Esm2.open(opened.checkpoint, backend, { tokenDropout });
  const found: Float32Array[] = [];
  for (const residues of sequences) {
    using result = await esm.run(padBatch([tokenize({ id: "s", residues })]), {
      head: true,
      visitor: {
        hidden(state) {
          if (state.depth === depth) state.stop();
        },
      },
    });
    found.push(await (result.normalised ?? result.hidden).read());
  }
  return found;
}

test("sae encode without input finds the example's latents, as the SAE's definition does", () =>
  runSae(onCpu, async (outcome) => {
    done(outcome);
    const { dir, out, err, files } = outcome;
    deepEqual(files, ["latents.csv", "report.html", "run.json", "top_latents.csv"]);
    match(err, /demonstration model/);
    match(err, /SIS1_YEAST/);
    match(err, /esm2_t6_1M_PF20:l4: loss recovered (0\.9|1\.0)/);
    match(out, /^SIS1_YEAST: 81 residues, 16\.0 latents per residue/);
    const run = JSON.parse(await Deno.readTextFile(`${dir}/out/run.json`));
    equal(run.command, "sae encode");
    deepEqual([run.sae.depth, run.sae.k, run.sae.layout], [4, 16, "esmscope"]);
    match(run.sae.sha256, /^[0-9a-f]{64}$/);
    ok(run.fidelity.hf.lossRecovered > 0.9 && run.fidelity.hf.fvu < 0.2);
    equal(run.fidelity.train, undefined);
    equal(run.summary.residues, 81);

    using model = await openModel(undefined);
    const { sae } = await openSae(undefined, {}, model);
    const { wEnc, wDec, bEnc, bPre, config: { dModel, latents } } = sae;
    const { rows } = await csv(`${dir}/out/latents.csv`);
    const found = rows.filter(({ fields }) => fields.residue === "35").map(({ fields }) => fields);
    const [stream] = await streams(undefined, 4, [sis1.residues]);
    const arrays = {
      w_enc: { shape: [dModel, latents], data: wEnc },
      w_dec: { shape: [latents, dModel], data: wDec },
      b_enc: { shape: [latents], data: bEnc },
      b_pre: { shape: [dModel], data: bPre },
    };
    const token = stream.subarray(35 * dModel, 36 * dModel);
    const { z } = interprotOracle(token, arrays, 16);
    const expected = [...z].map((value, latent) => ({ value, latent })).filter((e) => e.value > 0);
    deepEqual(found.map(({ latent }) => Number(latent)), expected.map(({ latent }) => latent));
    allClose(
      found.map(({ activation }) => Number(activation)),
      expected.map(({ value }) => value),
      { atol: 1e-4, rtol: 1e-4 },
    );
    deepEqual([found[0].protein, found[0].letter], ["SIS1_YEAST", sis1.residues[34]]);
  }));

test("sae encode gives one sparse matrix in three formats, whatever the batches", async () => {
  const files = { "p.fasta": fasta };
  const args = [...onCpu, "--fasta", "p.fasta", "--no-fidelity"];
  let text = "", top = "";
  await runSae([...args, "--token-budget", "90"], async (outcome) => {
    done(outcome);
    equal(/loss recovered/.test(outcome.err), false);
    text = await Deno.readTextFile(`${outcome.dir}/out/latents.csv`);
    top = await Deno.readTextFile(`${outcome.dir}/out/top_latents.csv`);
    match(outcome.out, /1 more proteins: top_latents\.csv has all/);
  }, files);
  const { rows } = parseTable(text, "latents.csv");
  const ids = ["long", "gb1", "short", "masked"];
  deepEqual([...new Set(rows.map(({ fields }) => fields.protein))], ids);
  const lengths = proteins.map(({ residues }) => residues.replace("<mask>", "_").length);
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
  const total = lengths.reduce((a, b) => a + b, 0);
  equal(
    rows.find(({ fields }) => fields.protein === "masked" && fields.residue === "5")!.fields.letter,
    "_",
  );

  await runSae([...args, "--format", "npz"], async (outcome) => {
    done(outcome);
    deepEqual(outcome.files, ["latents.npz", "report.html", "run.json", "top_latents.csv"]);
    using source = await openRandomAccess(`${outcome.dir}/out/latents.npz`);
    const npz = await readNpz(source);
    const numbers = (name: string) => Array.from(npz.get(name)!.data as Float32Array, Number);
    deepEqual(numbers("lengths"), lengths);
    deepEqual(numbers("shape"), [total, 1024]);
    equal(new TextDecoder().decode(npz.get("ids")!.data as Uint8Array), ids.join("\n"));
    const offsets = numbers("offsets"), indices = numbers("indices"), values = numbers("values");
    equal(offsets.length, total + 1);
    equal(offsets[total], values.length);
    const row = rows.map(({ fields }) =>
      starts[ids.indexOf(fields.protein)] + Number(fields.residue) - 1
    );
    deepEqual(indices, rows.map(({ fields }) => Number(fields.latent)));
    row.forEach((r, entry) => ok(offsets[r] <= entry && entry < offsets[r + 1]));
    // Other batches round otherwise: float32 sums of 128 products.
    allClose(values, rows.map(({ fields }) => Number(fields.activation)), {
      atol: 2e-5,
      rtol: 1e-5,
    });
  }, files);

  await runSae([...args, "--format", "safetensors", "--token-budget", "90"], async (outcome) => {
    done(outcome);
    const bytes = await Deno.readFile(`${outcome.dir}/out/latents.safetensors`);
    const size = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    equal(size % 8, 0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
    equal(header.__metadata__.sae, "esm2_t6_1M_PF20:l4");
    const [begin, end] = header.values.data_offsets;
    const values = new Float32Array(bytes.slice(8 + size + begin, 8 + size + end).buffer);
    // The same batches: the same bits.
    deepEqual([...values], rows.map(({ fields }) => Math.fround(Number(fields.activation))));
    deepEqual(header.offsets, { ...header.offsets, dtype: "I64", shape: [total + 1] });
    equal(await Deno.readTextFile(`${outcome.dir}/out/top_latents.csv`), top);
  }, files);

  const { rows: tops } = parseTable(top, "top_latents.csv");
  equal(tops.length, 10 * 4);
  for (const { fields } of tops.slice(0, 20)) {
    const own = rows.filter(({ fields: f }) =>
      f.protein === fields.protein && f.latent === fields.latent
    );
    const best = own.reduce((a, b) =>
      Number(b.fields.activation) > Number(a.fields.activation) ? b : a
    );
    deepEqual(
      [fields.max, fields.max_residue, fields.max_letter],
      [best.fields.activation, best.fields.residue, best.fields.letter],
    );
    const length = lengths[ids.indexOf(fields.protein)];
    allClose([Number(fields.active_fraction)], [own.length / length], { rtol: 1e-9 });
  }
});

test("sae encode --json prints the run and every protein's strongest latents, as the table has them", () =>
  runSae(
    [...onCpu, "--fasta", "p.fasta", "--no-fidelity", "--json", "--top", "2"],
    async (outcome) => {
      done(outcome);
      const { run, tables } = JSON.parse(outcome.out);
      equal(run.command, "sae encode");
      const { rows } = await csv(`${outcome.dir}/out/top_latents.csv`);
      equal(rows.length, 2 * 4);
      const all = await csv(`${outcome.dir}/out/latents.csv`);
      deepEqual(Object.keys(tables), ["latents", "top_latents"]);
      for (const [name, written] of [["latents", all.rows], ["top_latents", rows]] as const) {
        deepEqual(
          tables[name].map((row: Record<string, unknown>) =>
            Object.fromEntries(Object.entries(row).map(([key, value]) => [key, `${value}`]))
          ),
          written.map(({ fields }) => fields),
        );
      }
    },
    { "p.fasta": fasta },
  ));

test("sae encode names how many proteins are too long, and the longest", () => {
  const long = (length: number) => "MKTAY".repeat(length / 5);
  return runSae(
    [...onCpu, "--fasta", "p.fasta", "--max-length", "20"],
    ({ code, err, files }) => {
      equal(code, 2, err);
      match(err, /2 of 3 proteins, "b" the first, .* at most 20 .* 40; --max-length 40 runs/);
      deepEqual(files, []);
    },
    { "p.fasta": `>a\n${long(20)}\n>b\n${long(25)}\n>c\n${long(40)}\n` },
  );
});

test("sae encode reads an InterPLM file after the final LayerNorm, at the train scale too", async () => {
  const arrays = interplmArrays(64, 96);
  const model = fixturePath("rand_t2_d64_h4");
  const files = { "layer_2/ae_normalized.pt": await torchFile(arrays) };
  for (const scale of ["hf", "train"]) {
    const [stream] = await streams(model, 2, [GB1], scale === "hf");
    const args = [
      "--sequence",
      GB1,
      "--id",
      "gb1",
      "--model",
      model,
      "--sae",
      "layer_2/ae_normalized.pt",
    ];
    await runSae([...onCpu, ...args, "--embed-scale", scale, "--top", "3"], async (outcome) => {
      done(outcome);
      const { rows } = await csv(`${outcome.dir}/out/latents.csv`);
      const dense = new Float64Array(GB1.length * 96);
      for (const { fields } of rows) {
        dense[(Number(fields.residue) - 1) * 96 + Number(fields.latent)] = Number(
          fields.activation,
        );
      }
      for (let n = 0; n < GB1.length; n++) {
        const { z } = interplmOracle(stream.subarray((n + 1) * 64, (n + 2) * 64), arrays);
        // float32 sums of 64 products with streams of order 1.
        allClose(
          dense.subarray(n * 96, (n + 1) * 96),
          z,
          { atol: 1e-4, rtol: 1e-5 },
          `residue ${n + 1}`,
        );
      }
      const run = JSON.parse(await Deno.readTextFile(`${outcome.dir}/out/run.json`));
      deepEqual([run.sae.afterFinalNorm, run.sae.layout], [true, "interplm"]);
      deepEqual(Object.keys(run.fidelity), [scale]);
      // Random weights reconstruct nothing.
      ok(run.fidelity[scale].fvu > 1);
    }, files);
  }
});

test("sae encode warns where hardly any loss is recovered, and names what may be wrong", async () => {
  const arrays = interprotArrays(128, 70);
  arrays.w_dec.data.fill(0);
  arrays.b_pre.data.fill(0);
  const files = { "a_l1_sae.safetensors": safetensorsFile(arrays) };
  const args = ["--sae", "a_l1_sae.safetensors", "--sequence", "MKT"];
  await runSae([...onCpu, ...args], async (outcome) => {
    done(outcome);
    match(outcome.err, /k = 64 is assumed/);
    match(
      outcome.err,
      /sae, --embed-scale hf: loss recovered -?0\.\d+ \(.* of masked residues\), variance/,
    );
    match(outcome.err, /sae, --embed-scale train: loss recovered/);
    const warnings = outcome.err.split("\n").filter((line) => line.startsWith("Warning"));
    equal(warnings.length, 1);
    match(
      warnings[0],
      /the layer \(now 1; --layer\), k \(now 64; --k\), the embedding scale \(now/,
    );
    const run = JSON.parse(await Deno.readTextFile(`${outcome.dir}/out/run.json`));
    deepEqual(Object.keys(run.fidelity), ["hf", "train"]);
    ok(run.fidelity.hf.crossEntropy !== run.fidelity.train.crossEntropy);
  }, files);
});

test("sae encode leaves nothing behind when it is interrupted", async () => {
  for (const line of [/^Running/, /loss recovered/]) {
    for (const format of ["csv", "npz"]) {
      await runSae(
        [...onCpu, "--format", format],
        ({ dir, code, err }) => {
          equal(code, 130, err);
          deepEqual([...Deno.readDirSync(dir)], []);
        },
        {},
        line,
      );
    }
  }
});
