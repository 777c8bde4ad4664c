/** The commands run from a URL, with nothing of the project on disk. */
import { equal, match, ok } from "./assert.ts";
import { runFromUrl } from "./serve_tree.ts";

const root = new URL("../", import.meta.url);

Deno.test("analyze runs from a URL in an empty folder with an empty cache", () =>
  runFromUrl("tasks/analyze.ts", [], async ({ code, out, err, folder }) => {
    equal(code, 0, err);
    match(out, /AA2AR_HUMAN: 412 residues, 4 sites/);
    const files = [...Deno.readDirSync(`${folder}/results`)].map((f) => f.name).sort();
    equal(files.join(), "heads.csv,report.html,run.json");
    const run = JSON.parse(await Deno.readTextFile(`${folder}/results/run.json`));
    equal(run.model.sha256, await sha256("models/esm2_t6_1M_PF20/model.safetensors"));
    ok(err.includes("esm2_t6_1M_PF20 is a small demonstration model"));
  }));

Deno.test("sae encode runs from a URL with the embedded model's own autoencoder", () =>
  runFromUrl("tasks/sae.ts", ["encode", "--layer", "2"], async ({ code, out, err, folder }) => {
    equal(code, 0, err);
    match(out, /SIS1_YEAST: 81 residues, 16\.0 latents per residue/);
    const run = JSON.parse(await Deno.readTextFile(`${folder}/results/run.json`));
    equal(run.sae.sha256, await sha256("models/esm2_t6_1M_PF20/sae/layer_2.safetensors"));
    match(run.sae.file, /^http:/);
  }));

for (
  const [script, args, files] of [
    ["score", [], "matrix.csv,matrix.npz,report.html,run.json,scores.csv"],
    [
      "contacts",
      ["--method", "jacobian", "--sequence", "NLYIQWLKDGGPSSGRPPPS"],
      "contacts.csv,map.npz,report.html,run.json",
    ],
    [
      "lens",
      ["--sequence", "NLYIQWLKDGGPSSGRPPPS"],
      "decided.csv,layers.csv,lens.csv,report.html,run.json",
    ],
  ] as const
) {
  Deno.test(`${script} runs from a URL in an empty folder with an empty cache`, () =>
    runFromUrl(`tasks/${script}.ts`, args, ({ code, err, folder }) => {
      equal(code, 0, err);
      equal([...Deno.readDirSync(`${folder}/results`)].map((f) => f.name).sort().join(), files);
    }));
}

Deno.test("sae ig runs from a URL", () =>
  runFromUrl("tasks/sae.ts", ["ig", "--mutations", "Y8G"], async ({ code, err, folder }) => {
    equal(code, 0, err);
    const rows = (await Deno.readTextFile(`${folder}/results/mutations.csv`)).trimEnd().split("\n");
    equal(rows.length, 2);
    ok(rows[1].startsWith("SIS1_YEAST,Y8G,8,4,"), rows[1]);
  }));

/** Of a file of the tree, in hexadecimal. */
async function sha256(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(new URL(path, root)));
  return new Uint8Array(hash).toHex();
}
