/** Gaps of a sequence are no residues, in whatever command it is given to. */
import type { Command } from "../lib/cli/command.ts";
import { execute } from "../lib/cli/main.ts";
import { command as analyze } from "../tasks/analyze.ts";
import { command as contactsGroup } from "../tasks/contacts.ts";
import { command as score } from "../tasks/score.ts";
import { equal, match, ok } from "./assert.ts";
import { runSae } from "./sae_run.ts";

const contacts = contactsGroup.alone!;

const folder = new URL("./fixtures/assays/", import.meta.url).pathname;
const GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
const GAPPED = "MTYKLILNGKTLKGETTTEA---VDAATAEKVFKQYANDNGVD..GEWTYDDATKTFTVTE";

async function run(command: Command, args: string[]) {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, [...args, "--backend", "cpu"], {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const commands: [name: string, Command, args: string[], table: string][] = [
  ["analyze", analyze as Command, ["--sites", "T25,A48"], "heads.csv"],
  ["score", score as Command, ["--mutations", "T25A,p.Ala48del"], "scores.csv"],
  ["contacts", contacts as Command, [], "contacts.csv"],
];

for (const [name, command, args, table] of commands) {
  Deno.test({
    name: `${name} numbers residues without gaps, and says that there were some`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const dir = await Deno.makeTempDir();
      try {
        const read = async (from: string[], out: string) => {
          const found = await run(command, [...from, ...args, "--out", `${dir}/${out}`]);
          equal(found.code, 0, found.err);
          return { ...found, text: await Deno.readTextFile(`${dir}/${out}/${table}`) };
        };
        const plain = await read(["--sequence", GB1, "--id", "a"], "plain");
        ok(!/gap/.test(plain.err));
        for (const from of [["--fasta", `${folder}gaps.fa`], ["--sequence", GAPPED, "--id", "a"]]) {
          const gapped = await read(from, "gapped");
          equal(gapped.text, plain.text);
          match(gapped.err, /^a: 5 gaps \(- or \.\) are removed; residues are numbered without/m);
        }
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

Deno.test({
  name: "sae encode numbers residues without gaps, and finds a record by its accession",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const table = async (args: string[]) => {
      let text = "";
      await runSae(
        ["encode", ...args, "--no-fidelity", "--backend", "cpu"],
        async ({ dir, code, err }) => {
          equal(code, 0, err);
          text = await Deno.readTextFile(`${dir}/out/latents.csv`);
        },
      );
      return text;
    };
    const plain = await table(["--sequence", GB1, "--id", "a"]);
    equal(await table(["--fasta", `${folder}gaps.fa`]), plain);
    const named = await table(["--fasta", `${folder}multi.fa`, "--id", "P1"]);
    equal(named.replaceAll("sp|P1|A_X", "a"), plain);
    await runSae(["encode", "--fasta", `${folder}multi.fa`, "--id", "P3"], ({ code, err }) => {
      equal(code, 2);
      match(err, /--id must be one of its ids \(sp\|P1\|A_X, sp\|P2\|B_X\): current value is "P3"/);
    });
  },
});
