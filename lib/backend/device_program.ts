/** A session of onnxruntime on the GPU; runs of shapes seen before are replayed without it. */
import type { InferenceSession, Ort, OrtTensor } from "./ort.ts";
import { makeRecording } from "./replay/recording.ts";
import { Replay } from "./replay/replay.ts";
import type { ScratchPool } from "./replay/scratch.ts";
import type { DeviceTap } from "./replay/tap.ts";
import type { Program, Tensor } from "./types.ts";

/** A tensor in a GPU buffer that onnxruntime can read and write. */
export interface DeviceTensor extends Tensor {
  readonly buffer: GPUBuffer;
  native(ort: Ort): OrtTensor;
}

/** What programs of a device share. */
export interface ProgramHost {
  readonly ort: Ort;
  /** Undefined: every run goes through onnxruntime. */
  readonly replays?: { tap: DeviceTap; scratch: ScratchPool; uniformAlignment: number };
  output(label: string, shape: readonly number[]): DeviceTensor;
  /** Calls of onnxruntime one after the other, as it cannot interleave them and a log must not. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

/** Replays kept per program; a set of sequences sorted by length has few shapes at a time. */
const MOST_SHAPES = 8;

/**
 * How a shape's runs go: the first through onnxruntime, which builds pipelines; the second too, logged;
 * then replays. Null: cannot be replayed.
 */
type ShapeState = "seen" | Replay | null;

export class DeviceProgram implements Program {
  /** Least recently used first. */
  readonly #shapes = new Map<string, ShapeState>();

  constructor(
    readonly host: ProgramHost,
    readonly session: InferenceSession,
    readonly mayReplay: boolean,
  ) {}

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
    const replays = this.mayReplay ? this.host.replays : undefined;
    const tensors = [...Object.values(inputs), ...Object.values(results)];
    const buffers = tensors.map(({ buffer }) => buffer);
    const key = tensors.map(({ shape }) => shape.join()).join(" ");
    const state = this.#shapes.get(key);
    if (state instanceof Replay) {
      state.run(buffers);
      this.#keep(key, state);
    } else if (replays && state === "seen" && new Set(buffers).size === buffers.length) {
      const log = await this.host.exclusive(() =>
        replays.tap.record(() => this.#call(inputs, results))
      );
      const recording = makeRecording(log, buffers, replays.uniformAlignment);
      const replay = typeof recording === "string" ? null : new Replay(recording, replays.scratch);
      // A concurrent run of the same shape may have been logged too.
      disposeReplay(this.#shapes.get(key));
      this.#keep(key, replay);
    } else {
      await this.host.exclusive(() => this.#call(inputs, results));
      if (state === undefined) this.#keep(key, "seen");
    }
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
