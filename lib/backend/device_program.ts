/**
 * A session of onnxruntime on the GPU; runs of shapes seen before are replayed without it.
 *
 * For a block of 23 dispatches onnxruntime takes 1.3 ms of the host: a uniform buffer, a bind group and a
 * compute pass for each. Its own graph capture takes 0.2 ms, but is tied to the buffers of one run, so
 * that every layer and shape would need a session. A replay takes 0.07 ms, with any weights.
 */
import type { GpuTensor } from "../gpu/mod.ts";
import type { InferenceSession, Ort, OrtTensor } from "./ort.ts";
import type { ReplayCheck } from "./replay/check.ts";
import { makeRecording } from "./replay/recording.ts";
import { Replay } from "./replay/replay.ts";
import type { ScratchPool } from "./replay/scratch.ts";
import type { DeviceTap } from "./replay/tap.ts";
import type { Program, Tensor } from "./types.ts";

/** A tensor in a GPU buffer that onnxruntime can read and write. */
export interface DeviceTensor extends Tensor {
  readonly gpu: GpuTensor<"f32">;
  readonly buffer: GPUBuffer;
  native(ort: Ort): OrtTensor;
}

export interface ReplayHost {
  readonly tap: DeviceTap;
  readonly scratch: ScratchPool;
  readonly check: ReplayCheck;
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

/** Replays kept per program; a set of sequences sorted by length has few shapes at a time. */
const MOST_SHAPES = 8;

const DISAGREES =
  "Cannot use replayed runs on this device as they must give what onnxruntime gives: they differ; " +
  "set ESMSCOPE_REPLAY=0, which is slower, or use --backend cpu";

/** A replay, or why there can be none. */
type ShapeState = Replay | string;

export class DeviceProgram implements Program {
  /** Least recently used first. */
  readonly #shapes = new Map<string, ShapeState>();
  /** Whether onnxruntime has set up what it keeps for the session. */
  #isWarm = false;

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
      await this.#run(inputs as Record<string, DeviceTensor>, results);
      return results;
    } catch (error) {
      Object.values(results).forEach((t) => t[Symbol.dispose]());
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const state of this.#shapes.values()) disposeReplay(state);
    this.#shapes.clear();
    await this.session.release();
  }

  async #run(
    inputs: Record<string, DeviceTensor>,
    results: Record<string, DeviceTensor>,
  ): Promise<void> {
    const { host } = this, { replays } = host;
    const tensors = [...Object.values(inputs), ...Object.values(results)];
    const buffers = tensors.map(({ buffer }) => buffer);
    const key = tensors.map(({ shape }) => shape.join()).join(" ");
    const state = this.#shapes.get(key);
    if (state instanceof Replay) {
      state.run(buffers);
      this.#keep(key, state);
    } else if (!replays || !this.#isWarm) {
      await host.exclusive(() => this.#call(inputs, results));
      this.#isWarm = true;
    } else {
      const log = await host.exclusive(() => replays.tap.record(() => this.#call(inputs, results)));
      // A run with one tensor for two inputs does not tell which is which.
      if (new Set(buffers).size < buffers.length) return;
      const recording = makeRecording(log, buffers, replays.uniformAlignment);
      if (typeof recording === "string") return this.#keep(key, recording);
      const replay = new Replay(recording, replays.scratch);
      this.#keep(key, replay);
      await this.#verify(replay, inputs, results, replays.check);
    }
  }

  /**
   * Replays the logged run and compares: what holds on one device need not hold on another.
   *
   * Twice, because after the first time no scratch buffer is all zero any more.
   */
  async #verify(
    replay: Replay,
    inputs: Record<string, DeviceTensor>,
    results: Record<string, DeviceTensor>,
    check: ReplayCheck,
  ): Promise<void> {
    using owned = new DisposableStack();
    const pairs = Object.values(results).map(({ gpu, label, shape }) => {
      return [gpu, owned.use(check.gpu.alloc(label, shape, "f32"))] as const;
    });
    const given = Object.values(inputs).map(({ buffer }) => buffer);
    const buffers = [...given, ...pairs.map(([, { buffer }]) => buffer)];
    replay.run(buffers);
    replay.run(buffers);
    await check.compare(pairs, DISAGREES);
  }

  async #call(
    inputs: Record<string, DeviceTensor>,
    results: Record<string, DeviceTensor>,
  ): Promise<void> {
    const { ort } = this.host;
    const native = (tensors: Record<string, DeviceTensor>) =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t.native(ort)]));
    await this.session.run(native(inputs), native(results));
  }

  #keep(key: string, state: ShapeState): void {
    const old = this.#shapes.get(key);
    // Runs awaited together may each have been logged.
    if (old !== state) disposeReplay(old);
    this.#shapes.delete(key);
    this.#shapes.set(key, state);
    const [oldest] = this.#shapes.keys();
    if (this.#shapes.size <= MOST_SHAPES) return;
    disposeReplay(this.#shapes.get(oldest));
    this.#shapes.delete(oldest);
  }
}

function disposeReplay(state: ShapeState | undefined): void {
  if (state instanceof Replay) state[Symbol.dispose]();
}
