/** The lens command from end to end: its tables, and that they agree with each other and with score. */
import { execute } from "../lib/cli/main.ts";
import { command as lens } from "../tasks/lens.ts";
import { command as score } from "../tasks/score.ts";
import { csvNumber, inFolder, listing, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const TRP_CAGE = "NLYIQWLKDGGPSSGRPPPS", LAYERS = 6;

async function run(command: typeof lens | typeof score, ...args: string[]) {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command as typeof lens, [...args, "--backend", "cpu"], {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  equal(code, 0, err.join("\n"));
  return { out: out.join("\n"), err: err.join("\n") };
}

function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: () => inFolder(fn) });
}

for (const how of [[], ["--unmasked", "--tuned", "embedded"]]) {
  test(`lens ${how.join()}: the tables agree with each other and with score`, async (dir) => {
    const mutations = "W6G,L7A:P12G";
    const args = ["--sequence", TRP_CAGE, "--mutations", mutations];
    const { out, err } = await run(lens, ...args, ...how, "--out", `${dir}/lens`);
    match(out, /sequence: 20 residues/);
    equal(/in which the model sees|sees its letter/.test(err), how.length > 0);
    const csv = (name: string) => readCsv(`${dir}/lens/${name}.csv`).rows;
    const rows = csv("lens");
    equal(rows.length, 20 * 2 * (LAYERS + 1));
    for (const layer of csv("layers")) {
      const own = rows.filter((row) => row.lens === layer.lens && row.layer === layer.layer);
      equal(own.length, 20);
      const mean = (name: string) => own.reduce((sum, row) => sum + csvNumber(row[name]), 0) / 20;
      allClose(
        [layer.mean_log_prob, layer.mean_entropy, layer.mean_kl].map(csvNumber),
        [mean("log_prob"), mean("entropy"), mean("kl")],
        { atol: 1e-6 },
      );
      equal(csvNumber(layer.accuracy), own.filter(({ rank }) => rank === "1").length / 20);
      if (layer.layer === String(LAYERS)) equal(layer.mean_kl, "0");
    }
    for (const { lens, residue, decided_layer, final, right, letter } of csv("decided")) {
      const own = rows.filter((row) => row.lens === lens && row.residue === residue);
      const first = own.findLastIndex(({ predicted }) => predicted !== final) + 1;
      equal(Number(decided_layer), first);
      equal(own[LAYERS].predicted, final);
      equal(right, String(letter === final));
    }
    // At the last layer a mutation's score is that of score.
    const mode = how.length > 0 ? ["--mode", "wt-marginal"] : [];
    await run(score, ...args, ...mode, "--no-report", "--out", `${dir}/score`);
    const scores = readCsv(`${dir}/score/scores.csv`).rows;
    const last = csv("mutations").filter(({ layer }) => layer === String(LAYERS));
    equal(last.length, 2 * 2);
    for (const { mutant, esm2_t6_1M_PF20: value } of scores) {
      for (const own of last.filter(({ mutation }) => mutation === mutant)) {
        ok(Math.abs(csvNumber(own.score) - csvNumber(value)) < 1e-4, `${own.score}, ${value}`);
      }
    }
    const changed = csv("mutation_residues");
    equal(changed.length, (19 + 18) * 2 * (LAYERS + 1));
    ok(!changed.some(({ mutation, residue }) => mutation === "W6G" && residue === "6"));
    for (const row of csv("mutations")) {
      const own = changed.filter((one) =>
        ["mutation", "lens", "layer"].every((name) => one[name] === row[name])
      );
      const mean = own.reduce((sum, { kl }) => sum + csvNumber(kl), 0) / own.length;
      ok(Math.abs(mean - csvNumber(row.others_kl)) < 1e-7);
    }
    deepEqual(listing(`${dir}/lens`), [
      ...["decided.csv", "layers.csv", "lens.csv", "mutation_residues.csv", "mutations.csv"],
      ...["report.html", "run.json"],
    ]);
  });
}

test("lens: what a mutation changes is the difference of two runs", async (dir) => {
  const mutant = `${TRP_CAGE.slice(0, 5)}G${TRP_CAGE.slice(6)}`, quiet = ["--no-report", "--out"];
  await run(lens, "--sequence", TRP_CAGE, "--mutations", "W6G", ...quiet, `${dir}/a`);
  await run(lens, "--sequence", mutant, ...quiet, `${dir}/b`);
  const [before, after] = ["a", "b"].map((name) => readCsv(`${dir}/${name}/lens.csv`).rows);
  for (const row of readCsv(`${dir}/a/mutation_residues.csv`).rows) {
    const find = (rows: typeof before) =>
      rows.find((one) => ["lens", "layer", "residue"].every((name) => one[name] === row[name]))!;
    const change = csvNumber(find(after).log_prob) - csvNumber(find(before).log_prob);
    ok(Math.abs(change - csvNumber(row.log_prob_change)) < 5e-6);
    equal(row.predicted_mutant, find(after).predicted);
  }
});

test("lens: a table with mutations of some proteins, rare letters and masks", async (dir) => {
  const table = `id,sequence,mutations,offset\na,${TRP_CAGE},W16G,11\nb,MKXA<mask>LY,,\n`;
  await Deno.writeTextFile(`${dir}/in.csv`, table);
  const { out } = await run(lens, "--table", `${dir}/in.csv`, "--out", `${dir}/out`);
  match(out, /W16G/);
  const rows = readCsv(`${dir}/out/lens.csv`).rows.filter(({ protein }) => protein === "b");
  const third = rows.find(({ residue }) => residue === "3")!;
  deepEqual([third.letter, third.rank, third.log_prob], ["X", "", ""]);
  ok(third.predicted !== "" && csvNumber(third.kl) > 0);
  deepEqual(readCsv(`${dir}/out/summary.csv`).rows.length, 2 * (LAYERS + 1));
});

const sequence = ["--sequence", TRP_CAGE];
const cases: BadInput[] = [
  {
    name: "a mutation of another letter",
    args: [...sequence, "--mutations", "A6G"],
    says: /"A6G" \(--mutations\) as residue 6 must be the sequence's W: current value is "A"/,
  },
  {
    name: "a mutation beyond the end",
    args: [...sequence, "--mutations", "W60G"],
    says: /in 1\.\.20: current value is 60/,
  },
  {
    name: "a deletion",
    args: [...sequence, "--mutations", "p.Trp6del"],
    says: /must replace residues: current value is "p\.Trp6del"/,
  },
  {
    name: "mutations of many proteins",
    files: { "in.fasta": ">a\nMKT\n>b\nMKV\n" },
    args: ["--fasta", "in.fasta", "--mutations", "M1A"],
    says: /--mutations for 2 proteins as it belongs to one/,
  },
  {
    name: "mutations beside a table",
    files: { "in.csv": "id,sequence\na,MKT\n" },
    args: ["--table", "in.csv", "--mutations", "M1A"],
    says: /--table together with --mutations/,
  },
  {
    name: "a wrong letter in a table",
    files: { "in.csv": "id,sequence,mutations\na,MKT,A1G\n" },
    args: ["--table", "in.csv"],
    says: /in\.csv line 2.* residue 1 must be the sequence's M/,
  },
  {
    name: "a lens that is not there",
    args: [...sequence, "--tuned", "no.safetensors"],
    says: /no\.safetensors/,
  },
  {
    name: "another kind of file as lens",
    args: [...sequence, "--tuned", fixturePath("rand_t2_d64_h4/model.safetensors")],
    says: /as a tuned lens .* must be a file of `lens train`/,
  },
  {
    name: "no file of tensors as lens",
    files: { "l.safetensors": "nothing" },
    args: [...sequence, "--tuned", "l.safetensors"],
    says: /undamaged safetensors file/,
  },
  {
    name: "the embedded model's lens with another model",
    args: [...sequence, "--tuned", "embedded", "--model", fixturePath("rand_t2_d64_h4")],
    says: /--tuned embedded with .* as it belongs to esm2_t6_1M_PF20/,
  },
  { name: "a letter of nobody", args: ["--sequence", "MKJT"], says: /residue 3 .* is "J"/ },
  {
    name: "a sequence that is too long",
    args: ["--sequence", "A".repeat(1100)],
    says: /1022 residues/,
  },
  { name: "a word of no command", args: ["tune"], says: /must be one of train/ },
  {
    name: "training without sequences",
    args: ["train"],
    says: /--fasta/,
  },
  {
    name: "training on nothing",
    files: { "in.fasta": ">a\nMKT\n" },
    args: ["train", "--fasta", "in.fasta", "--validation", "0.5"],
    says: /sequences must be left to train on/,
  },
  {
    name: "tokens and epochs",
    files: { "in.fasta": ">a\nMKT\n" },
    args: ["train", "--fasta", "in.fasta", "--tokens", "5", "--epochs", "1"],
    says: /only one of --tokens and --epochs/,
  },
  {
    name: "a schedule that is too long",
    files: { "in.fasta": ">a\nMKT\n" },
    args: ["train", "--fasta", "in.fasta", "--warm-up", "0.5"],
    says: /--warm-up and --decay must be at most 1 together/,
  },
];
testBadInputs("lens", (args, settings) => execute(lens, args, settings), cases);
