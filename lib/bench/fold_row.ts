/** A block of ESMFold's trunk against the rate of a large product. */
import type { Backend, Tensor } from "../backend/mod.ts";
import { ProgramCache } from "../esm2/programs.ts";
import { blockFlops, planChunks } from "../fold/chunks.ts";
import { ESMFOLD_V1 } from "../fold/config.ts";
import { blockTensors } from "../fold/tensors.ts";
import { TrunkPass } from "../fold/trunk_block.ts";
import { plainBackend } from "./backends.ts";
import { GemmCeiling } from "./gemm_ceiling.ts";
import { interleave } from "./interleave.ts";
import { pairedRatio, spreadOf } from "./statistics.ts";
import type { AnalysisRow } from "./types.ts";
import type { WarmOptions } from "./warm_analysis.ts";

const RESIDUES = 128;

/** Times a block of the published widths, random weights, on states that are there, beside the ceiling. */
export async function warmTrunkRow(
  backend: Backend,
  { budgetMs, signal }: WarmOptions,
): Promise<AnalysisRow> {
  await using owned = new AsyncDisposableStack();
  const wave = (count: number, size: number, centre = 0) =>
    Float32Array.from({ length: count }, (_, i) => centre + size * Math.sin(1.7 * i + count));
  const weights: Record<string, Tensor> = {};
  for (const [name, shape] of blockTensors(ESMFOLD_V1)) {
    const count = shape.reduce((product, extent) => product * extent, 1);
    // Values neither grow nor fade from block to block.
    const isScale = shape.length === 1 && name.endsWith("weight");
    const values = isScale ? wave(count, 0.1, 1) : wave(count, 0.5 / Math.sqrt(shape.at(-1)!));
    weights[name] = owned.use(backend.upload(name, shape, values));
  }
  const programs = owned.use(new ProgramCache(backend));
  const { single, pair } = ESMFOLD_V1;
  const chunks = planChunks(ESMFOLD_V1, RESIDUES, { limit: backend.tensorLimit });
  const pass = owned.use(new TrunkPass(programs, ESMFOLD_V1, RESIDUES, chunks));
  pass.upload(backend, wave(RESIDUES * single, 1), wave(RESIDUES ** 2 * pair, 1));
  const ceiling = owned.use(await GemmCeiling.open(await plainBackend(backend, owned)));
  const flops = blockFlops(ESMFOLD_V1, RESIDUES);
  const ms = await interleave([
    { name: "ceiling", run: () => ceiling.run() },
    {
      name: "block",
      async run() {
        await pass.run(weights);
        // To the end of the device's work.
        await pass.single.all[0].read();
      },
    },
  ], { budgetMs, signal });
  return {
    command: "trunk block",
    subject: `ESMFold's widths, ${RESIDUES} residues`,
    backend: backend.name,
    start: "warm",
    ms: spreadOf(ms.block),
    overCeiling: pairedRatio(ms.block, ms.ceiling.map((own) => own * flops / ceiling.flops)),
  };
}
