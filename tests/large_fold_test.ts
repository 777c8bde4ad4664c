/** ESMFold at its full size with random weights; opt in with LARGE_FOLD=1, as it writes 8.4 GB to a temporary folder. */
import type { Esm2Config } from "../lib/checkpoint/mod.ts";
import { ESMFOLD_V1 } from "../lib/fold/config.ts";
import { writeRandomFold } from "../lib/fold/testing/random_fold.ts";
import { readCsv } from "./analyze_run.ts";
import { ok } from "./assert.ts";

const wanted = Deno.env.get("LARGE_FOLD") === "1";
const GB = 1e9;

/** The language model: esm2_t36_3B_UR50D. */
const ESM2_3B: Esm2Config = {
  ...{ layers: 36, dModel: 2560, heads: 40, headDim: 64, ffn: 10240, tokenDropout: true },
};

Deno.test({
  name: `fold runs a model of full size, a block's weights at a time${
    wanted ? "" : " (skipped: LARGE_FOLD=1)"
  }`,
  ignore: !wanted,
  async fn(t) {
    const dir = await Deno.makeTempDir({ prefix: "esmscope-fold-" });
    try {
      await writeRandomFold(`${dir}/model`, ESMFOLD_V1, ESM2_3B);
      const found: { seconds: number; peak: number }[] = [];
      for (const residues of [64, 256]) {
        const own = await fold(dir, residues);
        found.push(own);
        const text = `${residues} residues, 1 pass: ${own.seconds.toFixed(0)} s, ` +
          `peak ${(own.peak / GB).toFixed(2)} GB`;
        await t.step(`${text}, below 6`, () => ok(own.peak < 6 * GB));
      }
      const [small, large] = found;
      // What grows with L² are maps of 512 L² bytes: the state of pairs, what is recycled of it, and what a step
      // makes of it, four times as wide within the feed-forward part. Fourteen were measured.
      const more = (large.peak - small.peak) / (512 * (256 ** 2 - 64 ** 2));
      await t.step(`${more.toFixed(1)} maps of pairs more, less than 16`, () => ok(more < 16));
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

async function fold(dir: string, residues: number): Promise<{ seconds: number; peak: number }> {
  const letters = Array.from({ length: residues }, (_, i) => "ACDEFGHIKLMNPQRSTVWY"[i * 7 % 20]);
  const out = `${dir}/out${residues}`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-P=fold", "tasks/fold.ts", "--backend", "cpu", "--low-memory"],
      ...["--model", `${dir}/model`, "--sequence", letters.join(""), "--recycles", "0"],
      ...["--out", out],
    ],
  }).output();
  ok(code === 0, new TextDecoder().decode(stderr));
  const run = JSON.parse(await Deno.readTextFile(`${out}/run.json`));
  return {
    seconds: Number(readCsv(`${out}/summary.csv`).rows[0].seconds),
    peak: run.peakMemoryBytes,
  };
}
