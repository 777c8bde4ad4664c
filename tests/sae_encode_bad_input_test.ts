import {
  interplmArrays,
  interprotArrays,
  safetensorsFile,
  torchFile,
} from "../lib/sae/testing/files.ts";
import { deepEqual, equal, match } from "./assert.ts";
import { fixturePath } from "./fixtures.ts";
import { runSae } from "./sae_run.ts";

/** A malformed input: what is wrong, the files it needs, the arguments, and the line it must give. */
interface Case {
  name: string;
  files?: Record<string, string | Uint8Array>;
  args: string[];
  says: RegExp;
}

const fasta = (text: string | Uint8Array, ...args: string[]) => ({
  files: { "p.fasta": text },
  args: ["--fasta", "p.fasta", ...args],
});
const sae = (name: string, bytes: Uint8Array, ...args: string[]) => ({
  files: { [name]: bytes },
  args: ["--sequence", "MKT", "--sae", name, ...args],
});
const prot = (
  dModel: number,
  change: (arrays: ReturnType<typeof interprotArrays>) => void = () => {},
) => {
  const arrays = interprotArrays(dModel, 70);
  change(arrays);
  return safetensorsFile(arrays);
};
const other = ["--sequence", "MKT", "--model", fixturePath("rand_t2_d64_h4")];

const cases: Case[] = [
  // command line
  { name: "unknown option", args: ["--layers", "2"], says: /sae encode .*--layers/ },
  { name: "k of 0", args: ["--k", "0"], says: /--k as it must be a whole number from 1/ },
  { name: "layer 0", args: ["--layer", "0"], says: /--layer as it must be/ },
  { name: "unknown scale", args: ["--embed-scale", "esm"], says: /one of hf, train/ },
  { name: "unknown format", args: ["--format", "json"], says: /one of csv, npz, safetensors/ },
  { name: "no latents wanted", args: ["--top", "0"], says: /--top as it must be/ },
  { name: "two inputs", args: ["--sequence", "MKT", "--fasta", "p"], says: /--fasta together/ },
  { name: "id without input", args: ["--id", "a"], says: /--id as --fasta or --sequence/ },
  { name: "excess argument", args: ["p.fasta"], says: /no more arguments/ },
  // sequences
  { name: "no such FASTA", args: ["--fasta", "no.fasta"], says: /no such file/ },
  { name: "empty FASTA", ...fasta(""), says: /an empty file/ },
  { name: "text before the header", ...fasta("MKT\n>a\nMKT\n"), says: /line 1/ },
  { name: "two records of one name", ...fasta(">a\nMKT\n>a\nMKT\n"), says: /line 3.*line 1/ },
  { name: "record without sequence", ...fasta(">a\nMKT\n>b\n"), says: /line 3.*"b"/ },
  { name: "digits", ...fasta(">a\n1 MKT\n"), says: /line 2/ },
  { name: "not UTF-8", ...fasta(Uint8Array.of(62, 0xff, 1, 10, 77)), says: /UTF-8/ },
  {
    name: "unknown letter in the last record",
    ...fasta(">a\nMKT\n>b\nMJT\n"),
    says: /"b" as residue 2.*"J"/,
  },
  {
    name: "no such record",
    ...fasta(">a\nMKT\n", "--id", "z"),
    says: /--id must be one of its ids \(a\): current value is "z"/,
  },
  {
    name: "too long",
    ...fasta(`>a\n${"M".repeat(1023)}\n`),
    says: /at most 1022 residues: current length is 1023/,
  },
  // autoencoders
  {
    name: "no such SAE",
    args: ["--sae", "no.pt"],
    says: /existing file or folder, embedded, or one of interprot/,
  },
  {
    name: "unpublished layer",
    args: ["--sae", "interprot:l5"],
    says: /layer that is published.*"interprot:l5"/,
  },
  {
    name: "series without layer",
    args: ["--sae", "interplm-8m"],
    says: /a layer that is published must be named/,
  },
  {
    name: "two layers named",
    args: ["--sae", "interprot:l4", "--layer", "8"],
    says: /--layer 8 with --sae/,
  },
  {
    name: "embedded layer that is none",
    args: ["--layer", "6"],
    says: /as --layer must be one of 1, 2, 3, 4, 5: current value is 6/,
  },
  { name: "embedded k beyond", args: ["--k", "2000"], says: /k must be in 1\.\.1024.*2000/ },
  { name: "another model without SAE", args: other, says: /--sae must name one/ },
  {
    name: "the embedded SAE of another model",
    args: [...other, "--sae", "embedded"],
    says: /belongs to/,
  },
  { name: "empty folder", args: ["--sae", "."], says: /\.safetensors or \.pt file: it has none/ },
  {
    name: "SAE of another width",
    ...sae("x_l2_sae.safetensors", prot(64)),
    says: /width 128: current value is 64/,
  },
  { name: "SAE of no layer", ...sae("x.safetensors", prot(128)), says: /--layer must say.*1\.\.6/ },
  {
    name: "layer beyond",
    ...sae("x_l24_sae.safetensors", prot(128)),
    says: /as its layer must be in 1\.\.6.*current value is 24/,
  },
  {
    name: "layer asked for beyond",
    ...sae("x_l2_sae.safetensors", prot(128), "--layer", "7"),
    says: /as --layer must be in 1\.\.6.*current value is 7/,
  },
  {
    name: "SAE without decoder",
    ...sae("x_l2_sae.safetensors", prot(128, (arrays) => delete arrays.w_dec)),
    says: /must hold tensor "w_dec"/,
  },
  {
    name: "SAE with NaN",
    ...sae("x_l2_sae.safetensors", prot(128, (arrays) => arrays.b_pre.data[5] = NaN)),
    says: /"b_pre" must be finite: element 5 is NaN/,
  },
  { name: "cut SAE", ...sae("x_l2.safetensors", prot(128).subarray(0, 5000)), says: /truncated/ },
  {
    name: "a page instead of an SAE",
    ...sae("x_l2.pt", new TextEncoder().encode("<html>")),
    says: /first bytes are "<html>"/,
  },
  {
    name: "cut .pt",
    ...sae("layer_2/ae.pt", (await torchFile(interplmArrays(128, 20))).subarray(0, 9000)),
    says: /zip archive/,
  },
  // output and backend
  {
    name: "output is a file",
    files: { out: "x" },
    args: ["--sequence", "MKT"],
    says: /current value is a file/,
  },
  { name: "no such model", args: ["--model", "esm9"], says: /model as its name must be one of/ },
];

for (const { name, files, args, says } of cases) {
  Deno.test({
    name: `sae encode refuses: ${name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      runSae(["encode", ...args, "--backend", "cpu", "--quiet"], ({ dir, code, out, err }) => {
        equal(code, 2, err);
        equal(out, "");
        equal(err.includes("\n"), false, err);
        match(err, /^error: Cannot /);
        match(err, says);
        const given = Object.keys(files ?? {}).map((path) => path.split("/")[0]).sort();
        deepEqual([...Deno.readDirSync(dir)].map((entry) => entry.name).sort(), given);
      }, files),
  });
}

Deno.test("sae without a command lists them, and refuses others", async () => {
  await runSae([], ({ code, out }) => {
    equal(code, 0);
    match(out, /Commands:\n {2}encode /);
  });
  await runSae(["encod"], ({ code, err }) => {
    equal(code, 2);
    match(err, /^error: Cannot run sae as the first argument must be one of encode, .*"encod"$/);
  });
});
