import { execute } from "../lib/cli/main.ts";
import { safetensorsFile } from "../lib/sae/testing/files.ts";
import { command } from "../tasks/embed.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const one = ["--sequence", "MKTAYIAKQR"];
const table = (text: string, ...args: string[]) => ({
  files: { "t.csv": text },
  args: ["--table", "t.csv", ...args],
});
const head = (width: number, bias = 1) => ({
  files: {
    "h.safetensors": safetensorsFile({
      "score.weight": { shape: [1, width], data: new Float32Array(width) },
      "score.bias": { shape: [bias], data: new Float32Array(bias) },
    }),
  },
  args: [...one, "--pool", "attention", "--pool-head", "h.safetensors"],
});

const cases: BadInput[] = [
  { name: "no layer", args: ["--layers", ""], says: /--layers/ },
  { name: "a layer in words", args: ["--layers", "0,deep"], says: /ranges, last or all.*"0,deep"/ },
  {
    name: "a layer beyond the model's",
    args: [...one, "--layers", "3,7"],
    says: /--layers as the model has layers 0\.\.6 .* and last: current value is 7/,
  },
  { name: "a pool that is none", args: ["--pool", "mean,sum"], says: /--pool .*attention, none/ },
  {
    name: "heads without what they weight",
    args: [...one, "--heads", "0:1"],
    says: /--heads as it weights the residues of --pool attention/,
  },
  {
    name: "a head beyond the model's",
    args: [...one, "--pool", "attention", "--heads", "6:0"],
    says: /layers must be in 0\.\.5 and heads in 0\.\.7, as the model's: current value is 6:0/,
  },
  {
    name: "heads and a trained pool",
    args: [...one, "--pool", "attention", "--heads", "0:0", "--pool-head", "h"],
    says: /--heads together with --pool-head/,
  },
  {
    name: "a trained pool that is not there",
    args: [...one, "--pool", "attention", "--pool-head", "h.safetensors"],
    says: /"h\.safetensors" as it must be a file/,
  },
  { name: "a trained pool of another width", ...head(64), says: /width 128: current value is 64/ },
  { name: "a bias for each head", ...head(128, 2), says: /score\.bias \[1\] of floats.*\[2\] F32/ },
  {
    name: "weights that are no trained pool",
    args: [
      ...[...one, "--pool", "attention", "--pool-head"],
      fixturePath("rand_embeddings.safetensors"),
    ],
    says: /attention pool must have score\.weight \[1, D\] of floats/,
  },
  { name: "a window of 3", args: ["--window", "3"], says: /--window as it must be .* 16/ },
  {
    name: "a way for long ones",
    args: ["--long", "cut"],
    says: /full, windows, average, truncate/,
  },
  { name: "a format", args: ["--format", "pt"], says: /npz, safetensors/ },
  { name: "a type", args: ["--dtype", "bf16"], says: /f32, f16/ },
  { name: "two inputs", args: [...one, "--fasta", "p"], says: /--fasta together with --sequence/ },
  { name: "a table and a sequence", args: [...one, "--table", "t.csv"], says: /--table together/ },
  {
    name: "a table without sequences",
    ...table("id,label\na,1\n"),
    says: /must have a column sequence, or --fasta/,
  },
  { name: "a table without ids", ...table("sequence\nMKT\n"), says: /must have the column "id"/ },
  { name: "a table without rows", ...table("id,sequence\n"), says: /a row per protein.* is 0/ },
  {
    name: "an id twice",
    ...table("id,sequence\na,MKT\na,MKV\n"),
    says: /line 3 as ids must differ/,
  },
  { name: "a row without id", ...table("id,sequence\n,MKT\n"), says: /line 2 as the id must not/ },
  {
    name: "a row without sequence",
    ...table("id,sequence\na,MKT\nb,\n"),
    says: /line 3 as it must have a sequence or a record/,
  },
  { name: "a digit in a row", ...table("id,sequence\na,MK1\n"), says: /"a" as residue 3.*"1"/ },
  {
    name: "a record that is not there",
    files: { "t.csv": "id\nz\n", "p.fasta": ">a\nMKT\n" },
    args: ["--table", "t.csv", "--fasta", "p.fasta"],
    says: /"z"/,
  },
];

testBadInputs("embed", (args, settings) => execute(command, args, settings), cases);
