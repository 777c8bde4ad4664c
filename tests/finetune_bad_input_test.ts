import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/finetune.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { classOf, common, residueLabels, table } from "./finetune_run.ts";

const files = { "t.csv": table(classOf) }, read = ["--table", "t.csv"];
const fasta = { "new.fasta": ">a\nMKTAYIAKQR\n" };
const record = (more: Record<string, unknown>) =>
  JSON.stringify({
    ...{ format: "esmscope-finetune", version: "0", mode: "frozen", task: "sequence" },
    ...{ head: "mean", classes: ["a", "b"], label: "l", max_length: 10, weights: "head" },
    ...{ model: { name: "esm2_t6_1M_PF20", sha256: "0" }, ...more },
  });
const apply = ["--apply", "m", "--fasta", "new.fasta"];

const cases: BadInput[] = [
  {
    name: "a mode that is none",
    args: ["--mode", "frozen,half"],
    says: /--mode as it must be one of frozen, lora, full: current value is "half"/,
  },
  {
    name: "rates of other modes",
    files,
    args: [...read, "--mode", "frozen,lora,full", "--learning-rate", "0.1,0.2"],
    says: /--learning-rate as it must have one rate, or one for each of the 3 modes .*count is 2/,
  },
  {
    name: "a head of residues for proteins",
    files,
    args: [...read, "--head", "token"],
    says: /Cannot use --head token as labels of proteins need one of mean, cls, attention, mlp/,
  },
  {
    name: "residues' labels where proteins' are asked for",
    args: ["--task", "sequence"],
    says:
      /--task sequence as its labels must be of proteins: those of "secondary structure" are of residues/,
  },
  {
    name: "names where numbers must be",
    files,
    args: [...read, "--task", "regression"],
    says:
      /"t\.csv" line 2|t\.csv line 2 as "label" must be a number: current value is "(few|many)"/,
  },
  {
    name: "a string of labels of another length",
    files: { "t.csv": table((residues, p) => residueLabels(residues).slice(p === 2 ? 1 : 0)) },
    args: [...read, "--task", "residue"],
    says: /t\.csv line 4 as "p2" must have labels for its \d+ residues/,
  },
  {
    name: "one class only",
    files: { "t.csv": table(() => "a") },
    args: read,
    says: /Cannot train a model as labels must be of at least two classes: current value is "a"/,
  },
  {
    name: "weights of a class that is not there",
    files,
    args: [...read, "--class-weights", "few=2,other=1"],
    says: /--class-weights as it must name classes, few, many: current value is "other"/,
  },
  {
    name: "weights that are none",
    args: ["--class-weights", "few=-1"],
    says: /--class-weights as it must be none, balanced, or weights above 0/,
  },
  {
    name: "weights of numbers",
    files: { "t.csv": table((residues) => residues.length) },
    args: [...read, "--task", "regression", "--class-weights", "balanced"],
    says: /--class-weights as labels must be classes: these are numbers/,
  },
  {
    name: "targets that match nothing",
    files,
    args: [...read, "--lora-targets", "query,EsmSelfOutput.nothing"],
    says: /EsmSelfOutput\.nothing/,
  },
  {
    name: "a shard of a training",
    args: ["--shard", "1/2"],
    says: /Cannot use --shard as a training is not split/,
  },
  {
    name: "a sequence to learn from",
    args: ["--sequence", "MKTAYIAKQR"],
    says: /Cannot use --sequence as it is for --apply/,
  },
  {
    name: "no residue with a label within reach",
    files: {
      "t.csv": table((residues) => `---${residueLabels(residues).slice(3)}`),
    },
    args: [...read, "--task", "residue", "--max-length", "3"],
    says: /the train set must have a residue with a label within --max-length: current count is 0/,
  },
  {
    name: "a folder that is nothing",
    files: { ...fasta, "m/x.txt": "" },
    args: apply,
    says: /Cannot apply "m" as it must be a folder with finetune\.json .*: it has none/,
  },
  {
    name: "nothing to apply it to",
    files: { "m/x.txt": "" },
    args: ["--apply", "m"],
    says: /Cannot use --apply as --sequence or --fasta must be given with it, one file/,
  },
  {
    name: "labels beside --apply",
    files: { ...fasta, ...files },
    args: [...apply, "--table", "t.csv"],
    says: /Cannot use --apply together with --table/,
  },
  {
    name: "a language model to apply",
    files: { ...fasta, "m/config.json": JSON.stringify({ architectures: ["EsmForMaskedLM"] }) },
    args: apply,
    says: /must be an EsmForSequenceClassification or an EsmForTokenClassification.*EsmForMaskedLM/,
  },
  {
    name: "a record of another format",
    files: { ...fasta, "m/finetune.json": record({ format: "other" }) },
    args: apply,
    says: /finetune\.json" as it must have the format esmscope-finetune: current value is "other"/,
  },
  {
    name: "a record without its weights",
    files: { ...fasta, "m/finetune.json": record({}) },
    args: apply,
    says: /Cannot open m as it must hold weights/,
  },
  {
    name: "a record of an unknown head",
    files: { ...fasta, "m/finetune.json": record({ head: "big" }) },
    args: apply,
    says: /must have head among mean, cls, attention, mlp, token: current value is "big"/,
  },
];

testBadInputs(
  "finetune",
  (args, settings) =>
    execute(command, [...args, ...(args.includes("--table") ? common : [])], settings),
  cases,
);
