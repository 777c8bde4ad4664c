/** Encoding with a sparse autoencoder, and the selection of the largest latents alone. */
import {
  selectTopK,
  TopkSaeEncode,
  topkSaeEncode,
  type TopLatents,
} from "../../../kernels/topk_sae_encode/mod.ts";
import { encodeReference, selectReference } from "../../../kernels/topk_sae_encode/reference.ts";
import {
  BENCH_CASES,
  bytes,
  type EncodeCase,
  flops,
  randomEncoder,
  randomValues,
  SELECT_BENCH_CASES,
  selectBytes,
} from "../../../kernels/topk_sae_encode/topk_sae_encode_cases.ts";
import { agrees, type KernelBench, mustBe } from "./bench.ts";

const NORMALISATION = "zscore";

/** Whether a selection is that of its pre-activations, to the bit. */
function isSelection(
  { topActs, topIndices }: TopLatents,
  preActs: Float32Array,
  latents: number,
  k: number,
): boolean {
  const order = selectReference(preActs, latents, k);
  const acts = order.flatMap((row, n) => row.map((j) => Math.max(0, preActs[n * latents + j])));
  return agrees(topIndices, order.flat()) && agrees(topActs, acts);
}

/** Sums of D products of order 1 in single precision. */
const isNear = (found: Float32Array, expected: ArrayLike<number>, dModel: number) =>
  found.length === expected.length &&
  found.every((x, i) => Math.abs(x - expected[i]) <= 2 ** -24 * 8 * dModel);

function encodeBench(shape: EncodeCase): KernelBench {
  const kernel = "topk_sae_encode", { name, tokens, dModel, latents, k } = shape;
  const inputOf = (seed: number) => randomValues(tokens * dModel, seed, 20);
  return {
    kernel,
    shape: name,
    dtype: "f32",
    bytes: bytes(shape),
    flops: flops(shape),
    setBytes: 4 * dModel * (tokens + latents),
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack();
      const encode = await TopkSaeEncode.create(ctx), encoder = randomEncoder(shape, 1);
      const inputs = Array.from({ length: sets }, (_, set) => ({
        sae: owned.use(encode.upload(encoder)),
        hidden: owned.use(ctx.upload("hidden", [tokens, dModel], inputOf(set))),
      }));
      const result = owned.use(encode.alloc(tokens, inputs[0].sae, k, tokens));
      const options = { normalisation: NORMALISATION } as const;
      return {
        encode(e, set) {
          const { hidden, sae } = inputs[set % sets];
          encode.encode(e, hidden, sae, result, options);
        },
        async verify() {
          const [topActs, topIndices, preActs] = await ctx.readAll([
            result.topActs,
            result.topIndices,
            result.preActs,
          ]);
          const twin = topkSaeEncode(inputOf(0), encoder, { ...options, k });
          const isRight = isNear(preActs, twin.preActs, dModel) &&
            isSelection({ topActs, topIndices }, preActs, latents, k);
          mustBe(isRight, kernel, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const encoder = randomEncoder(shape, 1),
        options = { normalisation: NORMALISATION, k } as const;
      const inputs = Array.from({ length: sets }, (_, set) => ({
        hidden: inputOf(set),
        encoder: { ...encoder, wEnc: encoder.wEnc.slice() },
      }));
      // The first token suffices: all are treated alike, and the reference takes its time.
      const first = inputs[0].hidden.subarray(0, dModel);
      const found = topkSaeEncode(first, encoder, options);
      const expected = encodeReference(first, encoder, NORMALISATION);
      const isRight = isNear(found.preActs, expected.preActs, dModel) &&
        isSelection(found, found.preActs, latents, k);
      mustBe(isRight, kernel, name);
      return {
        run(set) {
          const input = inputs[set % sets];
          topkSaeEncode(input.hidden, input.encoder, options);
        },
      };
    },
  };
}

function selectBench(shape: EncodeCase): KernelBench {
  const kernel = "select_topk", { name, tokens, latents, k } = shape;
  const inputOf = (seed: number) => randomValues(tokens * latents, seed, 3);
  return {
    kernel,
    shape: name,
    dtype: "f32",
    bytes: selectBytes(shape),
    flops: 0,
    setBytes: 4 * tokens * latents,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack(), encode = await TopkSaeEncode.create(ctx);
      // Drawing them all would take longer than timing them.
      const values = inputOf(1);
      const inputs = Array.from(
        { length: sets },
        () => owned.use(ctx.upload("pre_acts", [tokens, latents], values)),
      );
      const topActs = owned.use(ctx.alloc("top_acts", [tokens, k], "f32"));
      const topIndices = owned.use(ctx.alloc("top_indices", [tokens, k], "u32"));
      return {
        encode: (e, set) => encode.select(e, inputs[set % sets], { topActs, topIndices }),
        async verify() {
          const [acts, indices] = await ctx.readAll([topActs, topIndices]);
          const twin = selectTopK(values, tokens, latents, k);
          mustBe(agrees(acts, twin.topActs) && agrees(indices, twin.topIndices), kernel, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const values = inputOf(1), inputs = Array.from({ length: sets }, () => values.slice());
      const rows = 8, some = values.subarray(0, rows * latents);
      const found = selectTopK(some, rows, latents, k);
      mustBe(isSelection(found, some, latents, k), kernel, name);
      return { run: (set) => void selectTopK(inputs[set % sets], tokens, latents, k) };
    },
  };
}

export const saeEncodeBenches: readonly KernelBench[] = [
  ...BENCH_CASES.map(encodeBench),
  ...SELECT_BENCH_CASES.map(selectBench),
];
