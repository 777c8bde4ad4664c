import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/probe.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";

const LETTERS = "LAGVSERTIDPKQNFYMHWC";
/** Proteins that are not alike. */
const protein = (p: number) =>
  Array.from({ length: 40 }, (_, i) => LETTERS[(p * 31 + i * i * (p + 3) + i * 5) % 20]).join("");
const fasta = (count: number, from = 0) =>
  Array.from({ length: count }, (_, p) => `>p${from + p}\n${protein(from + p)}\n`).join("");
const table = (rows: readonly string[], head = "id,sequence,label") =>
  [head, ...rows.map((row, p) => `p${p},${protein(p)},${row}`), ""].join("\n");
const of = (rows: readonly string[], head?: string) => ({ files: { "t.csv": table(rows, head) } });
const read = ["--table", "t.csv"];
const ten = (label: (p: number) => string) => Array.from({ length: 10 }, (_, p) => label(p));

const cases: BadInput[] = [
  {
    name: "a column without a table",
    args: ["--label", "class"],
    says:
      /Cannot use --label as it names a column of --table \(or of --labels\), which must be given: current value is "class"/,
  },
  {
    name: "a mask without sequences",
    args: ["--mask", "mask.fasta"],
    says: /Cannot use --mask as --fasta must be given with it/,
  },
  {
    name: "one class only",
    ...of(ten(() => "a")),
    args: read,
    says: /as labels must be of at least two classes: current value is "a"/,
  },
  {
    name: "a class with a single member",
    ...of(ten((p) => p === 3 ? "rare" : p % 2 ? "a" : "b")),
    args: read,
    says: /must have two proteins.*"rare" has one; --min-class 2/,
  },
  {
    name: "no labels at all",
    ...of(ten(() => "")),
    args: read,
    says: /label must have labels: current count is 0 in 10 proteins/,
  },
  {
    name: "records without labels",
    files: { "p.fasta": fasta(4), "l.csv": "id,label\np0,a\np1,b\n" },
    args: ["--fasta", "p.fasta", "--labels", "l.csv"],
    says: /every record must have its labels: 2 of 4 have none, "p2" the first/,
  },
  {
    name: "a string of labels of another length",
    files: {
      "p.fasta": fasta(2),
      "l.fasta": `>p0\n${"H".repeat(40)}\n>p1\n${"H".repeat(39)}\n`,
    },
    args: ["--fasta", "p.fasta", "--labels", "l.fasta"],
    says:
      /l\.fasta line 3 as "p1" must have labels for its 40 residues: .*39, residue 40 is the first without/,
  },
  {
    name: "a mask of other letters",
    files: {
      "p.fasta": fasta(1),
      "l.fasta": `>p0\n${"H".repeat(40)}\n`,
      "m.fasta": `>p0\n0${"2".repeat(39)}\n`,
    },
    args: ["--fasta", "p.fasta", "--labels", "l.fasta", "--mask", "m.fasta"],
    says: /a mask must be of 0 and 1: current value is "2" at residue 2 of "p0"/,
  },
  {
    name: "a group on both sides",
    ...of(
      ten((p) => `${p % 2 ? "a" : "b"},${p < 8 ? "train" : "test"},g`),
      "id,sequence,label,set,family",
    ),
    args: [...read, "--group", "family"],
    says: /a group must be on one side: "g" has "p\d" in (train|validation) and "p\d"/,
  },
  {
    name: "a set of another name",
    ...of(ten(() => "a,holdout"), "id,sequence,label,set"),
    args: read,
    says: /t\.csv line 2 as its set must be train, validation or test: current value is "holdout"/,
  },
  {
    name: "a given split that is not there",
    ...of(ten((p) => p % 2 ? "a" : "b")),
    args: [...read, "--split", "given"],
    says: /--split given as the input must name sets/,
  },
  {
    name: "a class that is nowhere to be learnt from",
    ...of(
      ten((p) =>
        `${p > 7 ? "c" : p % 2 ? "a" : "b"},${p < 5 ? "train" : p < 7 ? "validation" : "test"}`
      ),
      "id,sequence,label,set",
    ),
    args: read,
    says: /every class must be in the training set: "c" is in none .* in 2 of the test set/,
  },
  {
    name: "a column that is not there",
    ...of(ten(() => "a")),
    args: [...read, "--label", "place"],
    says: /--label must name one of its columns, id, sequence, label: current value is "place"/,
  },
  {
    name: "a word among numbers",
    ...of(ten((p) => p === 4 ? "many" : String(p))),
    args: [...read, "--as", "numbers"],
    says: /t\.csv line 6 as "label" must be a number: current value is "many"/,
  },
  {
    name: "a protein in two classes",
    files: { "a.fasta": fasta(3), "b.fasta": fasta(3, 2) },
    args: ["--fasta", "a.fasta,b.fasta"],
    says: /b\.fasta line 1 as a protein must be of one class: "p2" is in a\.fasta line 5 too/,
  },
  {
    name: "a FASTA without any labels",
    files: { "p.fasta": fasta(3) },
    args: ["--fasta", "p.fasta"],
    says: /labels must be given: --labels, --table with --label/,
  },
  {
    name: "an LMDB database",
    files: { "p.fasta": fasta(1) },
    args: ["--fasta", "p.fasta", "--labels", "secondary_structure.lmdb"],
    says: /must be a table or FASTA: current value is an LMDB database/,
  },
  {
    name: "a layer that the model has not",
    args: ["--layers", "0,9"],
    says: /model has layers 0\.\.6/,
  },
  {
    name: "a head that is none",
    files: { "p.fasta": fasta(1), "h.safetensors": "not a head at all" },
    args: ["--apply", "h.safetensors", "--fasta", "p.fasta"],
    says: /Cannot read .*safetensors/,
  },
];

testBadInputs("probe", (args, settings) => execute(command, args, settings), cases);
