/** What runs in a thread of its own: onnxruntime's sessions, fed by messages. */
import { type InferenceSession, loadNative, type OrtTensor } from "./ort.ts";
import { elementCount } from "./types.ts";

/** An array and its extents, as messages carry them. */
export interface LaneTensor {
  shape: readonly number[];
  data: Float32Array<ArrayBuffer>;
}

/** What a lane is asked. */
export type LaneRequest =
  & { id: number }
  & (
    | {
      do: "compile";
      program: number;
      model: Uint8Array<ArrayBuffer>;
      options: InferenceSession.SessionOptions;
    }
    | {
      do: "run";
      program: number;
      inputs: Record<string, LaneTensor>;
      outputs: Record<string, readonly number[]>;
    }
    | { do: "release"; program: number }
  );

/** What it answers. */
export interface LaneAnswer {
  id: number;
  outputs?: Record<string, Float32Array<ArrayBuffer>>;
  error?: string;
}

interface Lane {
  onmessage: ((event: MessageEvent<LaneRequest>) => void) | null;
  postMessage(answer: LaneAnswer, transfer?: Transferable[]): void;
}

const sessions = new Map<number, InferenceSession>();

async function answer(request: LaneRequest): Promise<LaneAnswer> {
  const { id, program } = request, ort = await loadNative();
  if (request.do === "compile") {
    sessions.set(program, await ort.InferenceSession.create(request.model, request.options));
    return { id };
  }
  const session = sessions.get(program)!;
  if (request.do === "release") {
    sessions.delete(program);
    await session.release();
    return { id };
  }
  const tensor = ({ data, shape }: LaneTensor) =>
    new ort.Tensor("float32", data, shape) as OrtTensor;
  const feeds: Record<string, OrtTensor> = {}, fetches: Record<string, OrtTensor> = {};
  for (const [name, input] of Object.entries(request.inputs)) feeds[name] = tensor(input);
  const outputs: Record<string, Float32Array<ArrayBuffer>> = {};
  for (const [name, shape] of Object.entries(request.outputs)) {
    const data = outputs[name] = new Float32Array(elementCount(shape));
    fetches[name] = tensor({ shape, data });
  }
  await session.run(feeds, fetches);
  return { id, outputs };
}

const lane = globalThis as unknown as Lane;
/** One request after another: a session is not opened while another runs. */
let last: Promise<void> = Promise.resolve();
lane.onmessage = ({ data: request }) => {
  last = last.then(async () => {
    try {
      const found = await answer(request);
      const arrays = Object.values(found.outputs ?? {}).map(({ buffer }) => buffer);
      lane.postMessage(found, arrays);
    } catch (error) {
      lane.postMessage({ id: request.id, error: (error as Error).message });
    }
  });
};
