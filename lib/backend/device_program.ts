/**
 * A session of onnxruntime on the GPU; runs of shapes seen before are replayed without it.
 *
 * For a block of 23 dispatches onnxruntime takes 1.4 ms of the host: a uniform buffer, a bind group and a
 * compute pass for each. Its own graph capture takes 0.2 ms, but is tied to the buffers of one run, so
 * that every layer and shape would need a session. A replay takes 0.1 ms, with any weights.
 */
import type { GpuTensor } from "../gpu/mod.ts";
import type { InferenceSession, Ort, OrtTensor } from "./ort.ts";
import type { ReplayCheck } from "./replay/check.ts";
import { replaceProducts } from "./replay/products.ts";
import { makeRecording } from "./replay/recording.ts";
import { Replay } from "./replay/replay.ts";
import type { ScratchPool } from "./replay/scratch.ts";
import type { DeviceTap } from "./replay/tap.ts";
import { Recent } from "./recent.ts";
import type { Program, Tensor } from "./types.ts";

/** A tensor in a GPU buffer that onnxruntime can read and write. */
export interface DeviceTensor extends Tensor {
  readonly gpu: GpuTensor;
  /** Its shape as text. */
  readonly extents: string;
  native(ort: Ort): OrtTensor;
}

export interface ReplayHost {
  readonly tap: DeviceTap;
  readonly scratch: ScratchPool;
  readonly check: ReplayCheck;
  /** Whether products of matrices are made by our own kernel. */
  readonly ownProducts: boolean;
  /** Bytes. */
  readonly uniformAlignment: number;
}

/** What programs of a device share. */
export interface ProgramHost {
  readonly ort: Ort;
  /** Undefined: every run goes through onnxruntime. */
  readonly replays?: ReplayHost;
  output(label: string, shape: readonly number[]): DeviceTensor;
  /** Calls of onnxruntime one after the other, as it cannot interleave them and a log must not. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

/** Shapes remembered per program; a replay that serves 33 blocks takes about 2 MiB of the host. */
const MOST_SHAPES = 32;

/** Elements of an output that are checked, so that the check of a long protein takes little memory. */
const MOST_CHECKED = 2 ** 24;

const DISAGREES =
  "Cannot use replayed runs on this device as they must give what onnxruntime gives: they differ; " +
  "set ESMSCOPE_REPLAY=0, which is slower, or use --backend cpu";

/** A replay, why there can be none, or null for shapes seen once. */
type ShapeState = Replay | string | null;

/** One run: tensors by name, and what a replay of it depends on. */
interface Call {
  inputs: Readonly<Record<string, DeviceTensor>>;
  results: Readonly<Record<string, DeviceTensor>>;
  /** Of the inputs, then of the results. */
  buffers: readonly GPUBuffer[];
  /** Names and shapes in the order of the buffers, and which buffers are the same. */
  key: string;
}

export class DeviceProgram implements Program {
  readonly #shapes = new Recent<string, ShapeState>(MOST_SHAPES, disposeReplay);

  constructor(readonly host: ProgramHost, readonly session: InferenceSession) {}

  /** Why runs of some shapes are not replayed. */
  get obstacles(): string[] {
    return [...this.#shapes.values()].filter((state) => typeof state === "string");
  }

  async run(
    inputs: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>> {
    const results: Record<string, DeviceTensor> = {};
    try {
      for (const [name, shape] of Object.entries(outputs)) {
        results[name] = this.host.output(name, shape);
      }
      const call = callOf(inputs as Record<string, DeviceTensor>, results);
      // Decided again in its turn: runs awaited together need one recording, not one each.
      if (!this.#replayed(call)) await this.host.exclusive(() => this.#inTurn(call));
      return results;
    } catch (error) {
      Object.values(results).forEach((t) => t[Symbol.dispose]());
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The session frees constants of its graph.
    this.host.replays?.check.gpu.stream.flush();
    this.#shapes[Symbol.dispose]();
    await this.host.exclusive(() => this.session.release());
  }

  #replayed({ key, buffers }: Call): boolean {
    const state = this.#shapes.get(key);
    if (!(state instanceof Replay)) return false;
    state.run(buffers);
    this.#shapes.keep(key, state);
    return true;
  }

  /**
   * Shapes are logged when they come again: many never do, and the first run of a session sets it up.
   *
   * With products of our own a shape is logged at once, after a run that sets up: a result must not
   * depend on how often its shape was seen, and these round differently.
   */
  async #inTurn(call: Call): Promise<void> {
    const { replays } = this.host, { key, buffers } = call;
    if (this.#replayed(call)) return;
    // onnxruntime submits by itself, behind what was replayed so far.
    replays?.check.gpu.stream.flush();
    const state = this.#shapes.get(key);
    if (!replays || state !== null) {
      await this.#call(call);
      if (!replays?.ownProducts || state !== undefined) {
        this.#shapes.keep(key, state ?? null);
        return;
      }
    }
    const log = await replays.tap.record(() => this.#call(call));
    const outputs = Object.values(call.results).filter(({ sizeBytes }) => sizeBytes > 0);
    const run = replays.ownProducts
      ? await replaceProducts(log, buffers, replays.tap.pipelines, replays.check.gpu)
      : log;
    const recording = makeRecording(
      run,
      buffers,
      outputs.map(({ gpu }) => gpu.buffer),
      replays.uniformAlignment,
    );
    if (typeof recording === "string") {
      this.#shapes.keep(key, recording);
      return;
    }
    const replay = new Replay(recording, replays.scratch);
    await this.#verify(replay, call, replays.check);
    this.#shapes.keep(key, replay);
  }

  /**
   * Replays the logged run and compares: what holds on one device need not hold on another.
   *
   * Twice, because after the first time no scratch buffer is all zero any more.
   */
  async #verify(replay: Replay, { results, buffers }: Call, check: ReplayCheck): Promise<void> {
    using owned = new DisposableStack();
    const { gpu } = check;
    const pairs = Object.values(results).map(({ label, gpu: { length, buffer } }) => {
      const shape = [Math.min(length, MOST_CHECKED)];
      const expected = owned.use(gpu.alloc(`${label} expected`, shape, "f32"));
      return [expected, gpu.borrow(label, buffer, shape, "f32")] as const;
    });
    await gpu.submit("replay expected", (encoder) => {
      for (const [expected, { buffer }] of pairs) {
        encoder.copyBufferToBuffer(buffer, 0, expected.buffer, 0, expected.byteLength);
        encoder.clearBuffer(buffer);
      }
    });
    replay.run(buffers);
    replay.run(buffers);
    await check.compare(pairs, DISAGREES);
  }

  async #call({ inputs, results }: Call): Promise<void> {
    const { ort } = this.host;
    const native = (tensors: Call["inputs"]) =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t.native(ort)]));
    await this.session.run(native(inputs), native(results));
  }
}

function callOf(inputs: Call["inputs"], results: Call["results"]): Call {
  // Written out: a pass of 33 blocks comes here as often.
  const buffers: GPUBuffer[] = [];
  let key = "";
  for (const tensors of [inputs, results]) {
    for (const name in tensors) {
      const tensor = tensors[name];
      buffers.push(tensor.gpu.buffer);
      key += `${name} ${tensor.extents},`;
    }
  }
  // Mostly no buffer is there twice.
  if (new Set(buffers).size < buffers.length) key += buffers.map((one) => buffers.indexOf(one));
  return { inputs, results, buffers, key };
}

function disposeReplay(state?: ShapeState): void {
  if (state instanceof Replay) state[Symbol.dispose]();
}
