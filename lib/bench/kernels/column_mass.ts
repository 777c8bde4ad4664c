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
import { agrees, type KernelBench, mustBe } from "./bench.ts";

const KERNEL = "attention_column_mass";
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
  const name = blocks === 1 ? shape.name : `${blocks} × ${shape.name}`;
  const { batch, heads, tokens } = shape, rows = innerRows(shape);
  return {
    kernel: KERNEL,
    shape: name,
    dtype: "f32",
    bytes: blocks * bytes(shape),
    flops: blocks * flops(shape),
    setBytes: 4 * batch * heads * tokens * tokens,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack();
      const kernel = await AttentionColumnMass.create(ctx);
      const pattern = mixedPattern(shape);
      const ranges = owned.use(ctx.upload("rows", [batch, 2], rows));
      const inputs = Array.from(
        { length: sets },
        () => owned.use(ctx.upload("pattern", [batch, heads, tokens, tokens], pattern.data)),
      );
      // Outputs of its own for each block, as the analysis has them: no block waits for the last.
      const outputs = Array.from({ length: blocks }, () => kernel.alloc(inputs[0]));
      outputs.flatMap(Object.values).forEach((tensor) => owned.use(tensor));
      return {
        encode(encoder, set) {
          for (let block = 0; block < blocks; block++) {
            const input = inputs[(set * blocks + block) % sets];
            kernel.encode(encoder, input, ranges, outputs[block], { theta: THETA });
          }
        },
        async verify() {
          const twin = columnMass(pattern, rows, THETA);
          // The longest chain of single-precision additions, each one rounding.
          const rtol = (Math.ceil(tokens / 8) + 8) * 2 ** -24;
          for (const output of outputs) {
            const [mass, count] = await ctx.readAll([output.mass, output.count]);
            mustBe(agrees(mass, twin.mass, rtol) && agrees(count, twin.count), KERNEL, name);
          }
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const pattern = mixedPattern(shape);
      const patterns = Array.from(
        { length: sets },
        () => ({ ...pattern, data: pattern.data.slice() }),
      );
      const expected = columnMassReference(pattern, rows, THETA);
      const { mass, count } = columnMass(pattern, rows, THETA);
      const isRight = agrees(mass, expected.mass, 2 ** -23) && agrees(count, expected.count);
      mustBe(isRight, KERNEL, name);
      return {
        run(set) {
          for (let block = 0; block < blocks; block++) {
            columnMass(patterns[(set * blocks + block) % sets], rows, THETA);
          }
        },
      };
    },
  };
}

const middle = BENCH_CASES.find(({ tokens }) => tokens === 414)!;

export const columnMassBenches: readonly KernelBench[] = [
  ...BENCH_CASES.map((shape) => columnMassBench(shape, 1)),
  // All blocks of 650M for a protein of 412 residues.
  columnMassBench(middle, 33),
];
