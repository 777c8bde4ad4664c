import { createHash } from "node:crypto";
import { join } from "node:path";
import { deepEqual, equal, rejects } from "../../tests/assert.ts";
import { openCheckpoint } from "./open.ts";
import type { EsmTensorName } from "./names.ts";
import { isSmallModel, sameBits } from "./testing/checks.ts";
import { safetensorsBytes, torchBytes, withTempDir } from "./testing/files.ts";
import {
  asSafetensors,
  asStateDict,
  fairEsmBytes,
  SMALL_CONFIG,
  SMALL_TENSORS,
  smallTensors,
  smallValues,
} from "./testing/small_model.ts";

const hf = (_fair: string, name: string) => name;
const isContact = (name: string) => name.includes("contact_head");

async function writeConfig(dir: string) {
  await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify(SMALL_CONFIG));
}

for (const prefix of ["", "encoder.", "encoder.sentence_encoder."]) {
  for (const namespace of [true, false]) {
    const kind = `prefix "${prefix}", cfg as ${namespace ? "Namespace" : "dict"}`;
    Deno.test(`openCheckpoint reads a fair-esm file without contact head: ${kind}`, async () => {
      await withTempDir(async (dir) => {
        const path = join(dir, "small.pt");
        const tensors = smallTensors((fair) => isContact(fair) ? undefined : prefix + fair);
        await Deno.writeFile(path, await fairEsmBytes(tensors, { namespace }));
        using checkpoint = await openCheckpoint(path);
        await isSmallModel(checkpoint, isContact);
        equal(checkpoint.format, "fair-esm");
        deepEqual(checkpoint.files, [path]);
        deepEqual(checkpoint.notes, [
          "no contact head: small-contact-regression.pt is not beside the model",
        ]);
        await rejects(() => checkpoint.read("contact_head.regression.bias"), {
          name: "UserError",
          message: "Cannot read contact_head.regression.bias of small as it has no such tensor",
        });
      });
    });
  }
}

Deno.test("openCheckpoint prefers the contact head beside a fair-esm file to one within", async () => {
  await withTempDir(async (dir) => {
    const path = join(dir, "small.pt");
    const zeroed = smallTensors((fair) => fair).map((t) =>
      isContact(t.name) ? { ...t, values: t.values.map(() => 0) } : t
    );
    await Deno.writeFile(path, await fairEsmBytes(zeroed));
    {
      using inside = await openCheckpoint(path);
      deepEqual(await inside.read("contact_head.regression.bias"), Float32Array.of(0));
      deepEqual(inside.notes, []);
    }
    const { dict, storages } = asStateDict(smallTensors((f) => isContact(f) ? f : undefined));
    const head = await torchBytes({ root: { dict: [["model", { dict }]] }, storages });
    await Deno.writeFile(join(dir, "small-contact-regression.pt"), head);
    using checkpoint = await openCheckpoint(path);
    await isSmallModel(checkpoint);
  });
});

const layouts: [what: string, rename: (fair: string, hf: string) => string][] = [
  ["with esm.", hf],
  ["without esm.", (_fair, name) => name.replace(/^esm\./, "")],
];

for (const [what, rename] of layouts) {
  Deno.test(`openCheckpoint reads a Hugging Face pytorch_model.bin ${what}`, async () => {
    await withTempDir(async (dir) => {
      await writeConfig(dir);
      const { dict, storages } = asStateDict(smallTensors(rename), { parameters: true });
      const metadata: [string, { ordered: [] }][] = [["_metadata", { ordered: [] }]];
      const root = { ordered: dict, attributes: metadata };
      await Deno.writeFile(join(dir, "pytorch_model.bin"), await torchBytes({ root, storages }));
      using checkpoint = await openCheckpoint(dir);
      equal(checkpoint.format, "pytorch");
      await isSmallModel(checkpoint);
      using file = await openCheckpoint(join(dir, "pytorch_model.bin"));
      deepEqual([file.name, file.format], ["pytorch_model", "pytorch"]);
    });
  });

  Deno.test(`openCheckpoint reads a Hugging Face model.safetensors ${what}`, async () => {
    await withTempDir(async (dir) => {
      await writeConfig(dir);
      const bytes = safetensorsBytes(asSafetensors(smallTensors(rename)));
      await Deno.writeFile(join(dir, "model.safetensors"), bytes);
      using checkpoint = await openCheckpoint(dir);
      await isSmallModel(checkpoint);
    });
  });
}

for (const kind of ["safetensors", "bin"] as const) {
  Deno.test(`openCheckpoint reads ${kind} shards, and sha256 covers them all`, async () => {
    await withTempDir(async (dir) => {
      await writeConfig(dir);
      const all = smallTensors(hf);
      const parts = [all.slice(0, 20), all.slice(20)];
      const names = parts.map((_, i) => `part-0000${i + 1}-of-00002.${kind}`);
      const lines: string[] = [];
      for (const [i, part] of parts.entries()) {
        const { dict, storages } = asStateDict(part);
        const bytes = kind === "bin"
          ? await torchBytes({ root: { ordered: dict }, storages })
          : safetensorsBytes(asSafetensors(part));
        await Deno.writeFile(join(dir, names[i]), bytes);
        lines.push(`${createHash("sha256").update(bytes).digest("hex")}  ${names[i]}\n`);
      }
      const map = parts.flatMap((part, i) => part.map(({ name }) => [name, names[i]]));
      const index = kind === "bin" ? "pytorch_model.bin" : "model.safetensors";
      await Deno.writeTextFile(
        join(dir, `${index}.index.json`),
        JSON.stringify({
          metadata: { total_size: 1 },
          weight_map: Object.fromEntries(map.reverse()),
        }),
      );
      using checkpoint = await openCheckpoint(dir);
      equal(checkpoint.format, kind === "bin" ? "pytorch" : "safetensors");
      deepEqual([...checkpoint.files].sort(), names.map((name) => join(dir, name)));
      await isSmallModel(checkpoint);
      const wanted = createHash("sha256").update(lines.join("")).digest("hex");
      equal(await checkpoint.sha256(), wanted);
    });
  });
}

for (
  const shared of [
    "esm.encoder.layer.*.attention.self.rotary_embeddings.inv_freq",
    "esm.rotary_embeddings.inv_freq",
  ]
) {
  Deno.test(`openCheckpoint reads a model as transformers 5 writes it: ${shared}`, async () => {
    await withTempDir(async (dir) => {
      await writeConfig(dir);
      const tensors = smallTensors((fair, hf) => {
        if (fair === "layers.0.self_attn.rot_emb.inv_freq") return shared;
        if (fair === "layers.1.self_attn.rot_emb.inv_freq") return undefined;
        return hf.replace(/LayerNorm\.weight$/, "LayerNorm.gamma")
          .replace(/LayerNorm\.bias$/, "LayerNorm.beta");
      });
      await Deno.writeFile(
        join(dir, "model.safetensors"),
        safetensorsBytes(asSafetensors(tensors)),
      );
      using checkpoint = await openCheckpoint(dir);
      deepEqual(checkpoint.notes, []);
      const frequencies = smallValues("layers.0.self_attn.rot_emb.inv_freq");
      for (const [fair] of SMALL_TENSORS) {
        const expected = fair.endsWith("inv_freq") ? frequencies : smallValues(fair);
        sameBits(await checkpoint.read(fair as EsmTensorName), expected, fair);
      }
    });
  });
}
