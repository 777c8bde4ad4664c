/** Embedding on top of forward passes of the same proteins in the same batches. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import type { Backend } from "../backend/mod.ts";
import { embedRows } from "../embed/embed.ts";
import { defaultTokenBudget, Esm2, planBatches, tokenize } from "../esm2/mod.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import { randomProtein } from "./sequences.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** Proteins of 60 to 460 residues: some four batches of a host's budget, one of a GPU's. */
const PROTEINS = 16;

/** A vector per protein of the 8M shape, against the passes alone. */
export async function warmEmbedRow(backend: Backend, options: WarmOptions): Promise<AnalysisRow> {
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend);
  const draws = new PhiloxStream(1), { config } = model;
  const rows = Array.from({ length: PROTEINS }, (_, i) => {
    const residues = randomProtein(60 + draws.below(401, i, 0), i);
    return tokenize({ id: `random ${i}`, residues });
  });
  const tokenBudget = defaultTokenBudget(backend);
  const batches = planBatches(rows, config, backend.tensorLimit, tokenBudget);
  return await warmAnalysis(backend, {
    command: "embed",
    subject: `8M shape, ${PROTEINS} proteins`,
    yardstick: { config, tokens: batches[0].size * batches[0].width },
    async plain() {
      for (const batch of batches) await enginePass(model, batch, "none");
    },
    analysis: () =>
      embedRows(model, rows, { places: ["last"], pools: ["mean"] }, {
        tokenBudget,
        signal: options.signal,
      }),
  }, options);
}
