/** A trained attention pool: which residues count, by a linear score of their states. */
import type { Backend, Program, Tensor } from "../backend/mod.ts";
import { hashSource } from "../checkpoint/checkpoint.ts";
import { isDType } from "../checkpoint/dtype.ts";
import { readSafetensors } from "../checkpoint/safetensors.ts";
import {
  elementCount,
  readStoredTensor,
  shapeText,
  type StoredTensor,
} from "../checkpoint/stored_tensor.ts";
import { quote, UserError } from "../errors.ts";
import { openRandomAccess } from "../io/random_access.ts";
import { Graph, op } from "../onnx/mod.ts";

/** Score of a residue: w · h + b; the softmax over a protein's residues is what each counts. */
export interface PoolHead {
  /** f32[D] */
  readonly weight: Float32Array;
  /** Added to every score. */
  readonly bias: number;
  /** Of the file. */
  readonly sha256?: string;
}

/**
 * Reads `score.weight` [1, D] and `score.bias` [1] of a safetensors file, with or without `weight.` before
 * their names; other tensors may be there.
 *
 * @throws {UserError} if the file is damaged, lacks one, or one has another shape
 */
export async function readPoolHead(path: string): Promise<PoolHead> {
  using source = await openRandomAccess(path);
  const tensors = await readSafetensors(source);
  const read = async (name: string, fits: (elements: number) => boolean, shape: string) => {
    const found: StoredTensor | undefined = tensors.get(name) ?? tensors.get(`weight.${name}`);
    const refuse = (current: string) => {
      throw new UserError(
        `Cannot read ${
          quote(path, 200)
        } as an attention pool must have ${name} ${shape} of floats: ` +
          `current value is ${current}`,
      );
    };
    if (!found) return refuse(quote([...tensors.keys()].slice(0, 8).join(", ") || "none", 120));
    if (!isDType(found.dtype) || !fits(elementCount(found.shape))) {
      return refuse(`${shapeText(found.shape)} ${found.dtype}`);
    }
    return await readStoredTensor(found);
  };
  const weight = await read("score.weight", (elements) => elements > 0, "[1, D]");
  const [bias] = await read("score.bias", (elements) => elements === 1, "[1]");
  return { weight, bias, sha256: await hashSource(source) };
}

/** @throws {UserError} if the head is of another width than the model */
export function checkPoolHead({ weight }: PoolHead, dModel: number): void {
  if (weight.length === dModel) return;
  throw new UserError(
    `Cannot use --pool-head as it must be of the model's width ${dModel}: ` +
      `current value is ${weight.length}`,
  );
}

/** Σ over a row of w · h, plus b, for each row of f32[N, D]; double precision. */
export function scoreRows(state: Float32Array, { weight, bias }: PoolHead): Float64Array {
  const dModel = weight.length, scores = new Float64Array(state.length / dModel);
  for (let row = 0; row < scores.length; row++) {
    let sum = bias;
    for (let d = 0, at = row * dModel; d < dModel; d++) sum += weight[d] * state[at + d];
    scores[row] = sum;
  }
  return scores;
}

/** Softmax over rows `begin` to `end` (exclusive), into the same rows of `weights`. */
export function softmaxRows(
  scores: ArrayLike<number>,
  begin: number,
  end: number,
  weights: Float32Array,
): void {
  let largest = -Infinity, sum = 0;
  for (let row = begin; row < end; row++) largest = Math.max(largest, scores[row]);
  for (let row = begin; row < end; row++) sum += Math.exp(scores[row] - largest);
  for (let row = begin; row < end; row++) weights[row] = Math.exp(scores[row] - largest) / sum;
}

/** Scores states where they are: on a GPU only N numbers are read back. */
export class RowScorer implements AsyncDisposable {
  #program?: Promise<Program>;

  constructor(readonly backend: Backend, readonly head: PoolHead) {}

  /** Of each row of f32[N, D]. */
  async scores(state: Tensor): Promise<ArrayLike<number>> {
    const { backend, head } = this, values = state.peek();
    if (values) return scoreRows(values, head);
    this.#program ??= backend.compile(scoreGraph(head));
    const { scores } = await (await this.#program).run({ x: state }, {
      scores: [state.shape[0], 1],
    });
    using _ = scores;
    return await scores.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#program)?.[Symbol.asyncDispose]();
  }
}

function scoreGraph({ weight, bias }: PoolHead): Graph {
  const g = new Graph("score rows"), dModel = weight.length;
  const x = g.input("x", "float32", ["N", dModel]);
  const w = g.initializer("w", [1, dModel], weight);
  const b = g.initializer("b", [1], Float32Array.of(bias));
  g.output("scores", op.gemm(g, x, w, b, "product"));
  return g;
}
