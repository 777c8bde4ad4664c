/** `--legacy sae_mutation_effect` against the published pipeline, written again in double precision. */
import { sis1 } from "../data/sis1.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { parseTable } from "../lib/io/csv.ts";
import { listZip, readZipEntry } from "../lib/io/zip.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { openSae } from "../lib/sae/open.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { ReferenceModel, ReferenceSae, tokenOfLetter } from "./sae_legacy_reference.ts";
import { runSae, type SaeOutcome } from "./sae_run.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
const legacy = (command: string) => [
  ...[command, "--legacy", "sae_mutation_effect", "--backend", "cpu"],
];
const done = ({ code, err }: SaeOutcome) => equal(code, 0, err);
const csv = async (path: string) =>
  parseTable(await Deno.readTextFile(path), path).rows.map(({ fields }) => fields);

/** Where no two latents are so near each other that rounding would choose between them. */
const PATCHED = { mutations: ["Y8G", "L11C", "P15D"], layers: [1, 3] };
const INTEGRATED = { mutations: ["L7T", "K6P"], layers: [2, 3] };
const K = 32;

/** A mutation at a layer as the published pipeline sees it. */
interface Expected {
  model: ReferenceModel;
  sae: ReferenceSae;
  layer: number;
  wild: ReturnType<ReferenceSae["encode"]>;
  mutant: Float64Array;
  /** log p(mutant) − log p(wild type) of logits. */
  metric(logits: Float64Array): number;
  /** The masked marginal. */
  esmScore: number;
}

async function expected(mutation: string, layer: number): Promise<Expected> {
  const opened = await openModel(undefined);
  using _ = opened;
  const { sae } = await openSae(undefined, { layer }, opened);
  const model = await ReferenceModel.open(opened.checkpoint);
  const coder = new ReferenceSae(sae, K);
  const position = Number(mutation.slice(1, -1)), to = mutation.at(-1)!;
  const { residues } = sis1, { layers } = opened.checkpoint.config;
  const mutated = residues.slice(0, position - 1) + to + residues.slice(position);
  const metric = (logits: Float64Array) =>
    logits[tokenOfLetter(to)] - logits[tokenOfLetter(mutation[0])];
  return {
    ...{ model, sae: coder, layer, metric },
    wild: coder.encode(model.hidden(residues, layer)[position]),
    mutant: coder.encode(model.hidden(mutated, layer)[position]).preActs,
    esmScore: metric(model.logits(model.hidden(residues, layers, position)[position])),
  };
}

/** The metric of what pre-activations decode to at the wild type's scale, run alone. */
const valueOf = (e: Expected, preActs: Float64Array) =>
  e.metric(e.model.alone(e.sae.decode(preActs, e.wild), e.layer));

test("sae patch --legacy equals the published pipeline in double precision", () =>
  runSae(
    [
      ...legacy("patch"),
      "--mutations",
      PATCHED.mutations.join(),
      "--layers",
      PATCHED.layers.join(),
    ],
    async (outcome) => {
      done(outcome);
      const tables = PATCHED.layers.map((l) => `SIS1_YEAST_layer${l}_seed42_patching1.csv`);
      deepEqual(outcome.files, [...tables, "report.html", "run.json"]);
      match(outcome.err, /published tool/);
      match(outcome.err, /esm_score of SIS1_YEAST: masked marginals of the model/);
      let changed = 0;
      for (const [l, layer] of PATCHED.layers.entries()) {
        const all = await csv(`${outcome.dir}/out/${tables[l]}`);
        const perControl = PATCHED.mutations.length * 5;
        equal(all.length, 3 * perControl);
        all.forEach(({ control_type, mutation }, r) => {
          // All real rows, then all noop, then all random, each in the order of the mutations.
          equal(control_type, ["real", "noop", "random"][Math.floor(r / perControl)]);
          equal(mutation, PATCHED.mutations[Math.floor(r % perControl / 5)]);
        });
        for (const mutation of PATCHED.mutations) {
          const e = await expected(mutation, layer);
          const { preActs } = e.wild, label = `${mutation} at ${layer}`;
          const rows = all.filter((row) => row.mutation === mutation);
          const deltas = e.mutant.map((value, j) => value - preActs[j]);
          const sorted = [...deltas].map(Math.abs).sort((a, b) => a - b);
          const baseline = valueOf(e, preActs);
          // float32 against double precision, logits up to 20: 1e-4 leaves room for four blocks.
          const near = { atol: 2e-4 };
          for (const [r, row] of rows.entries()) {
            const latent = Number(row.feature_idx), rank = r % 5;
            equal(row.layer, String(layer), label);
            const wanted = row.control_type === "random" ? sorted[rank] : sorted.at(-1 - rank)!;
            const patched = preActs.slice();
            patched[latent] = row.control_type === "noop" ? preActs[latent] : e.mutant[latent];
            // Otherwise rounding, and not the definition, would choose which latents stay.
            ok(e.sae.top(patched).gap > 2e-5, `${label}: the choice of ${latent} is clear`);
            const numbers = {
              position: Number(mutation.slice(1, -1)),
              esm_score: e.esmScore,
              wt_marginal_score: baseline,
              patched_score: valueOf(e, patched),
              score_change: valueOf(e, patched) - baseline,
              feature_delta: deltas[latent],
              wt_activation: preActs[latent],
              mut_activation: e.mutant[latent],
              patch_value: patched[latent],
              seed: 42,
            };
            for (const [name, value] of Object.entries(numbers)) {
              allClose([Number(row[name])], [value], near, `${label}, row ${r}, ${name}`);
            }
            // The latent is one of those that change most (least), whatever ties rounding makes.
            allClose([Math.abs(deltas[latent])], [wanted], near, `${label}, rank ${rank}`);
            if (row.control_type === "noop") equal(row.score_change, "0", "exactly");
            if (Math.abs(numbers.score_change) > 0.1) changed++;
          }
        }
      }
      ok(changed > 5, "patches do something");
    },
  ));

test("sae patch --legacy is not the proper pipeline", () =>
  runSae(
    [...legacy("patch"), "--mutations", "Y8G", "--layers", "2", "--out", "out/legacy"],
    async (outcome) => {
      done(outcome);
      const [row] = await csv(`${outcome.dir}/out/legacy/SIS1_YEAST_layer2_seed42_patching1.csv`);
      await runSae(
        ["patch", "--backend", "cpu", "--mutations", "Y8G", "--layers", "2", "--k", "32"],
        async (proper) => {
          done(proper);
          const [other] = await csv(`${proper.dir}/out/patches.csv`);
          // Without its context the residue is judged differently.
          ok(Math.abs(Number(other.baseline_score) - Number(row.wt_marginal_score)) > 0.1);
          ok(Math.abs(Number(other.change) - Number(row.score_change)) > 0.01);
        },
      );
    },
  ));

/** Type and shape in the header of a stored .npy, and its values. */
function parseNpy(
  bytes: Uint8Array,
): { descr: string; shape: string; values: (string | number)[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = 10 + view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(10, begin));
  const [, descr, shape] = /'descr': '([^']+)'.*'shape': (\([^)]*\))/.exec(header)!;
  const size = descr.startsWith("<U") ? 4 * Number(descr.slice(2)) : Number(descr.slice(2));
  const values: (string | number)[] = [];
  for (let at = begin; at < bytes.length; at += size) {
    if (descr === "<i8") values.push(Number(view.getBigInt64(at, true)));
    else if (descr === "<f8") values.push(view.getFloat64(at, true));
    else if (descr === "<f4") values.push(view.getFloat32(at, true));
    else {
      const points = Array.from({ length: size / 4 }, (_, i) => view.getUint32(at + 4 * i, true));
      values.push(String.fromCodePoint(...points.filter((point) => point > 0)));
    }
  }
  return { descr, shape, values };
}

test("sae ig --legacy equals ten left steps through the published pipeline, in its archives", () => {
  const { mutations, layers } = INTEGRATED;
  return runSae(
    [...legacy("ig"), "--mutations", mutations.join(), "--layers", layers.join()],
    async (outcome) => {
      done(outcome);
      const names = mutations.flatMap((m) => layers.map((l) => `SIS1_YEAST_${m}_layer${l}_ig.npz`));
      deepEqual(outcome.files, [...names, "report.html", "run.json"].sort());
      for (const [n, name] of names.entries()) {
        const mutation = mutations[Math.floor(n / layers.length)],
          layer = layers[n % layers.length];
        const e = await expected(mutation, layer);
        using source = await openRandomAccess(`${outcome.dir}/out/${name}`);
        const arrays: Record<string, ReturnType<typeof parseNpy>> = {};
        for (const entry of await listZip(source)) {
          arrays[entry.name] = parseNpy(await readZipEntry(source, entry, entry.sizeBytes));
        }
        const real = "<f8 ()", whole = "<i8 ()";
        deepEqual(
          Object.entries(arrays).map(([key, { descr, shape }]) => `${key} ${descr} ${shape}`),
          Object.entries({
            protein: "<U10 ()",
            mutation: `<U${mutation.length} ()`,
            position: whole,
            wt_aa: "<U1 ()",
            mut_aa: "<U1 ()",
            layer: whole,
            dms_score: real,
            esm_score: real,
            baseline_score: real,
            top_20_abs_indices: "<i8 (20,)",
            top_20_abs_effects: "<f8 (20,)",
            top_10_pos_indices: "<i8 (10,)",
            top_10_pos_effects: "<f8 (10,)",
            top_10_neg_indices: "<i8 (10,)",
            top_10_neg_effects: "<f8 (10,)",
            total_effect: real,
            top_20_fraction: real,
            all_effects: `<f4 (${e.sae.sae.config.latents},)`,
          }).map(([key, type]) => `${key}.npy ${type}`),
        );
        const value = (key: string) => arrays[`${key}.npy`].values;
        const numbers = (key: string) => value(key) as number[];
        deepEqual([value("protein")[0], value("mutation")[0]], ["SIS1_YEAST", mutation]);
        deepEqual([value("wt_aa")[0], value("mut_aa")[0]], [mutation[0], mutation.at(-1)]);
        deepEqual([...numbers("position"), ...numbers("layer")], [
          Number(mutation.slice(1, -1)),
          layer,
        ]);
        ok(Number.isNaN(value("dms_score")[0]), "nothing was measured");
        const effects = numbers("all_effects"), reference = attributions(e);
        // Effects up to 3 from float32 gradients of ten runs.
        allClose(effects, reference.effects, { atol: 3e-4, rtol: 1e-3 }, name);
        allClose(numbers("baseline_score"), [reference.baseline], { atol: 2e-4 });
        allClose(numbers("esm_score"), [e.esmScore], { atol: 2e-4 });
        const sizes = effects.map(Math.abs).sort((a, b) => b - a);
        const total = effects.reduce((a, b) => a + b, 0);
        const top = sizes.slice(0, 20).reduce((a, b) => a + b, 0);
        allClose(numbers("total_effect"), [total], { atol: 1e-9 });
        allClose(numbers("top_20_fraction"), [top / sizes.reduce((a, b) => a + b, 0)], {
          atol: 1e-9,
        });
        deepEqual(numbers("top_20_abs_effects").map(Math.abs), sizes.slice(0, 20));
        const ascending = effects.toSorted((a, b) => a - b);
        deepEqual(numbers("top_10_pos_effects"), ascending.slice(-10).reverse());
        deepEqual(numbers("top_10_neg_effects"), ascending.slice(0, 10));
        for (const kind of ["20_abs", "10_pos", "10_neg"]) {
          const indices = numbers(`top_${kind}_indices`);
          deepEqual(indices.map((j) => effects[j]), numbers(`top_${kind}_effects`));
          equal(new Set(indices).size, indices.length);
        }
      }
    },
  );
});

/** Left Riemann sum of derivatives by central differences of the activation at a step. */
function attributions(e: Expected): { baseline: number; effects: number[] } {
  const { preActs } = e.wild, effects = new Array<number>(preActs.length).fill(0);
  const h = 1e-4;
  for (let step = 0; step < 10; step++) {
    const at = preActs.map((value, j) => value + step / 10 * (e.mutant[j] - value));
    const { chosen, gap } = e.sae.top(at);
    ok(gap > 2e-5, "the choice of latents is clear");
    for (const latent of chosen) {
      ok(Math.abs(at[latent]) > 1e-5, "no latent is at its threshold");
      if (at[latent] < 0) continue;
      const [up, down] = [h, -h].map((amount) =>
        e.metric(e.model.alone(e.sae.decode(at, e.wild, { latent, amount }), e.layer))
      );
      effects[latent] += (up - down) / (2 * h) / 10 * (e.mutant[latent] - preActs[latent]);
    }
  }
  return { baseline: valueOf(e, preActs), effects };
}
