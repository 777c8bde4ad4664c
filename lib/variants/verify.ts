/** Checks a model's numbers against published ones. */
import type { Esm2 } from "../esm2/mod.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { spearman } from "../stats/correlation.ts";
import { sorted } from "../stats/sorted.ts";
import {
  FORWARD_TOLERANCE,
  type ForwardGolden,
  type ModelGolden,
  SCORE_TOLERANCE,
  SPEARMAN_TOLERANCE,
} from "./golden.ts";
import { SampleCollector } from "./samples.ts";
import { isVariant, rowNotes, scanVariants } from "./scan.ts";
import { scoreVariants } from "./score.ts";
import type { VariantSource } from "./source.ts";
import type { Target } from "./types.ts";

/** One comparison, as people read it. */
export interface Check {
  name: string;
  expected: string;
  found: string;
  ok: boolean;
}

const { text, flag } = columnsOf<Check>();

export const CHECKS: TableOf<Check> = {
  name: "checks",
  rows: "one row per comparison",
  isPrinted: true,
  columns: [
    text("check", "what is compared", "name"),
    text("expected", "the published value, or how near it must be", "expected"),
    text("found", "on this machine", "found"),
    flag("ok", "whether they agree", "ok"),
  ],
};

const four = (values: ArrayLike<number>) => Array.from(values, (x) => x.toFixed(4)).join(" ");

/** Three values of each of the first tokens, one check per token. */
export async function verifyForward(model: Esm2, golden: ForwardGolden): Promise<Check[]> {
  const { ids, output, name } = golden;
  const found = await forward(model, ids, output);
  const width = found.length / ids.length;
  return golden.values.map((expected, token) => {
    const values = found.subarray(token * width, token * width + expected.length);
    return {
      name: `${name}, token ${token}`,
      expected: four(expected),
      found: four(values),
      // A missing or NaN value must not pass.
      ok: expected.every((x, i) => Math.abs(values[i] - x) <= FORWARD_TOLERANCE),
    };
  });
}

/** Runs token ids as they are: every one, `<pad>` too, is an ordinary token of one sequence. */
async function forward(
  model: Esm2,
  ids: readonly number[],
  output: ForwardGolden["output"],
): Promise<Float32Array> {
  const { backend, embedding, config: { dModel, tokenDropout } } = model;
  const batch = {
    ids: Int32Array.from(ids),
    size: 1,
    width: ids.length,
    lengths: [ids.length],
  };
  // Nothing is masked, so token dropout only scales (1 − 0.15 · 0.8).
  const scale = tokenDropout ? 0.88 : 1;
  const rows = Float32Array.from(
    { length: ids.length * dModel },
    (_, i) => scale * embedding[ids[Math.floor(i / dModel)] * dModel + i % dModel],
  );
  using hidden = backend.upload("embedding", [ids.length, dModel], rows);
  using result = await model.run(batch, { from: { depth: 0, hidden }, head: true });
  return await result[output]!.read();
}

/** An assay to score, with the name that published tables give it. */
export interface AssayInput {
  name: string;
  target: Target;
  source: VariantSource;
  /** Published masked-marginal score of a row, where the file has one. */
  publishedScore?: (raw: string) => number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
  /** Hears what a reader should know of the rows. */
  onNote?: (note: string) => void;
}

/** Masked marginals of an assay: the rank correlation and, where the file has them, the scores. */
export async function verifyAssay(
  model: Esm2,
  { name, target, source, publishedScore, signal, onProgress, onNote }: AssayInput,
  golden: ModelGolden,
): Promise<Check[]> {
  // The same variants as the headline of the score command.
  const samples = new SampleCollector();
  const scan = await scanVariants(source, target);
  for (const note of rowNotes(scan)) onNote?.(`${name}: ${note}`);
  let worst = 0, compared = 0;
  await scoreVariants(model, {
    mode: "masked-marginal",
    multi: "additive",
    window: "optimal",
    positions: [],
    target,
    source,
    scan,
    signal,
    onProgress,
    onRow: (found) => {
      const { row, reading, score } = found;
      const published = isVariant(reading) ? publishedScore?.(row.raw) ?? NaN : NaN;
      if (!Number.isNaN(published)) {
        const difference = Math.abs(score - published);
        // Not Math.max: a NaN score must not be lost.
        if (!(difference <= worst)) worst = difference;
        compared++;
      }
      samples.add(found);
    },
  });
  const { scores, measured } = samples.headline;
  const checks: Check[] = [];
  const expected = golden.spearman[name];
  if (expected !== undefined) {
    const found = spearman(sorted(scores), sorted(measured));
    checks.push({
      name: `Spearman, ${name}`,
      expected: expected.toFixed(3),
      found: found.toFixed(4),
      ok: Math.abs(found - expected) <= SPEARMAN_TOLERANCE,
    });
  }
  if (compared > 0) {
    checks.push({
      name: `${compared} masked-marginal scores, ${name}`,
      expected: `within ${SCORE_TOLERANCE}`,
      found: `largest difference ${worst.toPrecision(2)}`,
      ok: worst <= SCORE_TOLERANCE,
    });
  }
  return checks;
}
