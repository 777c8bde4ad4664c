import { deepEqual, equal, ok } from "../../../tests/assert.ts";
import type { Checkpoint } from "../checkpoint.ts";
import type { EsmTensorName } from "../names.ts";
import { bytesOf } from "./files.ts";
import { SMALL_TENSORS, smallValues } from "./small_model.ts";

/** Fails unless both arrays have the same bits. */
export function sameBits(a: Float32Array, b: Float32Array, label: string) {
  equal(a.length, b.length, label);
  const [x, y] = [bytesOf(a), bytesOf(b)];
  equal(x.findIndex((byte, i) => byte !== y[i]), -1, label);
}

/** Fails unless a checkpoint is the small model, but for the tensors that are absent. */
export async function isSmallModel(
  checkpoint: Checkpoint,
  absent: (name: string) => boolean = () => false,
) {
  deepEqual(checkpoint.config, {
    layers: 2,
    dModel: 8,
    heads: 2,
    headDim: 4,
    ffn: 32,
    tokenDropout: true,
  });
  for (const [fair, , shape] of SMALL_TENSORS) {
    const name = fair as EsmTensorName;
    if (absent(fair)) {
      ok(!checkpoint.tensors.has(name), fair);
    } else {
      deepEqual(checkpoint.tensors.get(name)!.shape, shape);
      sameBits(await checkpoint.read(name), smallValues(fair), fair);
    }
  }
}
