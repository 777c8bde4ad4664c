import { createHash } from "node:crypto";
import { readSae } from "../lib/sae/read.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { inFolder, listing } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { embeddedPath } from "./fixtures.ts";
import { corpus, saeTrain, SMALL } from "./sae_train_run.ts";

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test({ name, fn: () => inFolder(fn), sanitizeOps: false, sanitizeResources: false });

const model = { name: "esm2_t6_1M_PF20", layers: 6, dModel: 128 };

async function trained(dir: string, out: string, ...args: string[]) {
  await Deno.writeTextFile(`${dir}/in.fasta`, corpus());
  const outcome = await saeTrain([
    ...["--fasta", `${dir}/in.fasta`, ...SMALL, "--out", `${dir}/${out}`, ...args],
  ]);
  equal(outcome.code, 0, outcome.err);
  return { ...outcome, bytes: await Deno.readFile(`${dir}/${out}`) };
}

test("sae train writes an autoencoder that says what it is, and a card", async (dir) => {
  const { out, err } = await trained(dir, "new/layer_1.safetensors");
  match(out, /loss recovered .*\n.*latents silent.*\n.*layer_1\.safetensors\n.*layer_1\.md$/);
  match(err, /120 sequences/);
  deepEqual(listing(`${dir}/new`), ["layer_1.md", "layer_1.safetensors"]);
  using source = await openRandomAccess(`${dir}/new/layer_1.safetensors`);
  const { sae, metadata, layout, notes } = await readSae(source, model);
  deepEqual([layout, notes], ["esmscope", []]);
  deepEqual(sae.config, {
    ...{ name: "esm2_t6_1M_PF20:l1", dModel: 128, latents: 64, depth: 1, k: 4 },
    ...{ afterFinalNorm: false, normalisation: "zscore" },
  });
  for (let f = 0; f < 64; f++) {
    allClose([Math.hypot(...sae.wDec.subarray(f * 128, f * 128 + 128))], [1], { atol: 1e-6 });
  }
  deepEqual([metadata.tokens, metadata.sequences, metadata.seed], ["6000", "120", "1"]);
  const weights = await Deno.readFile(`${embeddedPath}/model.safetensors`);
  equal(metadata.model_sha256, createHash("sha256").update(weights).digest("hex"));
  ok(Number(metadata.fvu) > 0 && Number(metadata.fvu) < 0.8, metadata.fvu);
  ok(Number(metadata.mean_active) <= 4);
  const card = await Deno.readTextFile(`${dir}/new/layer_1.md`);
  for (const fact of [metadata.trained_on_sha256, metadata.fvu, metadata.loss_recovered]) {
    ok(card.includes(fact), fact);
  }
});

test("sae train gives the same bytes twice and others with another seed", async (dir) => {
  const { bytes } = await trained(dir, "a.safetensors");
  deepEqual((await trained(dir, "b.safetensors")).bytes, bytes);
  const other = (await trained(dir, "c.safetensors", "--seed", "2")).bytes;
  ok(other.some((byte, i) => byte !== bytes[i]));
});

test("sae train without normalisation and held-out sequences, by epochs", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.fasta`, corpus(20));
  const args = SMALL.slice();
  args.splice(args.indexOf("--tokens"), 2);
  const { code, err, out } = await saeTrain([
    ...["--fasta", `${dir}/in.fasta`, ...args, "--out", `${dir}/a.safetensors`],
    ...["--epochs", "2", "--validation", "0", "--normalisation", "none", "--embed-scale", "train"],
    "--special-tokens",
  ]);
  equal(code, 0, err);
  ok(!out.includes("silent"));
  using source = await openRandomAccess(`${dir}/a.safetensors`);
  const { sae, metadata } = await readSae(source, model);
  equal(sae.config.normalisation, "none");
  deepEqual([metadata.embed_scale, metadata.special_tokens, metadata.fvu], [
    ...["train", "true", undefined],
  ]);
  const residues = corpus(20).split("\n").filter((line) => !line.startsWith(">")).join("").length;
  equal(Number(metadata.tokens), 2 * (residues + 2 * 20));
});
