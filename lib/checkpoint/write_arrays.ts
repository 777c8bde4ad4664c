/** Arrays with names in one file, as .npz or .safetensors, written piece by piece. */
import type { NpyData, NpyDtype } from "../io/npy.ts";
import { NpzWriter } from "../io/npz.ts";
import { writeSafetensors, type WrittenTensor } from "./write_safetensors.ts";

export const ARRAY_FORMATS = ["npz", "safetensors"] as const;
export type ArrayFormat = typeof ARRAY_FORMATS[number];

/** Numbers, whole or in pieces. */
export interface NumberArray {
  dtype: NpyDtype;
  shape: number[];
  data: NpyData | AsyncIterable<NpyData>;
}

/** Texts, some at a time: `<U…` in .npz; UTF-8 u8, one a line, in .safetensors, which has no texts. */
export interface TextArray {
  count: number;
  /** Letters of the longest. */
  longest: number;
  /** In UTF-8, all together. */
  bytes: number;
  texts: AsyncIterable<readonly string[]>;
}

const DTYPES: Readonly<Record<NpyDtype, WrittenTensor["dtype"]>> = {
  ...{ f2: "F16", f4: "F32", f8: "F64" },
  ...{ i4: "I32", i8: "I64", u1: "U8" },
};

/** Writes a file with memory for one piece at a time. @param metadata of .safetensors */
export async function writeArrays(
  path: string,
  format: ArrayFormat,
  arrays: Readonly<Record<string, NumberArray | TextArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (format === "npz") return await writeNpz(path, arrays);
  const tensors = Object.entries(arrays).map(([name, one]): [string, WrittenTensor] => {
    if (!("texts" in one)) return [name, { ...one, dtype: DTYPES[one.dtype] }];
    const bytes = one.bytes + Math.max(0, one.count - 1);
    return [name, { dtype: "U8", shape: [bytes], data: textLines(one.texts) }];
  });
  await writeSafetensors(path, Object.fromEntries(tensors), metadata);
}

async function writeNpz(
  path: string,
  arrays: Readonly<Record<string, NumberArray | TextArray>>,
): Promise<void> {
  await using npz = await NpzWriter.create(path);
  for (const [name, one] of Object.entries(arrays)) {
    if ("texts" in one) {
      await npz.addTexts(name, one.count, one.longest, one.texts);
      continue;
    }
    const array = npz.start(name, one.dtype, one.shape);
    for await (const piece of ArrayBuffer.isView(one.data) ? [one.data] : one.data) {
      await array.write(piece);
    }
    await array.close();
  }
  await npz.close();
}

/** UTF-8, one a line, without the last line's end. */
export async function* textLines(
  texts: AsyncIterable<readonly string[]>,
): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const some of texts) {
    if (some.length === 0) continue;
    yield new TextEncoder().encode(`${isFirst ? "" : "\n"}${some.join("\n")}`);
    isFirst = false;
  }
}
