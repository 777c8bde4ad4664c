import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { resultOf } from "../lib/contacts/mod.ts";
import { showAs } from "../lib/display.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { openSae } from "../lib/sae/mod.ts";
import { analyzeSites } from "../lib/sites/mod.ts";
import { structureOf } from "../lib/structure/structure.ts";
import { ScoreMatrix } from "../lib/variants/mod.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { fixturePath, tinyPath } from "./fixtures.ts";
import { gpuTest } from "./gpu.ts";
import { batchOf } from "./parity.ts";

// deno-lint-ignore no-explicit-any
const shown = (object: unknown): any => (object as any)[Symbol.for("Jupyter.display")]();
const inspected = (object: unknown) => Deno.inspect(object, { colors: false });

const noResources = { sanitizeResources: false, sanitizeOps: false };

Deno.test("objects of the engine print as one line", noResources, async () => {
  using checkpoint = await openCheckpoint(tinyPath);
  using model = await openModel(undefined);
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  await using esm = await Esm2.open(checkpoint, backend);
  const { sae } = await openSae(undefined, {}, model);
  const size = "4 layers, 128 wide, 8 heads";
  equal(inspected(esm), `Esm2: ${size}, on cpu (${backend.detail})`);
  equal(inspected(backend), `Backend cpu: ${backend.detail}`);
  match(
    inspected(checkpoint),
    new RegExp(`^Checkpoint esm2_t4_800K_SP50 .*: ${size}, 78 tensors$`),
  );
  equal(inspected(model), "Model esm2_t6_1M_PF20: 6 layers, 128 wide, 8 heads; embedded");
  equal(
    inspected(sae),
    "Sae esm2_t6_1M_PF20:l4: 1024 latents of 128 values after block 4, TopK 16",
  );
  const result = await esm.run(batchOf(["NLYIQW"]));
  equal(inspected(result.hidden), 'Tensor "hidden" f32[8, 128]');
  match(inspected({ result }), /hidden: Tensor "hidden" f32\[8, 128\]/);
  result[Symbol.dispose]();
  equal(inspected(result.hidden), 'Tensor "hidden" f32[8, 128] (released)');
  const matrix = new ScoreMatrix({ id: "toy", residues: "NLYIQW", offset: 1 });
  matrix.setScore(2, "A", -1);
  equal(inspected(matrix), "ScoreMatrix of toy: 6 residues × 20 letters, 1 scores");
});

gpuTest("tensors on a device print as one line", (ctx) => {
  const tensor = ctx.alloc("mass", [2, 3], "u32");
  equal(inspected(tensor), 'GpuTensor "mass" u32[2, 3]');
  tensor.dispose();
  equal(inspected(tensor), 'GpuTensor "mass" u32[2, 3] (released)');
  return Promise.resolve();
});

Deno.test("a protein's heads show themselves as a table", noResources, async () => {
  using checkpoint = await openCheckpoint(tinyPath);
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  await using esm = await Esm2.open(checkpoint, backend);
  const protein = { id: "<b>", residues: "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ" };
  const sites = [{ residue: 4, letter: "A" }, { residue: 5, letter: "Y" }];
  const { proteins: [found] } = await analyzeSites(esm, [{ ...protein, sites }]);
  match(inspected(found), /^<b>: 33 residues, 2 sites; \d+ of 32 heads sensitive, most layer \d/);
  const { "text/html": html, "text/plain": plain } = shown(found);
  equal(plain, inspected(found));
  match(html, /^<table><caption[^>]*>&#60;b&#62;: 33 residues, 2 sites/);
  equal(html.match(/<tr>/g).length, 1 + 10, "the best ten heads");
  ok(!/<script|<b>/.test(html));
});

Deno.test("a protein's contacts show themselves as a map", () => {
  const residues = "NLYIQWLKDGGPSSGRPPPS", length = residues.length;
  const map = new Float32Array(length * length), contacts = new Uint8Array(length * length);
  const pair = (i: number, j: number) => [i * length + j, j * length + i];
  for (const at of pair(2, 10)) map[at] = 0.75;
  for (const at of [...pair(2, 10), ...pair(1, 12), ...pair(3, 5)]) contacts[at] = 1;
  const truth = { source: "toy", contacts, known: new Uint8Array(length).fill(1) };
  const { result } = resultOf({ id: "trp", residues, truth } as never, { map });
  match(inspected(result), /^trp: contacts of 20 residues, best Y3–G11 \(0\.75\)/);
  const html: string = shown(result)["text/html"];
  const [above, below] = [...html.matchAll(/<g [^>]*>(.*?)<\/g>/g)].map(([, marks]) => marks);
  equal(above.match(/<rect/g)!.length, length, "as many pairs as residues");
  match(above, /^<rect x="10" y="2" width="1" height="1" opacity="1.00"\/>/);
  const places = [...below.matchAll(/x="(\d+)" y="(\d+)"/g)].map(([, x, y]) => `${x} ${y}`);
  deepEqual(places.sort(), ["1 12", "2 10"], "true contacts at least 6 apart");
  ok(!html.includes("<script"));
});

Deno.test("a structure prints its chains", async () => {
  const structure = await structureOf(
    await Deno.readTextFile(fixturePath("small.cif")),
    "small.cif",
  );
  match(inspected(structure), /^Structure small\.cif \(cif\):\n {2}Chain \S+: \d+ residues?/);
  match(inspected(structure.chains[0]), /^Chain \S+: \d+ residues?/);
});

Deno.test("showAs leaves copies, JSON and comparisons as they are, and lets no escape through", () => {
  const plain = { id: "a\u001b[31m" }, object = showAs({ ...plain }, { text: ({ id }) => id });
  deepEqual(object, plain);
  deepEqual(Reflect.ownKeys({ ...object }), ["id"]);
  equal(JSON.stringify(object), JSON.stringify(plain));
  ok(!inspected(object).includes("\u001b"));
  deepEqual(Object.keys(shown(object)), ["text/plain"]);
});
