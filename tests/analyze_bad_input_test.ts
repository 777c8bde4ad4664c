import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/analyze.ts";
import { equal } from "./assert.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
const fasta = (text: string | Uint8Array, ...args: string[]) => ({
  files: { "in.fasta": text },
  args: ["--fasta", "in.fasta", ...(args.length ? args : ["--sites", "3"])],
});
const table = (text: string, ...args: string[]) => ({
  files: { "in.csv": text, "in.fasta": `>gb1\n${GB1}\n` },
  args: ["--table", "in.csv", ...args],
});
const sites = (list: string) => ["--sequence", GB1, "--sites", list];
const config = (fields: Record<string, unknown>) =>
  JSON.stringify({
    model_type: "esm",
    vocab_size: 33,
    num_hidden_layers: 2,
    hidden_size: 64,
    num_attention_heads: 4,
    intermediate_size: 256,
    token_dropout: true,
    position_embedding_type: "rotary",
    ...fields,
  });
const weights = () => Deno.readFileSync(fixturePath("rand_t2_d64_h4/model.safetensors"));
const onGb1 = ["--sequence", GB1, "--sites", "3", "--model"];

const cases: BadInput[] = [
  // FASTA
  { name: "no such FASTA", args: ["--fasta", "no.fasta", "--sites", "3"], says: /no such file/ },
  { name: "empty FASTA", ...fasta(""), says: /in\.fasta/ },
  { name: "text before the header", ...fasta("MKT\n>a\nMKT\n"), says: /in\.fasta.*line 1/ },
  { name: "record without sequence", ...fasta(">a\n>b\nMKT\n"), says: /in\.fasta.*line 1/ },
  { name: "nameless record", ...fasta(">\nMKT\n"), says: /in\.fasta.*line 1/ },
  { name: "two records of one name", ...fasta(">a\nMKT\n>a\nMKT\n"), says: /line 3.*line 1|"a"/ },
  { name: "digits in the sequence", ...fasta(">a\n1 MKTAY 6\n"), says: /line 2/ },
  { name: "binary FASTA", ...fasta(Uint8Array.of(62, 97, 10, 0, 1, 2)), says: /in\.fasta/ },
  { name: "not UTF-8", ...fasta(Uint8Array.of(62, 0xff, 1, 10, 77)), says: /UTF-8/ },
  { name: "unknown letter", ...fasta(">p\nMKJT\n"), says: /"p" as residue 3 .* is "J"/ },
  {
    name: "several records, none chosen",
    ...fasta(">a\nMKT\n>b\nMKT\n"),
    says: /--id must name it: current count is 2/,
  },
  {
    name: "a record that is not there",
    ...fasta(">a\nMKT\n", "--id", "z", "--sites", "1"),
    says: /one of its ids \(a\): current value is "z"/,
  },
  // sequence
  { name: "unknown letter typed", args: ["--sequence", "MK1T", "--sites", "1"], says: /residue 3/ },
  {
    name: "over-long sequence",
    args: ["--sequence", "A".repeat(1100), "--sites", "1"],
    says: /at most 1022 residues.*--max-length 1100/,
  },
  { name: "empty sequence", args: ["--sequence", "", "--sites", "1"], says: /--sequence/ },
  { name: "sequence without sites", args: ["--sequence", GB1], says: /--sites must be given/ },
  // sites
  { name: "site beyond the end", args: sites("57"), says: /in 1\.\.56: current value is "57"/ },
  { name: "site zero", args: sites("0"), says: /in 1\.\.56/ },
  { name: "wrong letter", args: sites("A3"), says: /residue 3 must be the sequence's Y/ },
  { name: "wrong numbering", args: sites("T3,Y4,K5,L6"), says: /--offset 2 would fit all letters/ },
  { name: "site twice", args: sites("3,3"), says: /given once/ },
  { name: "no number", args: sites("abc"), says: /residue number/ },
  { name: "falling range", args: sites("9-3"), says: /ascend/ },
  { name: "every residue a site", args: sites("1-56"), says: /must not be sites/ },
  { name: "most residues sites", args: sites("1-40"), says: /at most half.*40 of 56/ },
  {
    name: "spacing that fits nowhere",
    args: [...sites("1,56"), "--null", "contiguous"],
    says: /--null contiguous.*fits nowhere/,
  },
  // mutations
  {
    name: "mutant of another letter",
    args: [...sites("3"), "--mutant", "A7G"],
    says: /"A7G" \(--mutant\) as residue 7 must be the sequence's L/,
  },
  {
    name: "mutant beyond the end",
    args: [...sites("3"), "--mutant", "A70G"],
    says: /in 1\.\.56: current value is 70/,
  },
  {
    name: "two residues at once",
    args: [...sites("3"), "--mutant", "L7G:N8A"],
    says: /must change one residue.*current count is 2/,
  },
  {
    name: "a deletion as mutant",
    args: [...sites("3"), "--mutant", "p.Leu7del"],
    says: /must replace residues: current value is "p\.Leu7del"/,
  },
  {
    name: "no change",
    args: [...sites("3"), "--mutant", "L7L"],
    says: /must change its residue: current value is "L7L"/,
  },
  {
    name: "a mutant twice",
    args: [...sites("3"), "--mutant", "L7G,p.Leu7Gly"],
    says: /given once/,
  },
  { name: "no mutant", args: [...sites("3"), "--mutant", ","], says: /at least one/ },
  {
    name: "no mutation",
    args: [...sites("3"), "--mutant", "what"],
    says: /"what".*must be like A10G/,
  },
  {
    name: "mutants of a published tool",
    args: [...sites("3"), "--mutant", "L7G", "--legacy", "allostery_heads"],
    says: /--legacy allostery_heads with --mutant/,
  },
  // table
  { name: "no such table", args: ["--table", "no.csv"], says: /no such file/ },
  { name: "empty table", ...table(""), says: /header/ },
  { name: "table without sites", ...table("id,sequence\na,MKT\n"), says: /sites/ },
  { name: "table without rows", ...table("id,sequence,sites\n"), says: /must have a row/ },
  { name: "ragged table", ...table(`id,sequence,sites\na,MKT\n`), says: /line 2/ },
  { name: "doubled column", ...table("id,id,sites\na,a,1\n"), says: /id/ },
  {
    name: "table without sequences",
    ...table("id,sites\na,1\n"),
    says: /column "sequence", or --fasta/,
  },
  {
    name: "id not in the FASTA",
    ...table("id,sites\nzz,1\n", "--fasta", "in.fasta"),
    says: /line 2 .*"zz"/,
  },
  {
    name: "id twice in the table",
    ...table("id,sequence,sites\na,MKTAY,1\na,MKTAY,2\n"),
    says: /line 3 .*line 2/,
  },
  {
    name: "bad sites in the table",
    ...table("id,sequence,sites\na,MKTAY,1\nb,MKTAY,W2\n"),
    says: /in\.csv line 3.*residue 2 must be the sequence's K/,
  },
  {
    name: "bad letter in the table",
    ...table("id,sequence,sites\na,MK?AY,1\n"),
    says: /"a" as residue 3.* \(in\.csv line 2\)$/,
  },
  {
    name: "a table's column that is none",
    ...table("id,sequence,sites,fasta_idd\na,MKTAY,1,b\n"),
    says: /in\.csv" line 1 as its columns must be among .*"fasta_idd"; did you mean fasta_id\?$/,
  },
  { name: "table and sites", ...table("id,sites\na,1\n", "--sites", "3"), says: /together/ },
  // flags
  { name: "unknown flag", args: ["--threshhold", "0.2"], says: /--threshold/ },
  { name: "flag without value", args: ["--sites"], says: /--sites/ },
  { name: "stray argument", args: ["protein.fasta"], says: /argument/ },
  { name: "threshold beyond 1", args: ["--threshold", "3"], says: /--threshold.*0\.\.1/ },
  { name: "threshold no number", args: ["--threshold", "high"], says: /--threshold.*"high"/ },
  { name: "no trials", args: ["--trials", "0"], says: /--trials.*"0"/ },
  { name: "half a trial", args: ["--trials", "1.5"], says: /--trials/ },
  { name: "negative seed", args: ["--seed", "-1"], says: /--seed/ },
  { name: "unknown null", args: ["--null", "shuffled"], says: /--null.*uniform, contiguous/ },
  { name: "layer beyond the model", args: ["--layers", "0-9"], says: /0\.\.5 for this model.* 6$/ },
  { name: "layers no list", args: ["--layers", "a"], says: /--layers/ },
  { name: "unknown legacy tool", args: ["--legacy", "other"], says: /allostery_heads/ },
  {
    name: "legacy with another null",
    args: ["--legacy", "allostery_heads", "--null", "contiguous"],
    says: /--null must be uniform/,
  },
  { name: "unknown site set", args: ["--site-set", "x"], says: /published, sodium, orthosteric/ },
  { name: "id without sequence", args: ["--id", "x"], says: /--fasta or --sequence/ },
  {
    name: "sequence and FASTA",
    ...fasta(">a\nMKT\n", "--sequence", "MKT", "--sites", "1"),
    says: /together/,
  },
  { name: "unknown backend", args: ["--backend", "cuda"], says: /auto, webgpu, cpu, wasm/ },
  {
    name: "output is a file",
    files: { out: "" },
    args: ["--out", "out"],
    says: /must be a folder/,
  },
  // models
  { name: "unknown model", args: ["--model", "esm2_650M"], says: /esm2_t33_650M_UR50D/ },
  { name: "empty model folder", files: { "m/x": "" }, args: [...onGb1, "m"], says: /m/ },
  {
    name: "model without weights",
    files: { "m/config.json": config({}) },
    args: [...onGb1, "m"],
    says: /model\.safetensors/,
  },
  {
    name: "config is not JSON",
    files: { "m/config.json": "{", "m/model.safetensors": weights() },
    args: [...onGb1, "m"],
    says: /config\.json/,
  },
  {
    name: "another kind of model",
    files: { "m/config.json": config({ model_type: "bert" }), "m/model.safetensors": weights() },
    args: [...onGb1, "m"],
    says: /model_type.*"esm".*"bert"/,
  },
  {
    name: "ESM-1b",
    files: {
      "m/config.json": config({ position_embedding_type: "absolute" }),
      "m/model.safetensors": weights(),
    },
    args: [...onGb1, "m"],
    says: /rotary/,
  },
  {
    name: "shapes of another size",
    files: { "m/config.json": config({ hidden_size: 32 }), "m/model.safetensors": weights() },
    args: [...onGb1, "m"],
    says: /\[.*32.*\].*\[.*64.*\]|64.*32/,
  },
  {
    name: "layers that are not there",
    files: { "m/config.json": config({ num_hidden_layers: 3 }), "m/model.safetensors": weights() },
    args: [...onGb1, "m"],
    says: /layer\w*\.2\./,
  },
  {
    name: "truncated weights",
    files: {
      "m/config.json": config({}),
      "m/model.safetensors": weights().subarray(0, 100_000),
    },
    args: [...onGb1, "m"],
    says: /model\.safetensors/,
  },
  {
    name: "no safetensors at all",
    files: { "m/config.json": config({}), "m/model.safetensors": "<html>404</html>" },
    args: [...onGb1, "m"],
    says: /model\.safetensors/,
  },
  {
    name: "a .pt that is no archive",
    files: { "m.pt": "hello" },
    args: [...onGb1, "m.pt"],
    says: /m\.pt/,
  },
];

Deno.test("analyze: there are at least 40 malformed inputs", () => {
  equal(cases.length >= 40, true);
  equal(new Set(cases.map((c) => c.name)).size, cases.length);
});

testBadInputs("analyze", (args, settings) => execute(command, args, settings), cases);
