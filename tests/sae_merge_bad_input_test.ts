/** What `sae merge`, `--shard` and `--table` refuse. */
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/sae.ts";
import { equal, match } from "./assert.ts";
import { testBadInputs } from "./bad_input.ts";

const sae = (name: string) =>
(
  args: readonly string[],
  settings: Parameters<typeof execute>[2],
) => execute(command, [name, ...args], settings);

testBadInputs("sae merge", sae("merge"), [
  { name: "no folder", args: [], says: /argument must be given/ },
  { name: "a folder that is not there", args: ["x"], says: /merge "x" .*: .* no such folder/ },
  { name: "a file", files: { x: "" }, args: ["x"], says: /must be a folder .*a file/ },
  {
    name: "a folder without shards",
    files: { "x/patches.csv": "" },
    args: ["x"],
    says: /shard-I-of-N\.json .*a folder without them/,
  },
  {
    name: "another file by a shard's name",
    files: { "x/shard-1-of-2.json": "{}" },
    args: ["x"],
    says: /must be the description of a shard/,
  },
  {
    name: "a shard's name on no JSON",
    files: { "x/shard-1-of-2.json": "shard" },
    args: ["x"],
    says: /must be the description of a shard/,
  },
]);

testBadInputs("sae patch", sae("patch"), [
  { name: "shard 0", args: ["--shard", "0/3"], says: /--shard as it must be a shard .*"0\/3"/ },
  { name: "a shard too many", args: ["--shard", "4/3"], says: /"4\/3"/ },
  { name: "no number of shards", args: ["--shard", "4"], says: /such as "3\/8".*"4"/ },
  {
    name: "a table with another column",
    files: { "t.csv": "assay,layer\na.csv,3\n" },
    args: ["--table", "t.csv"],
    says: /columns must be among assay, .*"layer"/,
  },
  {
    name: "an empty table",
    files: { "t.csv": "assay\n" },
    args: ["--table", "t.csv"],
    says: /a row per protein: current count is 0/,
  },
  {
    name: "a table and an assay",
    files: { "t.csv": "assay\na.csv\n" },
    args: ["--table", "t.csv", "--assay", "a.csv"],
    says: /--table and --assay together/,
  },
  {
    name: "a table's offset that is no number",
    files: { "t.csv": "sequence,offset\nMKT,one\n" },
    args: ["--table", "t.csv"],
    says: /offset of t\.csv line 2 .*"one"/,
  },
  {
    name: "a protein twice",
    files: { "t.csv": "sequence,id\nMKT,p\nMKTA,p\n" },
    args: ["--table", "t.csv"],
    says: /names of their own.*"p" twice/,
  },
]);

Deno.test({
  name: "sae merge names the shard that is missing, there twice, damaged or of another run",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const dir = await Deno.makeTempDir();
    const run = async (...args: string[]) => {
      const err: string[] = [];
      const output = { out: () => {}, err: (line: string) => err.push(line) };
      return { code: await execute(command, args, { output }), err };
    };
    const shard = async (index: number, folder: string, ...more: string[]) => {
      const { code, err } = await run(
        ...["patch", "--backend", "cpu", "--mutations", "Y8G,L11C", "--top", "1"],
        ...["--shard", `${index}/4`, "--out", `${dir}/${folder}`, ...more],
      );
      equal(code, 0, err.join("\n"));
    };
    const refuses = async (says: RegExp, ...folders: string[]) => {
      const { code, err } = await run(
        ...["merge", ...folders.map((name) => `${dir}/${name}`), "--out", `${dir}/merged`],
      );
      equal(code, 2, err.join("\n"));
      equal(err.length, 1, err.join("\n"));
      match(err[0], says);
      equal([...Deno.readDirSync(dir)].some(({ name }) => name === "merged"), false);
    };
    try {
      await shard(2, "a");
      await refuses(/all 4 shards must be there: 1, 3-4 are missing$/, "a");
      for (const index of [1, 3]) await shard(index, "a");
      await refuses(/must be there: 4 is missing$/, "a");
      await shard(2, "b");
      await refuses(/once: shard 2 is both ".*a\/shard-2.*json" and ".*b\/shard-2/, "a", "b");

      await shard(4, "c", "--seed", "5");
      await refuses(/c\/shard-4.* of one run: its seed is "5" but .* is "0"$/, "a", "c");
      await shard(4, "d", "--top", "2");
      await refuses(/d\/shard-4.* its settings\.top is "2" but/, "a", "d");
      await shard(4, "e", "--mutations", "Y8G,L11D");
      await refuses(/e\/shard-4.* its proteins\.0\.variants\.1\.name is "\\"L11D\\""/, "a", "e");
      await shard(4, "f", "--layers", "1");
      await refuses(/f\/shard-4.* its saes\.0\.sha256 is/, "a", "f");
      await shard(1, "g", "--shard", "1/1");
      await refuses(/its number of shards is/, "a", "g");

      // A description that lacks a part of it, as an older version or a half copy would leave.
      const part = `${dir}/g/shard-1-of-1.json`, whole = JSON.parse(Deno.readTextFileSync(part));
      for (const key of ["provenance", "settings", "options", "sha256", "shard"]) {
        for (const value of [undefined, null, 7, [[[]]]]) {
          if (Array.isArray(value) && (key === "units" || key === "lengths")) continue;
          Deno.writeTextFileSync(part, JSON.stringify({ ...whole, [key]: value }));
          await refuses(/shard-1-of-1\.json" as it must be the description of a shard/, "g");
        }
      }
      for (const shard of [{ index: 1, count: 1e12 }, { index: "1", count: 1 }]) {
        Deno.writeTextFileSync(part, JSON.stringify({ ...whole, shard }));
        await refuses(/shard-1-of-1\.json" as it must be the description of a shard/, "g");
      }

      await shard(4, "a");
      const values = `${dir}/a/shard-1-of-4.units`;
      const bytes = Deno.readFileSync(values);
      bytes[9] ^= 1;
      Deno.writeFileSync(values, bytes);
      await refuses(/shard-1-of-4.units" must be the units written with it/, "a");
      Deno.removeSync(values);
      await refuses(/shard-1-of-4.units" must be beside it: .* no such file$/, "a");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
