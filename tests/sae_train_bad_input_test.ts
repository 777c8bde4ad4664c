import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/sae/train.ts";
import { testBadInputs } from "./bad_input.ts";
import { corpus, SMALL } from "./sae_train_run.ts";

/** What is wrong, the FASTA text, the arguments, and the line it must give. */
interface Case {
  name: string;
  text?: string;
  args?: string[];
  says: RegExp;
}

const cases: Case[] = [
  { name: "no such file", args: ["--fasta", "no.fasta"], says: /"no.fasta".*no such file/ },
  { name: "a folder", args: ["--fasta", "."], says: /it is a folder/ },
  { name: "an empty file", text: "", says: /at least one record/ },
  { name: "an unknown letter", text: ">a\nMKT\n>b\nMKJ\n", says: /line 4 .*is "J"/ },
  { name: "text before the header", text: "MKT\n", says: /line 1/ },
  {
    name: "nothing left to train on",
    text: ">a\nMKT\n",
    says: /sequences must be left to train on: 1 of 1 are held out/,
  },
  { name: "no such validation file", args: ["--validation", "v.fasta"], says: /"v.fasta"/ },
  { name: "a validation share of everything", args: ["--validation", "0.9"], says: /0\.\.0\.5/ },
  { name: "more active than latents", args: ["--k", "65"], says: /--k must be at most .* 64.* 65/ },
  { name: "no latents", args: ["--latents", "0"], says: /--latents .*"0"/ },
  { name: "a layer beyond the model", args: ["--layer", "7"], says: /in 1\.\.6.* is 7/ },
  { name: "the embedding as layer", args: ["--layer", "0"], says: /--layer .*"0"/ },
  { name: "tokens and epochs", args: ["--epochs", "1"], says: /only one of --tokens and --epochs/ },
  {
    name: "a schedule longer than the training",
    args: ["--warm-up", "0.6", "--decay", "0.6"],
    says: /at most 1 together/,
  },
  { name: "a seed that is no number", args: ["--seed", "x"], says: /--seed .*"x"/ },
  { name: "an output that is a folder", args: ["--out", "sub/"], says: /must be a file/ },
  { name: "an unknown model", args: ["--model", "esm9"], says: /"esm9"/ },
];

testBadInputs(
  "sae train",
  (args, settings) => execute(command, args, settings),
  cases.map(({ name, text = corpus(5), args = [], says }) => ({
    name,
    says,
    files: { "in.fasta": text, "sub/other.txt": "" },
    args: ["--fasta", "in.fasta", ...SMALL, ...args, "--quiet"],
  })),
);
