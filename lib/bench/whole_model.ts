/** ORT's session of a whole model with its weights inside: what the engine is measured against. */
import type { Backend, Program, Tensor } from "../backend/mod.ts";
import type { Checkpoint } from "../checkpoint/mod.ts";
import { TOKENS } from "../esm2/alphabet.ts";
import { embed, rotaryTables } from "../esm2/inputs.ts";
import type { TokenBatch } from "../esm2/mod.ts";
import { wholeGraph } from "../esm2/whole_graph.ts";
import { weightBytes } from "../checkpoint/random.ts";

/** A model file in one piece cannot be larger: protobuf counts its bytes in 31 bits. */
const LARGEST_MODEL = 2 ** 31 - 1;

/** Whether the whole model fits one session without external files. */
export const fitsOneGraph = ({ config }: Checkpoint): boolean =>
  weightBytes(config) < LARGEST_MODEL;

/** A whole-model session for batches of one size; with attention it is an output of every layer. */
export class WholeModel implements AsyncDisposable {
  private constructor(
    readonly checkpoint: Checkpoint,
    readonly backend: Backend,
    readonly program: Program,
    readonly embedding: Float32Array,
    readonly invFreq: Float32Array,
    readonly withAttention: boolean,
  ) {}

  static async open(
    checkpoint: Checkpoint,
    backend: Backend,
    batch: number,
    withAttention: boolean,
  ): Promise<WholeModel> {
    const embedding = await checkpoint.read("embed_tokens.weight");
    const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
    const program = await backend.compile(await wholeGraph(checkpoint, batch, withAttention));
    return new WholeModel(checkpoint, backend, program, embedding, invFreq, withAttention);
  }

  /** Runs a batch without padding and gives its logits, f32[B·T, 33]. */
  async run(batch: TokenBatch): Promise<Float32Array> {
    const { config } = this.checkpoint, { size, width } = batch;
    using owned = new DisposableStack();
    const upload = (name: string, shape: number[], data: Float32Array) =>
      owned.use(this.backend.upload(name, shape, data));
    const x = embed(batch, this.embedding, config.dModel, config.tokenDropout);
    const tables = rotaryTables(this.invFreq, size, width);
    const perToken = [size, width, config.headDim / 2];
    const inputs: Record<string, Tensor> = {
      x: upload("x", [size * width, config.dModel], x),
      query_cos: upload("query_cos", perToken, tables.queryCos),
      query_sin: upload("query_sin", perToken, tables.querySin),
      key_cos: upload("key_cos", perToken, tables.keyCos),
      key_sin: upload("key_sin", perToken, tables.keySin),
    };
    const shapes: Record<string, number[]> = { logits: [size * width, TOKENS.length] };
    if (this.withAttention) {
      for (let layer = 0; layer < config.layers; layer++) {
        shapes[`attention_${layer}`] = [size, config.heads, width, width];
      }
    }
    const outputs = await this.program.run(inputs, shapes);
    for (const tensor of Object.values(outputs)) owned.use(tensor);
    return await outputs.logits.read();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]() as Promise<void>;
  }
}
