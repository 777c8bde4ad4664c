/** Training steps over the three forward passes that their products alone are worth. */
import type { Backend } from "../backend/mod.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { SHAPES } from "../checkpoint/random.ts";
import { TrainingStep } from "./training_step.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** The embedded model's extents. */
export const EMBEDDED_SHAPE: Esm2Config = {
  ...{ layers: 6, dModel: 128, heads: 8, headDim: 16, ffn: 512, tokenDropout: true },
};

/** The tokens of a batch: the default that runs together. */
const RESIDUES = 126, SEQUENCES = 16;

const row = (shape: string, config: Esm2Config) =>
async (
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> => {
  const batch = { residues: RESIDUES, sequences: SEQUENCES };
  await using training = await TrainingStep.open(backend, { config, ...batch, mode: "full" });
  return await warmAnalysis(backend, {
    command: "mlm step over 3 passes",
    subject: `${shape} shape, ${SEQUENCES} × ${RESIDUES} residues, AdamW`,
    yardstick: { config, tokens: SEQUENCES * (RESIDUES + 2) },
    async plain() {
      for (let pass = 0; pass < 3; pass++) await training.forward();
    },
    analysis: () => training.step(),
  }, options);
};

/** A step of all weights of the embedded model's shape. */
export const warmSmallStepRow = row("embedded", EMBEDDED_SHAPE);

/** The same of 8M. */
export const warmStepRow = row("8M", SHAPES["8M"]);
