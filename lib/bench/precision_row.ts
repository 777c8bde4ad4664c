/** Forward passes in 8-bit integers over the same in single precision. */
import type { Backend } from "../backend/mod.ts";
import { Esm2 } from "../esm2/mod.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import { enginePass } from "./passes.ts";
import { randomBatch } from "./sequences.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** Passes of the 35M shape, both as they run many times; on the cpu backend only. */
export function warmInt8Row(residues: number, size: number) {
  return async (backend: Backend, options: WarmOptions): Promise<AnalysisRow> => {
    using checkpoint = randomCheckpoint("35M", SHAPES["35M"]);
    await using exact = await Esm2.open(checkpoint, backend, { prepack: {} });
    await using rounded = await Esm2.open(checkpoint, backend, { prepack: {}, precision: "int8" });
    const batch = randomBatch(residues, size);
    return await warmAnalysis(backend, {
      command: "int8 over f32",
      subject: `35M shape, ${size} × ${residues} residues`,
      yardstick: { config: exact.config, tokens: size * batch.width },
      plain: () => enginePass(exact, batch, "none"),
      analysis: () => enginePass(rounded, batch, "none"),
    }, options);
  };
}
