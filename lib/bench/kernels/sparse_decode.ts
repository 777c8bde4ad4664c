/** Decoding sparse latents: what reconstruction, patching and steering need of the decoder. */
import {
  type DecoderTensors,
  SparseDecode,
  sparseDecode,
} from "../../../kernels/sparse_decode/mod.ts";
import { decodeReference } from "../../../kernels/sparse_decode/reference.ts";
import {
  BENCH_CASES,
  bytes,
  type DecodeCase,
  flops,
  randomDecode,
} from "../../../kernels/sparse_decode/sparse_decode_cases.ts";
import { benchOf, isWithin, type KernelBench } from "./bench.ts";

function decodeBench(shape: DecodeCase): KernelBench {
  const { name, tokens, entries, latents, dModel } = shape;
  return benchOf({
    ...{ kernel: "sparse_decode", shape: name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: 4 * (latents * dModel + 2 * tokens * entries),
    input: () => randomDecode(shape, 1),
    twin: ({ rows, decoder, scale }) => [sparseDecode(rows, decoder, scale)],
    reference: ({ rows, decoder, scale }) => [decodeReference(rows, decoder, scale).hidden],
    /** Sums of `entries` products of values up to 4, scaled by up to 8, and the addend. */
    isRight: ([found], expected) => isWithin(found, expected()[0], 2 ** -24 * 64 * (entries + 4)),
    async device(ctx, own, { topActs, topIndices, scale, decoder }) {
      const kernel = await SparseDecode.create(ctx);
      const lists = {
        topActs: own(ctx.upload("top_acts", [tokens, entries], topActs)),
        topIndices: own(ctx.upload("top_indices", [tokens, entries], topIndices)),
        mean: own(ctx.upload("mean", [tokens], scale.mean)),
        std: own(ctx.upload("std", [tokens], scale.std)),
      };
      const hidden = own(ctx.alloc("hidden", [tokens, dModel], "f32"));
      return {
        load: () => own(kernel.upload(decoder)),
        encode: (e, tensors: DecoderTensors) => kernel.encode(e, lists, tensors, hidden),
        outputs: [hidden],
      };
    },
  });
}

export const sparseDecodeBenches: readonly KernelBench[] = BENCH_CASES.map(decodeBench);
