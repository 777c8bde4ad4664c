/**
 * Threads that run graphs beside each other.
 *
 * One graph on two threads waits at the end of every operator for the slower of them; two graphs on a
 * thread each do not: at 8M and 35M they take 1.8 to 2.0 times less, where two threads of one graph take
 * 0.9 (T = 66) to 1.6 (T = 1022) times less.
 */
import type { Graph } from "../onnx/graph.ts";
import type { LaneAnswer, LaneRequest, LaneTensor } from "./lane_worker.ts";
import type { InferenceSession } from "./ort.ts";

/** More would have little to do each. */
const MOST_LANES = 4;

/** A graph as onnxruntime reads it. */
export interface LaneGraph {
  model: Uint8Array<ArrayBuffer>;
  options: InferenceSession.SessionOptions;
}

/** A request without its number. */
type Asked<Request = LaneRequest> = Request extends unknown ? Omit<Request, "id"> : never;

/** One thread, which does one thing at a time. */
class Lane {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<LaneAnswer>>();
  #next = 0;
  /** Why it does nothing more. */
  #failure?: Error;

  constructor() {
    this.#worker = new Worker(new URL("./lane_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<LaneAnswer>) => {
      const waiting = this.#waiting.get(data.id)!;
      this.#waiting.delete(data.id);
      if (data.error === undefined) waiting.resolve(data);
      else waiting.reject(new Error(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(event.message));
    };
  }

  ask(asked: Asked, transfer: Transferable[] = []): Promise<LaneAnswer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#next++, answer = Promise.withResolvers<LaneAnswer>();
    this.#waiting.set(id, answer);
    this.#worker.postMessage({ ...asked, id } satisfies LaneRequest, transfer);
    return answer.promise;
  }

  end(): void {
    this.#worker.terminate();
    this.#fail(new Error("Cannot run a graph as its lanes must be open: they were closed"));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** A graph that is compiled in every lane. */
export interface LaneProgram extends AsyncDisposable {
  /** Runs once in the first lane that is free; the arrays of `inputs` are handed over. */
  run(
    inputs: Record<string, LaneTensor>,
    outputs: Record<string, readonly number[]>,
  ): Promise<Record<string, Float32Array<ArrayBuffer>>>;
}

/** Threads with sessions of their own. */
export class Lanes implements Disposable {
  readonly #lanes: readonly Lane[];
  /** Lanes that do nothing, and who waits for one. */
  readonly #free: Lane[];
  readonly #queue: ((lane: Lane) => void)[] = [];
  #programs = 0;

  /**
   * @param threads of all lanes together
   * @param read how onnxruntime reads a graph
   */
  constructor(
    readonly threads: number,
    readonly read: (graph: Graph) => LaneGraph,
    most = MOST_LANES,
  ) {
    this.#lanes = Array.from({ length: Math.min(threads, most, MOST_LANES) }, () => new Lane());
    this.#free = [...this.#lanes];
  }

  get count(): number {
    return this.#lanes.length;
  }

  /** Compiles a graph in each lane, for its share of the threads. */
  async compile(graph: Graph): Promise<LaneProgram> {
    const program = this.#programs++, { model, options } = this.read(graph);
    const own = { ...options, intraOpNumThreads: Math.floor(this.threads / this.count) };
    await Promise.all(
      this.#lanes.map((lane) => lane.ask({ do: "compile", program, model, options: own })),
    );
    return {
      run: async (inputs, outputs) => {
        const lane = await this.#take();
        try {
          const arrays = Object.values(inputs).map(({ data }) => data.buffer);
          return (await lane.ask({ do: "run", program, inputs, outputs }, arrays)).outputs!;
        } finally {
          this.#give(lane);
        }
      },
      [Symbol.asyncDispose]: async () => {
        await Promise.all(this.#lanes.map((lane) => lane.ask({ do: "release", program })));
      },
    };
  }

  #take(): Lane | Promise<Lane> {
    return this.#free.pop() ?? new Promise((resolve) => this.#queue.push(resolve));
  }

  #give(lane: Lane): void {
    const next = this.#queue.shift();
    if (next) next(lane);
    else this.#free.push(lane);
  }

  [Symbol.dispose](): void {
    for (const lane of this.#lanes) lane.end();
  }
}
