/** Runs `sae train` in this process on a small corpus. */
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/sae/train.ts";

const LETTERS = "LAGVSERTIDPKQNFYMHWC";

/** A FASTA file of `count` sequences of 20 to 119 letters, wrapped. */
export function corpus(count = 120): string {
  let state = 12345;
  const next = (bound: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor(state / 2 ** 32 * bound);
  };
  return Array.from({ length: count }, (_, i) => {
    const sequence = Array.from({ length: 20 + next(100) }, () => LETTERS[next(20)]).join("");
    return `>s${i} made up\n${sequence.replace(/.{60}/g, "$&\n")}\n`;
  }).join("");
}

/** Options of a training of a second on the embedded model. */
export const SMALL =
  "--latents 64 --k 4 --layer 1 --tokens 6000 --batch 256 --buffer 2000 --validation-tokens 500 --backend cpu"
    .split(" ");

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

export async function saeTrain(args: readonly string[], signal?: AbortSignal): Promise<Outcome> {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, args, {
    signal,
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}
