/** Paths that are no plain files: every command says what they are, in one line. */
import { equal, match, ok } from "./assert.ts";
import { inFolder } from "./analyze_run.ts";
import { tinyPath } from "./fixtures.ts";

const root = new URL("../", import.meta.url);

/** Runs a task in a shell, which knows pipes; gives code and stderr. */
async function shell(line: string, dir: string) {
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", line],
    cwd: root,
    env: { DIR: dir, DENO: Deno.execPath(), LONG: "x".repeat(300), MODEL: tinyPath },
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

const sequence = "--sequence MKTAYIAKQRMKTAYIAKQR";
const pipe = "a pipe or a device: save what it gives to a file first";
const device = "a device of the system: save what it gives to a file first";
const long = "its name is longer than the system allows";

const refused: [line: string, says: string][] = [
  ["analyze --fasta /dev/stdin --sites 3", "line 1 as a record must have a sequence"],
  ["score --assay - --sequence MKT", "must have the column"],
  ["analyze --model /dev/stdin", device],
  ["sae encode --fasta -", "line 1 as a record must have a sequence"],
  [`score --assay <(echo mutated) ${sequence}`, "must have the column"],
  ["sae encode --fasta <(echo '>a')", "line 1 as a record must have a sequence"],
  ["sae train --fasta <(echo '>a')", "line 1 as a record must have a sequence"],
  ["analyze --model <(cat $MODEL/model.safetensors)", pipe],
  [`sae encode ${sequence} --sae <(cat $MODEL/sae/layer_1.safetensors) --layer 1`, pipe],
  ["analyze --fasta /dev/zero --sites 3", pipe],
  ["analyze --fasta $LONG --sites 3", long],
  ["analyze --model $LONG", long],
  [`score --assay $LONG ${sequence}`, long],
  [`contacts ${sequence} --truth $LONG.npz`, long],
  ["contacts --structure $LONG", long],
  [`sae encode ${sequence} --sae $LONG --layer 1`, long],
  ["sae train --fasta $LONG", long],
  ["sae merge $LONG", long],
  ["fetch --cache $DIR/$LONG esm2_t6_8M_UR50D", long],
  ["analyze --fasta $DIR --sites 3", "it is a folder"],
  [`score --assay $DIR ${sequence}`, "it is a folder"],
  ["analyze --model $DIR/folders", "config.json as .*: it is a folder"],
];

for (const [line, says] of refused) {
  Deno.test({
    name: `deno task ${line} is answered by one line`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      inFolder(async (dir) => {
        await Deno.mkdir(`${dir}/folders/config.json`, { recursive: true });
        await Deno.copyFile(
          `${tinyPath}/model.safetensors`,
          `${dir}/folders/model.safetensors`,
        );
        const out = /^(fetch|sae merge)/.test(line) ? "" : "--out $DIR/out";
        const { code, err } = await shell(
          `echo ">a" | "$DENO" task --quiet ${line} ${out} --quiet`,
          dir,
        );
        match(err, new RegExp(`^error: Cannot [^\\n]*${says}[^\\n]*\\n$`));
        equal(code, 2, err);
        ok(![...Deno.readDirSync(dir)].some(({ name }) => name === "out"));
      }),
  });
}

const record = "printf '>a\\nMKTAYIAKQRMKTAYIAKQR\\n'";
const piped: [line: string, input: string][] = [
  [`analyze --fasta <(${record}) --sites 3`, ":"],
  ["analyze --fasta - --sites 3", record],
  ["analyze --fasta /dev/stdin --sites 3", `${record} | gzip`],
  // Both are read twice.
  ["sae encode --fasta -", `${record} | iconv -t UTF-16`],
  ["score --assay - --sequence MKTAY", "printf 'mutant,DMS_score\\nM1A,1\\nK2A,2\\n' | gzip"],
];
for (const [line, input] of piped) {
  Deno.test({
    name: `${input} | deno task ${line} reads what it is given`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      inFolder(async (dir) => {
        const { code, err } = await shell(
          `${input} | "$DENO" task --quiet ${line} --out $DIR/out --quiet`,
          dir,
        );
        equal(code, 0, err);
      }),
  });
}
