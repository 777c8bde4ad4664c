/** Training a probe on top of the products that it cannot do without. */
import type { Backend } from "../backend/mod.ts";
import { fitLogistic } from "../probe/logistic.ts";
import { Products } from "../probe/products.ts";
import { Design, matrixRows, scaleOf } from "../probe/rows.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** Pooled states of 650M of a middling set, and its classes. */
const ROWS = 4096, WIDTH = 1280, CLASSES = 10, STEPS = 5;

/** Some steps of the optimiser against as many pairs of products of the same shapes. */
export async function warmProbeRow(backend: Backend, options: WarmOptions): Promise<AnalysisRow> {
  const data = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => Math.sin(i * i % 9973));
  const labels = Uint32Array.from({ length: ROWS }, (_, r) => r % CLASSES);
  await using products = new Products(backend);
  const rows = matrixRows(data, WIDTH), scale = await scaleOf(rows);
  using design = await Design.create(backend, rows, scale);
  const w = new Float64Array(CLASSES * WIDTH), b = new Float64Array(CLASSES);
  // A start, a step each, what a first step may try, and the loss in the end.
  const pairs = STEPS + 2;
  return await warmAnalysis(backend, {
    command: "probe over its products",
    subject: `${STEPS} steps of ${ROWS} proteins, ${WIDTH} values, ${CLASSES} classes`,
    yardstick: { config: { dModel: WIDTH, layers: 1 }, tokens: ROWS },
    async plain() {
      for (let pair = 0; pair < pairs; pair++) {
        await design.each(async (x) => {
          await products.gradient(await products.logits(x, w, b), x);
        });
      }
    },
    analysis: () =>
      fitLogistic(design, labels, CLASSES, 1, products, { steps: STEPS, signal: options.signal }),
  }, options);
}
