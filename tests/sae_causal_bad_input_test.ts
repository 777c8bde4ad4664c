/** Malformed input of the causal sae commands. */
import { execute } from "../lib/cli/main.ts";
import { interprotArrays, safetensorsFile } from "../lib/sae/testing/files.ts";
import { command } from "../tasks/sae.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const assay = "mutant,DMS_score,mutated_sequence\nA4G,-4,MKTGYIAKQR\n";
const withAssay = (...args: string[]) => ({
  files: { "a.csv": assay },
  args: ["--assay", "a.csv", ...args],
});

/** For the embedded model. */
const autoencoder = safetensorsFile(interprotArrays(128, 70));

/** Of every command on variants. */
const shared: BadInput[] = [
  { name: "no mutation", args: ["--mutations", "hello"], says: /"hello" .* like A10G/ },
  { name: "wrong letter", args: ["--mutations", "A7G"], says: /residue 7 must be .* L: .*"A"/ },
  { name: "residue beyond the end", args: ["--mutations", "L99G"], says: /in 1\.\.81.* 99/ },
  { name: "a stop", args: ["--mutations", "L7*"], says: /whole protein/ },
  {
    name: "no substitution",
    args: ["--mutations", "L7del"],
    says: /must be a substitution: .* 0 of 1/,
  },
  { name: "no such assay", args: ["--assay", "no.csv"], says: /no such file/ },
  {
    name: "one assay twice",
    ...withAssay("--assay", "a.csv"),
    says: /names of their own.*"a" twice/,
  },
  {
    name: "unknown column",
    ...withAssay("--filter", "score < 1"),
    says: /column "score" must be one/,
  },
  {
    name: "filter without a number",
    ...withAssay("--filter", "DMS_score < x"),
    says: /a number: .*"x"/,
  },
  { name: "no filter", ...withAssay("--filter", "DMS_score"), says: /must compare columns/ },
  { name: "filter that leaves nothing", ...withAssay("--filter", "DMS_score > 9"), says: /0 of 1/ },
  { name: "sample of none", args: ["--sample", "0"], says: /--sample as it must be/ },
  {
    name: "unknown metric",
    args: ["--metric", "loss"],
    says: /--metric .* two letters such as L-A/,
  },
  { name: "unknown run", args: ["--run", "both"], says: /one of wild-type, mutant, masked/ },
  { name: "unknown place", args: ["--at", "core"], says: /mutated, all, or residues/ },
  { name: "place beyond the end", args: ["--at", "5,90"], says: /in 1\.\.81: current value is 90/ },
  {
    name: "layer without autoencoder",
    args: ["--layers", "2,6"],
    says: /--layers must be one of 1, 2, 3, 4, 5: .* 6$/,
  },
  {
    name: "layer beyond the model",
    files: { "x.safetensors": autoencoder },
    args: ["--sae", "x.safetensors", "--layers", "2,7"],
    says: /as --layers must be in 1\.\.6.* 7$/,
  },
  {
    name: "autoencoder of no layer",
    files: { "x.safetensors": autoencoder },
    args: ["--sae", "x.safetensors"],
    says: /as --layers must say after how many blocks/,
  },
  {
    name: "folder without an autoencoder of the layer",
    files: { "s/a_l1_sae.safetensors": autoencoder, "s/a_l2_sae.safetensors": autoencoder },
    args: ["--sae", "s", "--layers", "3"],
    says: /as --layers must single one out \(1, 2\): current value is 3, 0 files/,
  },
  {
    name: "two layers named",
    args: ["--sae", "interprot:l4", "--layers", "8"],
    says: /Cannot use --layers 8 with --sae/,
  },
  { name: "layer 0", args: ["--layers", "0"], says: /--layers as it must be/ },
  {
    name: "another model without autoencoder",
    args: ["--model", fixturePath("rand_t2_d64_h4")],
    says: /--sae must name one/,
  },
  { name: "excess argument", args: ["E7T"], says: /no more arguments/ },
];

const patch: BadInput[] = [
  { name: "sets of one", args: ["--sets", "1"], says: /sizes from 2 and all/ },
  { name: "unknown control", args: ["--controls", "fake"], says: /some of noop, random/ },
  { name: "unknown replacement", args: ["--replace", "max"], says: /one of patch, zero, mean/ },
  {
    name: "patched error of an ablation",
    args: ["--replace", "zero", "--error", "patch"],
    says: /--replace must be patch: current value is zero/,
  },
  {
    name: "background without a mean",
    args: ["--background", "p"],
    says: /--replace must be mean/,
  },
];

const explain: BadInput[] = [
  { name: "unknown rule", args: ["--rule", "simpson"], says: /one of gauss-legendre, midpoint/ },
  { name: "steps of 0", args: ["--steps", "0"], says: /--steps as it must be/ },
  {
    name: "steps of one gradient",
    args: ["--steps", "8", "--method", "first-order"],
    says: /--method must be ig/,
  },
  {
    name: "pre-activations from zero",
    args: ["--through", "pre-activations", "--from", "zero"],
    says: /--from must be run/,
  },
];

const circuit: BadInput[] = [
  { name: "share above 1", args: ["--share", "1.5"], says: /--share as it must be .* in 0.01..1/ },
  {
    name: "pre-activations",
    args: ["--through", "pre-activations"],
    says: /--through must be latents/,
  },
];

const steer: BadInput[] = [
  { name: "nothing to steer", args: [], says: /--set or --scale must be given/ },
  { name: "no number", args: ["--set", "5"], says: /latents and numbers such as 220=5max/ },
  { name: "a maximum scaled", args: ["--scale", "5=2max"], says: /such as 220=0,17=2/ },
  { name: "mutated residues", args: ["--set", "5=1", "--at", "mutated"], says: /all or residues/ },
  { name: "place beyond the end", args: ["--set", "5=1", "--at", "99"], says: /in 1\.\.81/ },
  { name: "unknown letter", args: ["--set", "5=1", "--sequence", "MKJ"], says: /residue 3.*"J"/ },
  {
    name: "no such latent",
    args: ["--set", "99999=1", "--quiet"],
    says: /latents must be in 0\.\.1023: current value is 99999/,
  },
  {
    name: "a latent twice",
    args: ["--set", "5=1", "--scale", "5=2", "--quiet"],
    says: /named once: current value is 5 twice/,
  },
];

const latents: BadInput[] = [
  { name: "negative threshold", args: ["--threshold", "-1"], says: /--threshold as it must be/ },
  { name: "no such FASTA", args: ["--fasta", "no.fasta"], says: /no such file/ },
];

const cases: Record<string, BadInput[]> = {
  patch: [...shared, ...patch],
  ig: [...shared.slice(0, 3), ...explain],
  circuit: [...explain.slice(0, 2), ...circuit],
  steer,
  latents,
};
for (const [name, inputs] of Object.entries(cases)) {
  testBadInputs(
    `sae ${name}`,
    (args, settings) => execute(command, [name, ...args], settings),
    inputs,
  );
}
