/**
 * Prints a training step beside PyTorch's of the same shape, in one run:
 * `deno run -P=bench tests/training_peer.ts [threads] [seconds]`.
 */
import { openBenchBackend } from "../lib/bench/backends.ts";
import { torchRow } from "../lib/bench/torch_peer.ts";
import { EMBEDDED_SHAPE } from "../lib/bench/training_rows.ts";
import { SHAPES } from "../lib/checkpoint/random.ts";

const threads = Number(Deno.args[0] ?? 1), budgetMs = 1000 * Number(Deno.args[1] ?? 20);
await using backend = await openBenchBackend({ name: "cpu", threads });
for (const [shape, config] of [["embedded", EMBEDDED_SHAPE], ["8M", SHAPES["8M"]]] as const) {
  for (const [sequences, residues] of [[16, 126], [8, 254]]) {
    const one = { config, residues, sequences, mode: "full" } as const;
    const row = await torchRow(backend, one, { threads, budgetMs });
    if (!row) {
      console.log("No PyTorch was found.");
      Deno.exit(0);
    }
    const { ours, theirs, ratio, threePasses, torch } = row;
    console.log(
      `${shape}, ${sequences} × ${residues} residues, ${threads} threads: ${
        ours.median.toFixed(0)
      } ms a ` +
        `step, PyTorch ${torch} ${theirs.median.toFixed(0)} ms, ${
          ratio.median.toFixed(2)
        } times; three ` +
        `passes over a step ${threePasses.ours.toFixed(2)}, PyTorch ${
          threePasses.theirs.toFixed(2)
        }`,
    );
  }
}
