/** Labelled proteins that are learnt at once, and runs of `finetune` on them in this process. */
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/finetune.ts";
import { equal } from "./assert.ts";
import { fixturePath } from "./fixtures.ts";
import { random } from "./report_sample.ts";

const LETTERS = "LAGVSERTIDPKQNFYMHWC";

const next = random(11);

/** Proteins that are not alike. */
export const proteins = Array.from({ length: 48 }, (_, p) => ({
  id: `p${p}`,
  residues: Array.from(
    { length: 14 + p % 9 },
    () => LETTERS[Math.floor(20 * next())],
  ).join(""),
  set: p % 6 === 4 ? "validation" : p % 6 === 5 ? "test" : "train",
}));

/** Of each residue whether it is charged, every fifth without a label. */
export const residueLabels = (residues: string): string =>
  [...residues].map((letter, i) => i % 5 === 4 ? "-" : "DEKR".includes(letter) ? "c" : "n").join(
    "",
  );

/** Whether more than a fifth of it is charged. */
export const classOf = (residues: string): string =>
  [...residues].filter((letter) => "DEKR".includes(letter)).length / residues.length > 0.2
    ? "many"
    : "few";

/** A table of the proteins with a label each. */
export const table = (label: (residues: string, p: number) => string | number): string =>
  [
    "id,sequence,set,label",
    ...proteins.map(({ id, residues, set }, p) => `${id},${residues},${set},${label(residues, p)}`),
    "",
  ].join("\n");

/** The model that is taught, and where it runs. */
export const common = ["--model", fixturePath("rand_t2_d64_h4"), "--backend", "cpu"];

/** Runs the command, and fails the test where it fails. */
export async function finetune(...args: string[]): Promise<{ out: string; err: string }> {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, args, {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  equal(code, 0, err.join("\n"));
  return { out: out.join("\n"), err: err.join("\n") };
}
