/** `--adapter`: in every command, and what analyze and contacts say that it changes. */
import {
  adapted,
  adapterArrays,
  newAdapter,
  readAdapter,
  withArrays,
  writeAdapter,
} from "../lib/adapter/mod.ts";
import { type Backend, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { execute } from "../lib/cli/main.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { filesOf, recorded } from "../lib/adapter/testing/folders.ts";
import { readNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { compareModels } from "../lib/sites/attention_change.ts";
import { tokenize } from "../lib/esm2/mod.ts";
import { command as analyzeCommand } from "../tasks/analyze.ts";
import { loadAll } from "../tasks/commands.ts";
import { command as contactsCommand } from "../tasks/contacts.ts";
import { command as encodeCommand } from "../tasks/sae/encode.ts";
import { adapterFolder } from "./adapter_parity.ts";
import { analyze, analyzed, GB1, inFolder, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { testBadInputs } from "./bad_input.ts";
import { embedded, readArrays } from "./embed_run.ts";
import { embeddedPath, fixturePath, readFixture } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf, record } from "./parity.ts";

const MODEL = fixturePath("rand_t2_d64_h4"), ADAPTER = adapterFolder("mlm_qvd");
const LAYERS = 2, HEADS = 4;

/** Attention of every head, f32[T, T], with the adapter or without, each from a run of its own. */
async function attentionOf(backend: Backend, residues: string, withAdapter: boolean) {
  using checkpoint = await openCheckpoint(MODEL);
  const source = withAdapter ? adapted(checkpoint, await readAdapter(ADAPTER)) : checkpoint;
  await using model = await Esm2.open(source, backend);
  const { attention } = await record(model, batchOf([residues]));
  const size = (residues.length + 2) ** 2;
  return attention.flatMap((layer) =>
    Array.from({ length: HEADS }, (_, h) => layer.slice(h * size, (h + 1) * size))
  );
}

/** Total variation of residues' rows, and what each residue receives more, as defined. */
function changeOf(before: Float32Array, after: Float32Array, length: number) {
  const width = length + 2, received = new Array<number>(length).fill(0);
  let total = 0;
  for (let i = 1; i <= length; i++) {
    for (let j = 0; j < width; j++) {
      const change = after[i * width + j] - before[i * width + j];
      total += Math.abs(change) / 2 / length;
      if (j >= 1 && j <= length) received[j - 1] += change;
    }
  }
  return { total, received };
}

Deno.test({
  name: "analyze --adapter compares every head with the model without it",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    const [before, after] = [
      await attentionOf(backend, GB1, false),
      await attentionOf(backend, GB1, true),
    ];
    const sites = [3, 30, 45], args = ["--sequence", GB1, "--sites", sites.join()];
    await inFolder(async (dir) => {
      const own = ["--model", MODEL, ...args, "--trials", "20", "--backend", "cpu"];
      const { out } = await analyzed(...own, "--adapter", ADAPTER, "--out", `${dir}/with`);
      await analyzed(...own, "--out", `${dir}/without`);
      const { rows } = readCsv(`${dir}/with/adapter.csv`);
      equal(rows.length, LAYERS * HEADS);
      const changes = before.map((one, g) => changeOf(one, after[g], GB1.length));
      rows.forEach((row, g) => {
        const { total, received } = changes[g];
        allClose([Number(row.change)], [total], { atol: 1e-5 }, "change");
        const atSites = sites.reduce((sum, site) => sum + received[site - 1], 0);
        allClose([Number(row.sites_change)], [atSites], { atol: 1e-4 }, "sites");
        equal(Number(row.rank), 1 + changes.filter((other) => other.total > total).length);
      });
      // Before and after are what runs of their own say.
      for (const [run, suffix] of [["without", "before"], ["with", "after"]]) {
        const heads = readCsv(`${dir}/${run}/heads.csv`).rows;
        deepEqual(rows.map((row) => row[`impact_${suffix}`]), heads.map(({ impact }) => impact));
        deepEqual(rows.map((row) => row[`z_${suffix}`]), heads.map(({ z }) => z));
      }
      const residues = readCsv(`${dir}/with/adapter_residues.csv`).rows;
      equal(residues.length, LAYERS * HEADS * GB1.length);
      const [first] = residues, g = Number(first.layer) * HEADS + Number(first.head);
      equal(rows[g].rank, "1");
      allClose(
        residues.slice(0, GB1.length).map((row) => Number(row.received_change)),
        changes[g].received,
        { atol: 1e-4 },
      );
      match(out, /The adapter adapter changes layer \d head \d most: \d+\s%/);
      const { model } = JSON.parse(Deno.readTextFileSync(`${dir}/with/run.json`));
      const plain = JSON.parse(Deno.readTextFileSync(`${dir}/without/run.json`)).model;
      equal(model.name, "rand_t2_d64_h4+adapter");
      ok(model.sha256 !== plain.sha256);
      equal(model.adapter.madeFor, "rand_t2_d64_h4");
      equal(model.adapter.changed, 11);
      equal(plain.adapter, undefined);
      const page = Deno.readTextFileSync(`${dir}/with/report.html`);
      ok(page.includes('data-figure="adapter-heads"'), "the page draws it");
      const plainPage = Deno.readTextFileSync(`${dir}/without/report.html`);
      ok(!plainPage.includes('data-figure="adapter-heads"'));
    });
  },
});

for (const name of ["wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `compareModels is the difference of two runs: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using checkpoint = await openCheckpoint(MODEL);
      const residues = GB1.slice(0, 20), width = residues.length + 2;
      const [before, after] = [
        await attentionOf(backend, residues, false),
        await attentionOf(backend, residues, true),
      ];
      {
        await using one = await Esm2.open(checkpoint, backend);
        const source = adapted(checkpoint, await readAdapter(ADAPTER));
        await using other = await Esm2.open(source, backend);
        const row = tokenize({ id: "p", residues }), live = backend.liveBytes;
        const found = await compareModels([one, other], row, [1, width - 1], [0, 1]);
        equal(backend.liveBytes, live, "every tensor is freed");
        let compiled = 0;
        const compile = backend.compile.bind(backend);
        backend.compile = (graph) => (compiled++, compile(graph));
        await compareModels([one, other], row, [1, width - 1], [0, 1]);
        equal(compiled, 0, "nothing is compiled anew for the next protein");
        backend.compile = compile;
        before.forEach((own, g) => {
          const { received } = changeOf(own, after[g], residues.length);
          const change = found.change.subarray(g * width + 1, (g + 1) * width - 1);
          allClose(change, received, { atol: 1e-4 }, `head ${g}`);
        });
      }
    },
  });
}

Deno.test({
  name: "contacts --adapter has the model's own map beside, and what appears and vanishes",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const contacts = async (...args: string[]) => {
      const out: string[] = [], err: string[] = [];
      const code = await execute(contactsCommand, ["--backend", "cpu", "--quiet", ...args], {
        output: { out: (line) => out.push(line), err: (line) => err.push(line) },
      });
      equal(code, 0, err.join("\n"));
      return out.join("\n");
    };
    const mapOf = async (folder: string, name = "map") => {
      using source = await openRandomAccess(`${folder}/map.npz`);
      return (await readNpz(source)).get(name)!.data as Float32Array;
    };
    await inFolder(async (dir) => {
      for (const method of ["head", "attention"]) {
        const own = ["--sequence", GB1, "--model", MODEL, "--method", method, "--top", "0"];
        const out = await contacts(...own, "--adapter", ADAPTER, "--out", `${dir}/with`);
        await contacts(...own, "--out", `${dir}/without`);
        const after = await mapOf(`${dir}/with`), before = await mapOf(`${dir}/without`);
        deepEqual(await mapOf(`${dir}/with`, "before"), before);
        ok(after.some((x, i) => Math.abs(x - before[i]) > 1e-3), "it changes something");
        const { rows } = readCsv(`${dir}/with/contacts.csv`), length = GB1.length;
        const predicted = method === "head" ? "probability" : "score";
        for (const row of rows) {
          const at = (Number(row.i) - 1) * length + Number(row.j) - 1;
          allClose(
            [Number(row[predicted]), Number(row.before), Number(row.change)],
            [after[at], before[at], after[at] - before[at]],
            { atol: 1e-7 },
          );
        }
        const taken = (map: Float32Array) => {
          const pairs = rows.map(({ i, j }) => (Number(i) - 1) * length + Number(j) - 1)
            .sort((a, b) => map[b] - map[a]);
          return new Set(
            method === "head" ? pairs.filter((pair) => map[pair] > 0.5) : pairs.slice(0, length),
          );
        };
        const now = taken(after), once = taken(before);
        const changed = readCsv(`${dir}/with/changed_contacts.csv`).rows;
        for (const row of changed) {
          const pair = (Number(row.i) - 1) * length + Number(row.j) - 1;
          equal(row.what, now.has(pair) ? "appeared" : "vanished");
          ok(now.has(pair) !== once.has(pair));
        }
        equal(changed.length, now.symmetricDifference(once).size);
        ok(method === "head" || changed.length > 0, "some change");
        match(
          out,
          /With the adapter adapter \w+ contacts? appears? and \w+ contacts? vanish(es)? \(/,
        );
        ok(Deno.readTextFileSync(`${dir}/with/report.html`).includes('data-figure="change"'));
      }
    });
  },
});

Deno.test({
  name: "embed --adapter gives the states that PEFT's model gives",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { last_hidden_state: expected } = readFixture("lora/feature_extraction_qkv/expected");
    const residues = "NLYIQWLKDGGPSSGRPPPS";
    await inFolder(async (dir) => {
      const folder = adapterFolder("feature_extraction_qkv");
      const own = ["--sequence", residues, "--model", MODEL, "--adapter", folder];
      await embedded(...own, "--pool", "none", "--out", dir, "--quiet");
      const { arrays } = await readArrays(`${dir}/embeddings.npz`);
      const [found] = [...arrays.values()].filter(({ shape }) => shape.at(-1) === 64);
      // Residues, without <cls> and <eos>.
      const rows = expected.data.slice(64, 64 * 21);
      allClose(found.data, rows, { atol: 5e-5 });
    });
  },
});

Deno.test({
  name: "sae encode --adapter says which latents fire more and less than without it",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await inFolder(async (dir) => {
      using base = await openCheckpoint(embeddedPath);
      const made = await newAdapter(base, {
        ...{ kind: "mlm", task: null, baseModel: "esm2_t6_1M_PF20", rank: 2, alpha: 4 },
        ...{ targets: ["query", "value"], name: "made", seed: 1 },
      });
      const moved = Object.entries(adapterArrays(made)).filter(([name]) => name.endsWith("lora_B"))
        .map(([name, { values }]) => [name, values.map((_, i) => 0.3 * Math.sin(i))]);
      await Deno.mkdir(`${dir}/made`);
      await writeAdapter(
        (file) => `${dir}/made/${file}`,
        withArrays(made, Object.fromEntries(moved)),
      );
      const encode = async (...args: string[]) => {
        const own = ["--sequence", GB1, "--backend", "cpu", "--no-fidelity", "--quiet"];
        const out: string[] = [], err: string[] = [];
        const code = await execute(encodeCommand, [...own, ...args], {
          output: { out: (line) => out.push(line), err: (line) => err.push(line) },
        });
        equal(code, 0, err.join("\n"));
        return out.join("\n");
      };
      const out = await encode("--adapter", `${dir}/made`, "--out", `${dir}/with`, "--top", "999");
      await encode("--out", `${dir}/without`);
      const meansOf = (folder: string) => {
        const means = new Map<string, number>();
        for (const { latent, activation } of readCsv(`${dir}/${folder}/latents.csv`).rows) {
          means.set(latent, (means.get(latent) ?? 0) + Number(activation) / GB1.length);
        }
        return means;
      };
      const before = meansOf("without"), after = meansOf("with");
      const { rows } = readCsv(`${dir}/with/changed_latents.csv`);
      equal(rows.length, new Set([...before.keys(), ...after.keys()]).size);
      let last = Infinity;
      for (const row of rows) {
        const own = [before.get(row.latent) ?? 0, after.get(row.latent) ?? 0];
        allClose([Number(row.mean_before), Number(row.mean_after)], own, { atol: 1e-5 });
        ok(Math.abs(Number(row.change)) <= last);
        last = Math.abs(Number(row.change));
      }
      const only = rows.filter((row) => Number(row.active_before) === 0).length;
      match(out, new RegExp(`Of ${rows.length} latents ${only} fire only with the adapter made`));
    });
  },
});

Deno.test({
  name: "without --model an adapter runs on what it was made for, and says where it does not fit",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await inFolder(async (dir) => {
      // Made for a model of another width than the embedded one's.
      const { code, err } = await analyze("--adapter", ADAPTER, "--out", `${dir}/out`);
      equal(code, 2);
      match(err, /^error: Cannot use .* with esm2_t6_1M_PF20 as .*made for "rand_t2_d64_h4"/);
      equal([...Deno.readDirSync(dir)].length, 0);
    });
  },
});

Deno.test("every command that has --model has --adapter, and but for verify no other lacks it", async () => {
  const all = (await loadAll()).filter(({ command }) => "model" in command.options);
  ok(all.length >= 15, all.map(({ path }) => path).join());
  const without = all.filter(({ command }) => !("adapter" in command.options));
  deepEqual(without.map(({ path }) => path), ["verify"]);
});

const files = (name: string, change: (contents: ReturnType<typeof recorded>) => void) => {
  const contents = recorded(name);
  change(contents);
  return Object.fromEntries(
    Object.entries(filesOf(contents)).map(([file, bytes]) => [`adapter/${file}`, bytes]),
  );
};

testBadInputs("analyze", (args, settings) => execute(analyzeCommand, args, settings), [
  {
    name: "--adapter that is not there",
    args: ["--adapter", "nothing"],
    says: /Cannot use "nothing" as an adapter as it must be a folder .*: nothing is there/,
  },
  {
    name: "--adapter that asks for what is not supported",
    files: files("mlm_qkv", ({ config }) => config.use_qalora = true),
    args: ["--model", MODEL, "--adapter", "adapter"],
    says: /must do without use_qalora, which is not supported: current value is true/,
  },
  {
    name: "--adapter with a target that has no tensors",
    files: files(
      "mlm_qkv",
      ({ config }) => config.target_modules = ["query", "key", "value", "dense"],
    ),
    args: ["--model", MODEL, "--adapter", "adapter"],
    says: /each target must have lora_A and lora_B: .* and \d+ more has none/,
  },
  {
    name: "--adapter of another model",
    files: files("mlm_qkv", () => {}),
    args: ["--model", fixturePath("rand_t3_d40_h20"), "--adapter", "adapter"],
    says:
      /lora_A and lora_B of .* must fit its \[40, 40\]: current shapes are \[4, 64\] and \[64, 4\]/,
  },
]);
