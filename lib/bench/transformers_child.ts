/**
 * ESM-2's forward pass in transformers.js, as a process of its own: the package is for the benchmark alone, so
 * nothing else names it and no lock file holds it. Reads lines, answers each.
 */

/** No literal where it is imported: nothing fetches it before somebody compares. */
const PACKAGE = "npm:@huggingface/transformers@4.3.2";

/** Settings of the process, as JSON. */
export interface TransformersSpec {
  /** Folder of folders of models. */
  root: string;
  model: string;
  threads: number;
}

/** What it is asked for: a pass of these tokens or those of before, its logits written to a file. */
export interface PeerRequest {
  ids?: number[][];
  logits?: string;
}

export interface PeerAnswer {
  /** Of the pass. */
  ms: number;
}

interface Tensor {
  data: Float32Array<ArrayBuffer>;
}

/** The part of transformers.js that is used. */
interface Transformers {
  env: {
    version: string;
    localModelPath: string;
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
  };
  EsmForMaskedLM: {
    from_pretrained(
      model: string,
      options: Record<string, unknown>,
    ): Promise<(feeds: Record<string, unknown>) => Promise<{ logits: Tensor }>>;
  };
  Tensor: new (dtype: string, data: BigInt64Array, dims: number[]) => unknown;
}

async function serve({ root, model: name, threads }: TransformersSpec): Promise<void> {
  const { env, EsmForMaskedLM, Tensor }: Transformers = await import(PACKAGE);
  Object.assign(env, { localModelPath: root, allowRemoteModels: false, allowLocalModels: true });
  const model = await EsmForMaskedLM.from_pretrained(name, {
    ...{ dtype: "fp32", device: "cpu", session_options: { intraOpNumThreads: threads } },
  });
  const write = (answer: unknown) => console.log(JSON.stringify(answer));
  write({ version: env.version });
  let feeds: Record<string, unknown> = {};
  for await (const line of lines()) {
    const { ids, logits: path }: PeerRequest = JSON.parse(line);
    if (ids) {
      const dims = [ids.length, ids[0].length], flat = ids.flat();
      const whole = (values: number[]) =>
        new Tensor("int64", BigInt64Array.from(values, BigInt), dims);
      feeds = { input_ids: whole(ids.flat()), attention_mask: whole(flat.map(() => 1)) };
    }
    const begin = performance.now();
    const { logits } = await model(feeds);
    const ms = performance.now() - begin;
    if (path !== undefined) await Deno.writeFile(path, new Uint8Array(logits.data.buffer));
    write({ ms } satisfies PeerAnswer);
  }
}

async function* lines(): AsyncGenerator<string> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

if (import.meta.main) await serve(JSON.parse(Deno.args[0]));
