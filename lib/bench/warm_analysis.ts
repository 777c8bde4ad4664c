/** An analysis within a warm process, beside what it cannot do without and beside plain products. */
import type { Backend } from "../backend/mod.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { plainBackend } from "./backends.ts";
import { GemmCeiling } from "./gemm_ceiling.ts";
import { interleave } from "./interleave.ts";
import { Products } from "./products.ts";
import { pairedRatio, spreadOf } from "./statistics.ts";
import type { AnalysisRow } from "./types.ts";

export interface WarmOptions {
  budgetMs: number;
  signal?: AbortSignal;
}

export interface WarmCase extends Pick<AnalysisRow, "command" | "subject"> {
  /** Blocks and tokens of the products. */
  yardstick: { config: Pick<Esm2Config, "dModel" | "layers">; tokens: number };
  /** What the analysis cannot do without. */
  plain(): Promise<unknown>;
  analysis(): Promise<unknown>;
  /** Operations of the dense products that the analysis cannot do without, to tell its share of the ceiling. */
  flops?: number;
}

/** Times the three in turn, and the ceiling of products where it is asked for. */
export async function warmAnalysis(
  backend: Backend,
  { command, subject, yardstick, plain, analysis, flops }: WarmCase,
  { budgetMs, signal }: WarmOptions,
): Promise<AnalysisRow> {
  await using owned = new AsyncDisposableStack();
  const plainly = await plainBackend(backend, owned);
  const { config, tokens } = yardstick;
  const products = owned.use(await Products.open(plainly, config, tokens));
  const ceiling = flops === undefined ? undefined : owned.use(await GemmCeiling.open(plainly));
  const ms = await interleave([
    { name: "products", run: () => products.run() },
    { name: "plain", run: async () => void await plain() },
    { name: "analysis", run: async () => void await analysis() },
    ...(ceiling ? [{ name: "ceiling", run: () => ceiling.run() }] : []),
  ], { budgetMs, signal });
  return {
    ...{ command, subject },
    backend: backend.name,
    start: "warm",
    ms: spreadOf(ms.analysis),
    overPlain: pairedRatio(ms.analysis, ms.plain),
    overYardstick: pairedRatio(ms.analysis, ms.products),
    ...(ceiling && {
      overCeiling: pairedRatio(ms.analysis, ms.ceiling.map((own) => own * flops! / ceiling.flops)),
    }),
  };
}
