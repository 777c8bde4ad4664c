/** Encoding with a sparse autoencoder, and the selection of the largest latents alone. */
import { selectTopK, TopkSaeEncode, topkSaeEncode } from "../../../kernels/topk_sae_encode/mod.ts";
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
import type { GpuTensor } from "../../gpu/mod.ts";
import { agrees, benchOf, isWithin, type KernelBench, type Outputs } from "./bench.ts";

const NORMALISATION = "zscore" as const;

/** Whether the selection of the first tokens is that of their pre-activations, to the bit. */
function isSelection([topActs, topIndices, preActs]: Outputs, latents: number, k: number): boolean {
  const rows = Math.min(8, topActs.length / k);
  const some = Float32Array.from({ length: rows * latents }, (_, i) => preActs[i]);
  const order = selectReference(some, latents, k);
  const acts = order.flatMap((row, n) => row.map((j) => Math.max(0, some[n * latents + j])));
  const first = (values: ArrayLike<number>) =>
    Array.from({ length: rows * k }, (_, i) => values[i]);
  return agrees(first(topIndices), order.flat()) && agrees(first(topActs), acts);
}

function encodeBench(shape: EncodeCase): KernelBench {
  const { name, tokens, dModel, latents, k } = shape, options = { normalisation: NORMALISATION };
  return benchOf({
    ...{ kernel: "topk_sae_encode", shape: name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: 4 * dModel * (tokens + latents),
    input: () => ({
      hidden: randomValues(tokens * dModel, 0, 20),
      encoder: randomEncoder(shape, 1),
    }),
    twin({ hidden, encoder }) {
      const found = topkSaeEncode(hidden, encoder, { ...options, k });
      return [found.topActs, found.topIndices, found.preActs];
    },
    // The first token suffices: all are treated alike, and the reference takes its time.
    reference: ({ hidden, encoder }) => [
      ...[[], []],
      encodeReference(hidden.subarray(0, dModel), encoder, NORMALISATION).preActs,
    ],
    isRight(found, expected, by) {
      const [, , preActs] = expected(), { length } = preActs;
      const own = by === "wgsl" ? found[2] : Array.from({ length }, (_, i) => found[2][i]);
      // Sums of D products of order 1 in single precision.
      return isWithin(own, preActs, 2 ** -24 * 8 * dModel) && isSelection(found, latents, k);
    },
    async device(ctx, own, { hidden, encoder }) {
      const encode = await TopkSaeEncode.create(ctx);
      const load = () => ({
        sae: own(encode.upload(encoder)),
        hidden: own(ctx.upload("hidden", [tokens, dModel], hidden)),
      });
      const first = load(), result = own(encode.alloc(tokens, first.sae, k, tokens));
      return {
        ...{ load, first },
        encode: (e, { hidden, sae }) => encode.encode(e, hidden, sae, result, options),
        outputs: [result.topActs, result.topIndices, result.preActs],
      };
    },
  });
}

function selectBench(shape: EncodeCase): KernelBench {
  const { name, tokens, latents, k } = shape;
  return benchOf({
    ...{ kernel: "select_topk", shape: name, bytes: selectBytes(shape), flops: 0 },
    setBytes: 4 * tokens * latents,
    input: () => randomValues(tokens * latents, 1, 3),
    twin(values) {
      const { topActs, topIndices } = selectTopK(values, tokens, latents, k);
      return [topActs, topIndices];
    },
    reference: () => [],
    isRight(found, expected, by, values) {
      if (by === "twin") return isSelection([...found, values], latents, k);
      const [acts, indices] = expected();
      return agrees(found[0], acts) && agrees(found[1], indices);
    },
    async device(ctx, own, values) {
      const encode = await TopkSaeEncode.create(ctx);
      const topActs = own(ctx.alloc("top_acts", [tokens, k], "f32"));
      const topIndices = own(ctx.alloc("top_indices", [tokens, k], "u32"));
      return {
        load: () => own(ctx.upload("pre_acts", [tokens, latents], values)),
        encode: (e, preActs: GpuTensor<"f32">) =>
          encode.select(e, preActs, { topActs, topIndices }),
        outputs: [topActs, topIndices],
      };
    },
  });
}

export const saeEncodeBenches: readonly KernelBench[] = [
  ...BENCH_CASES.map(encodeBench),
  ...SELECT_BENCH_CASES.map(selectBench),
];
