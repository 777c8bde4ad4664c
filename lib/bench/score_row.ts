/** Masked marginals on top of a forward pass of the same tokens. */
import { ephb2 } from "../../data/ephb2.ts";
import type { Backend } from "../backend/mod.ts";
import { Esm2, padBatch } from "../esm2/mod.ts";
import { idsOf, positionGroups } from "../variants/matrix.ts";
import { QueryRunner } from "../variants/runner.ts";
import { passFlops } from "./gemm_ceiling.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** One batch of masked positions of the 66-residue domain, as a long `score` runs it, with the 8M shape. */
export async function warmScoreRow(
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> {
  const { id, residues } = ephb2, target = { id, residues, offset: 1 };
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend, { prepack: {} });
  const ids = idsOf(id, residues);
  const runner = new QueryRunner(model, { kind: "full", signal: options.signal });
  const all = Array.from(residues, (_, i) => i + 1);
  const [{ positions, queries }] = positionGroups(
    target,
    all,
    true,
    ids.length,
    runner.tokenBudget,
  );
  const batch = { ...padBatch(positions.map(() => ids)), members: [...positions.keys()] };
  return await warmAnalysis(backend, {
    command: "score",
    subject: `8M shape, ${positions.length} masked positions of ${residues.length} residues`,
    yardstick: { config: model.config, tokens: batch.size * batch.width },
    plain: () => enginePass(model, batch, "none"),
    analysis: () => runner.run(queries),
    flops: batch.size * passFlops(model.config, batch.width, 1),
  }, options);
}
