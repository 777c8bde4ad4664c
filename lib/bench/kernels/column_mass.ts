/** Attention column mass: one block's attention, and that of all blocks one after another. */
import {
  BENCH_CASES,
  bytes,
  type ColumnMassCase,
  flops,
  randomPattern,
} from "../../../kernels/attention_column_mass/attention_column_mass_cases.ts";
import {
  AttentionColumnMass,
  columnMass,
  type Pattern,
} from "../../../kernels/attention_column_mass/mod.ts";
import { columnMassReference } from "../../../kernels/attention_column_mass/reference.ts";
import type { GpuTensor } from "../../gpu/mod.ts";
import { agrees, benchOf, type KernelBench } from "./bench.ts";

/** The default of `analyze`; typical heads have few entries above it. */
const THETA = 0.3;

/** Rows without `<cls>` and `<eos>`, as the analysis takes them. */
const innerRows = ({ tokens }: ColumnMassCase) => Uint32Array.of(1, tokens - 1);

/** Of four heads two are typical and one is sharper; every row of the last attends to few columns. */
const SHARPNESS = [1, 1, 4, 80];

/** Heads repeat, because drawing them all would take longer than timing them. */
function mixedPattern(shape: ColumnMassCase): Pattern {
  const { batch, heads, tokens } = shape, size = tokens * tokens;
  const kinds = SHARPNESS.map((sharpness, i) =>
    randomPattern({ batch: 1, heads: 1, tokens }, i, sharpness).data
  );
  const data = new Float32Array(batch * heads * size);
  for (let head = 0; head < batch * heads; head++) data.set(kinds[head % 4], head * size);
  return { ...shape, data };
}

/** @param blocks how many blocks a run goes through, each with attention of its own */
function columnMassBench(shape: ColumnMassCase, blocks: number): KernelBench {
  const { batch, heads, tokens } = shape, rows = innerRows(shape);
  return benchOf({
    kernel: "attention_column_mass",
    shape: blocks === 1 ? shape.name : `${blocks} × ${shape.name}`,
    ...{ passes: blocks, bytes: blocks * bytes(shape), flops: blocks * flops(shape) },
    setBytes: 4 * batch * heads * tokens * tokens,
    input: () => mixedPattern(shape),
    twin(pattern) {
      const { mass, count } = columnMass(pattern, rows, THETA);
      return [mass, count];
    },
    reference(pattern) {
      const { mass, count } = columnMassReference(pattern, rows, THETA);
      return [mass, count];
    },
    isRight(found, expected, by) {
      // The longest chain of single-precision additions, each one rounding.
      const rtol = by === "wgsl" ? (Math.ceil(tokens / 8) + 8) * 2 ** -24 : 2 ** -23;
      const [mass, count] = expected();
      return found.every((values, i) => i % 2 ? agrees(values, count) : agrees(values, mass, rtol));
    },
    async device(ctx, own, { data }) {
      const kernel = await AttentionColumnMass.create(ctx);
      const ranges = own(ctx.upload("rows", [batch, 2], rows));
      const load = () => own(ctx.upload("pattern", [batch, heads, tokens, tokens], data));
      // Outputs of its own for each block, as the analysis has them: no block waits for the last.
      const first = load(), outputs = Array.from({ length: blocks }, () => kernel.alloc(first));
      return {
        ...{ load, first },
        encode: (e, input: GpuTensor<"f32">, block) =>
          kernel.encode(e, input, ranges, outputs[block], { theta: THETA }),
        outputs: outputs.flatMap(({ mass, count }) => [own(mass), own(count)]),
      };
    },
  });
}

const middle = BENCH_CASES.find(({ tokens }) => tokens === 414)!;

export const columnMassBenches: readonly KernelBench[] = [
  ...BENCH_CASES.map((shape) => columnMassBench(shape, 1)),
  // All blocks of 650M for a protein of 412 residues.
  columnMassBench(middle, 33),
];
