/** Decoding sparse latents: what reconstruction, patching and steering need of the decoder. */
import { SparseDecode, sparseDecode } from "../../../kernels/sparse_decode/mod.ts";
import { decodeReference } from "../../../kernels/sparse_decode/reference.ts";
import {
  BENCH_CASES,
  bytes,
  type DecodeCase,
  flops,
  randomDecode,
} from "../../../kernels/sparse_decode/sparse_decode_cases.ts";
import { type KernelBench, mustBe } from "./bench.ts";

const KERNEL = "sparse_decode";

function decodeBench(shape: DecodeCase): KernelBench {
  const { name, tokens, entries, latents, dModel } = shape;
  /** Sums of `entries` products of values up to 4, scaled by up to 8, and the addend. */
  const isNear = (found: ArrayLike<number>, expected: ArrayLike<number>) =>
    found.length === expected.length &&
    Array.from(found).every((x, i) => Math.abs(x - expected[i]) <= 2 ** -24 * 64 * (entries + 4));
  return {
    kernel: KERNEL,
    shape: name,
    dtype: "f32",
    bytes: bytes(shape),
    flops: flops(shape),
    setBytes: 4 * (latents * dModel + 2 * tokens * entries),
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack(), kernel = await SparseDecode.create(ctx);
      const input = randomDecode(shape, 1), { scale } = input;
      const decoders = Array.from({ length: sets }, () => owned.use(kernel.upload(input.decoder)));
      const lists = {
        topActs: owned.use(ctx.upload("top_acts", [tokens, entries], input.topActs)),
        topIndices: owned.use(ctx.upload("top_indices", [tokens, entries], input.topIndices)),
        mean: owned.use(ctx.upload("mean", [tokens], scale.mean)),
        std: owned.use(ctx.upload("std", [tokens], scale.std)),
      };
      const hidden = owned.use(ctx.alloc("hidden", [tokens, dModel], "f32"));
      return {
        encode: (e, set) => kernel.encode(e, lists, decoders[set % sets], hidden),
        async verify() {
          const twin = sparseDecode(input.rows, input.decoder, scale);
          mustBe(isNear(await ctx.read(hidden), twin), KERNEL, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const { rows, decoder, scale } = randomDecode(shape, 1);
      const decoders = Array.from({ length: sets }, () => ({
        ...decoder,
        wDec: decoder.wDec.slice(),
      }));
      const expected = decodeReference(rows, decoder, scale).hidden;
      mustBe(isNear(sparseDecode(rows, decoder, scale), expected), KERNEL, name);
      return { run: (set) => void sparseDecode(rows, decoders[set % sets], scale) };
    },
  };
}

export const sparseDecodeBenches: readonly KernelBench[] = BENCH_CASES.map(decodeBench);
