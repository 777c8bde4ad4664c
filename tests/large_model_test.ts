/** A 650M-shaped model end to end; opt in with LARGE_MODEL=1, as it writes 2.6 GB to a temporary folder. */
import { ok } from "./assert.ts";

const wanted = Deno.env.get("LARGE_MODEL") === "1";
const GB = 1e9;

Deno.test({
  name: `analyze runs a 650M-shaped model within its memory${
    wanted ? "" : " (skipped: LARGE_MODEL=1)"
  }`,
  ignore: !wanted,
  async fn(t) {
    const dir = await Deno.makeTempDir({ prefix: "esmscope-650M-" });
    try {
      const { SHAPES } = await import("../lib/checkpoint/random.ts");
      const { writeRandomCheckpoint } = await import("../lib/bench/random_folder.ts");
      await writeRandomCheckpoint(`${dir}/model`, SHAPES["650M"]);
      const resident = await peakOf(dir, []);
      const streamed = await peakOf(dir, ["--low-memory"]);
      // The weights alone are 2.6 GB; one block's are 79 MB. The figures are in the steps' names.
      await t.step(`A2A on cpu: peak ${(resident / GB).toFixed(2)} GB, below 3.2`, () => {
        ok(resident < 3.2 * GB);
      });
      await t.step(`with --low-memory: ${(streamed / GB).toFixed(2)} GB, below 0.6`, () => {
        ok(streamed < 0.6 * GB);
      });
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

async function peakOf(dir: string, flags: string[]): Promise<number> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-P=analyze", "tasks/analyze.ts", "--backend", "cpu"],
      ...["--model", `${dir}/model`, "--out", `${dir}/out`, ...flags],
    ],
  }).output();
  ok(code === 0, new TextDecoder().decode(stderr));
  return JSON.parse(await Deno.readTextFile(`${dir}/out/run.json`)).peakMemoryBytes;
}
