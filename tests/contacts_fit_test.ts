/** Contact heads that are fitted here: to made-up and to real structures. */
import { execute } from "../lib/cli/main.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { ContactHead } from "../lib/contacts/mod.ts";
import { mapOf, pairFeatures } from "../lib/contacts/fit/features.ts";
import { Esm2, padBatch, tokenize } from "../lib/esm2/mod.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { parseTable } from "../lib/io/csv.ts";
import { command } from "../tasks/contacts.ts";
import { inFolder } from "./analyze_run.ts";
import { allClose, equal, match, ok } from "./assert.ts";
import { testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const options = { sanitizeResources: false, sanitizeOps: false };
const letters = "GSTAVLIMCPFYWHKRDENQ";
const sequence = (length: number, step: number) =>
  Array.from({ length }, (_, i) => letters[(i * step + i * i) % 20]).join("");

/** True contacts made of the sequence's own letters, so that attention can know of them. */
function contactsOf(residues: string): string {
  const rows = ["i,j"];
  for (let i = 0; i < residues.length; i++) {
    for (let j = i + 6; j < residues.length; j++) {
      if ("VLIMF".includes(residues[i]) && "VLIMF".includes(residues[j])) {
        rows.push(`${i + 1},${j + 1}`);
      }
    }
  }
  return `${rows.join("\n")}\n`;
}

const PROTEINS = [7, 3, 11, 9].map((step, p) => ({
  id: `p${p}`,
  residues: sequence(50 + p, step),
}));
const TABLE = `id,sequence,truth\n${
  PROTEINS.map(({ id, residues }) => `${id},${residues},${id}.csv`).join("\n")
}\n`;

async function fit(dir: string, ...args: string[]) {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, ["fit", "--backend", "cpu", ...args, "--out", `${dir}/out`], {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

Deno.test({
  name: "contacts fit writes a model whose head gives the maps that it was fitted to give",
  ...options,
  fn: () =>
    inFolder(async (dir) => {
      for (const { id, residues } of PROTEINS) {
        await Deno.writeTextFile(`${dir}/${id}.csv`, contactsOf(residues));
      }
      await Deno.writeTextFile(`${dir}/t.csv`, TABLE);
      const { code, out, err } = await fit(
        dir,
        ...["--table", `${dir}/t.csv`, "--folds", "2", "--penalty", "20"],
      );
      equal(code, 0, err);
      match(out, /heads have a weight; \d+ pairs of 4 proteins, \d+ of them in contact/);
      const rows = async (name: string) => {
        const path = `${dir}/out/${name}.csv`;
        return parseTable(await Deno.readTextFile(path), path).rows;
      };
      const weights = (await rows("weights")).map(({ fields }) => Number(fields.weight));
      equal(weights.length, 48);
      ok(weights.some((w) => w !== 0));
      const heldOut = await rows("held_out");
      equal(heldOut.length, 12);
      // The training contacts are far more than chance among the highest pairs.
      const { backend } = await openBackend("cpu");
      await using _ = backend;
      using checkpoint = await openCheckpoint(`${dir}/out`);
      await using esm = await Esm2.open(checkpoint, backend);
      await using head = await ContactHead.create(esm, checkpoint);
      const [{ id, residues }] = PROTEINS, length = residues.length;
      const [map] = await head.run(padBatch([tokenize({ id, residues })]));
      const known = new Uint8Array(length).fill(1), contacts = new Uint8Array(length ** 2);
      for (const line of contactsOf(residues).split("\n").slice(1, -1)) {
        const [i, j] = line.split(",").map(Number);
        contacts[(i - 1) * length + j - 1] = contacts[(j - 1) * length + i - 1] = 1;
      }
      const truth = { source: "made", contacts, known };
      const features = await pairFeatures(esm, { id, residues, truth }, { least: 6 });
      const bias = (await checkpoint.read("contact_head.regression.bias"))[0];
      const own = mapOf(features, weights, bias);
      const at = [...features.pairs];
      allClose(at.map((pair) => map[pair]), at.map((pair) => own[pair]), { atol: 1e-5 });
      const meanOf = (label: number) => {
        const values = at.filter((_, i) => features.labels[i] === label).map((pair) => map[pair]);
        return values.reduce((a, b) => a + b, 0) / values.length;
      };
      ok(meanOf(1) > meanOf(0), `${meanOf(1)} and ${meanOf(0)}`);
      // The rest of the model is what it was.
      using before = await openModel(undefined);
      for (const name of ["layers.0.fc1.weight", "embed_tokens.weight"] as const) {
        allClose(await checkpoint.read(name), await before.checkpoint.read(name), {});
      }
      match(await Deno.readTextFile(`${dir}/out/MODEL_CARD.md`), /\| long \| [\d.]+ % \|/);
    }),
});

Deno.test({
  name: "features of a pair are the heads' corrected attention, as golden arrays have their sum",
  ...options,
  async fn() {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
    await using esm = await Esm2.open(checkpoint, backend);
    await using head = await ContactHead.create(esm, checkpoint);
    const residues = sequence(31, 7), length = residues.length;
    const [map] = await head.run(padBatch([tokenize({ id: "a", residues })]));
    const weights = await checkpoint.read("contact_head.regression.weight");
    const [bias] = await checkpoint.read("contact_head.regression.bias");
    const known = new Uint8Array(length).fill(1);
    known[4] = 0;
    const truth = { source: "none", contacts: new Uint8Array(length ** 2), known };
    const features = await pairFeatures(esm, { id: "a", residues, truth }, { least: 3 });
    const own = mapOf(features, weights, bias);
    let pairs = 0;
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < length; j++) {
        const at = i * length + j;
        if (j - i < 3 || i === 4 || j === 4) ok(Number.isNaN(own[at]));
        else {
          pairs++;
          allClose([own[at]], [map[at]], { atol: 1e-5 });
        }
      }
    }
    equal(features.pairs.length, pairs);
  },
});

const good = {
  "t.csv": TABLE,
  ...Object.fromEntries(PROTEINS.map(({ id, residues }) => [`${id}.csv`, contactsOf(residues)])),
};
testBadInputs(
  "contacts fit",
  (args, settings) => execute(command, ["fit", "--backend", "cpu", "--quiet", ...args], settings),
  [
    { name: "no table", args: [], says: /--table/ },
    {
      name: "a protein without contacts",
      files: { "t.csv": `id,sequence\na,${sequence(30, 7)}\nb,${sequence(30, 3)}\n` },
      args: ["--table", "t.csv", "--folds", "2"],
      says: /structure or true contacts: a has none/,
    },
    {
      name: "fewer proteins than folds",
      files: good,
      args: ["--table", "t.csv"],
      says: /5 proteins or more.*current count is 4/,
    },
    {
      name: "pairs of which none is a contact",
      files: {
        "t.csv": "id,sequence,truth\na,MKTAYIAKQRQISFVKSHFS,a.csv\nb,MKTAYIAKQRQISFVKSHFA,a.csv\n",
        "a.csv": "i,j\n1,2\n",
      },
      args: ["--table", "t.csv", "--folds", "2"],
      says: /some pairs must be in contact.*0 of/,
    },
    {
      name: "a penalty of nothing",
      files: good,
      args: ["--table", "t.csv", "--penalty", "0"],
      says: /--penalty/,
    },
  ],
);

Deno.test({
  name: "contacts fit refuses a model without language-model head before it computes anything",
  ...options,
  fn: () =>
    inFolder(async (dir) => {
      for (const [name, text] of Object.entries(good)) {
        await Deno.writeTextFile(`${dir}/${name}`, text);
      }
      const model = fixturePath("train/full_seq_cls");
      const args = ["--table", `${dir}/t.csv`, "--folds", "2", "--model", model];
      const { code, err } = await fit(dir, ...args);
      equal(code, 2);
      match(
        err,
        /Cannot fit a contact head as the checkpoint must have a language-model head.*lm_head/,
      );
      ok(!err.includes("Running"), "no backend is opened");
    }),
});
