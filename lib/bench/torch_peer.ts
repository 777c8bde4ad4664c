/** The same training step in PyTorch, where Python has it, in turn with ours: for comparison, no dependency. */
import type { Backend } from "../backend/mod.ts";
import { interleave } from "./interleave.ts";
import { LineProcess, PYTHONS } from "./line_process.ts";
import { median, pairedRatio, type Spread, spreadOf } from "./statistics.ts";
import script from "./torch_step.py" with { type: "text" };
import { type TrainingCase, TrainingStep } from "./training_step.ts";

export interface TorchRow {
  torch: string;
  /** Milliseconds of a step, ours and PyTorch's. */
  ours: Spread;
  theirs: Spread;
  /** PyTorch's over ours, round by round; above 1 ours is faster. */
  ratio: Spread;
  /** Three forward passes over a step, at the median: ours, and PyTorch's of its own passes. */
  threePasses: { ours: number; theirs: number };
}

/** Steps of both in one run; nothing where there is no PyTorch. */
export async function torchRow(
  backend: Backend,
  one: TrainingCase,
  { threads, budgetMs }: { threads: number; budgetMs: number },
): Promise<TorchRow | undefined> {
  await using training = await TrainingStep.open(backend, one);
  const { config } = one, { batch: { size, width }, rows } = training;
  const spec = {
    ...{ layers: config.layers, width: config.dModel, heads: config.heads, ffn: config.ffn },
    ...{ size, tokens: width, asked: rows.length, threads },
  };
  for (const python of PYTHONS) {
    await using peer = await LineProcess.start<{ torch: string }>(python, [
      ...["-c", script, JSON.stringify(spec)],
    ]);
    if (!peer) continue;
    const ms = await interleave([
      { name: "ours", run: async () => void await training.step() },
      { name: "theirs", run: async () => void await peer.ask("step") },
      { name: "our pass", run: async () => void await training.forward() },
      { name: "their pass", run: async () => void await peer.ask("forward") },
    ], { budgetMs });
    const share = (pass: string, step: string) =>
      median(ms[pass].map((time, i) => 3 * time / ms[step][i]));
    return {
      torch: peer.hello.torch,
      ours: spreadOf(ms.ours),
      theirs: spreadOf(ms.theirs),
      ratio: pairedRatio(ms.theirs, ms.ours),
      threePasses: { ours: share("our pass", "ours"), theirs: share("their pass", "theirs") },
    };
  }
  return undefined;
}
