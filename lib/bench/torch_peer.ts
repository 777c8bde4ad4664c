/** The same training step in PyTorch, where Python has it, in turn with ours: for comparison, no dependency. */
import type { Backend } from "../backend/mod.ts";
import { interleave } from "./interleave.ts";
import { median, pairedRatio, type Spread, spreadOf } from "./statistics.ts";
import script from "./torch_step.py" with { type: "text" };
import { type TrainingCase, TrainingStep } from "./training_step.ts";

/** The second is where Debian puts the one that has its packages. */
const PYTHONS = ["python3", "/usr/bin/python3"];

export interface TorchRow {
  torch: string;
  /** Milliseconds of a step, ours and PyTorch's. */
  ours: Spread;
  theirs: Spread;
  /** PyTorch's over ours, round by round; above 1 ours is faster. */
  ratio: Spread;
  /** Three forward passes over a step, at the median: ours, and PyTorch's of its own passes. */
  threePasses: { ours: number; theirs: number };
}

/** Steps of both in one run; nothing where there is no PyTorch. */
export async function torchRow(
  backend: Backend,
  one: TrainingCase,
  { threads, budgetMs }: { threads: number; budgetMs: number },
): Promise<TorchRow | undefined> {
  await using training = await TrainingStep.open(backend, one);
  const { config } = one, { batch: { size, width }, rows } = training;
  const spec = {
    ...{ layers: config.layers, width: config.dModel, heads: config.heads, ffn: config.ffn },
    ...{ size, tokens: width, asked: rows.length, threads },
  };
  for (const python of PYTHONS) {
    await using peer = await Peer.start(python, spec);
    if (!peer) continue;
    const ms = await interleave([
      { name: "ours", run: async () => void await training.step() },
      { name: "theirs", run: () => peer.run("step") },
      { name: "our pass", run: async () => void await training.forward() },
      { name: "their pass", run: () => peer.run("forward") },
    ], { budgetMs });
    const share = (pass: string, step: string) =>
      median(ms[pass].map((time, i) => 3 * time / ms[step][i]));
    return {
      torch: peer.version,
      ours: spreadOf(ms.ours),
      theirs: spreadOf(ms.theirs),
      ratio: pairedRatio(ms.theirs, ms.ours),
      threePasses: { ours: share("our pass", "ours"), theirs: share("their pass", "theirs") },
    };
  }
  return undefined;
}

/** A process that does a step whenever it is told. */
class Peer implements AsyncDisposable {
  #rest = "";

  private constructor(
    readonly child: Deno.ChildProcess,
    readonly writer: WritableStreamDefaultWriter<Uint8Array>,
    readonly reader: ReadableStreamDefaultReader<string>,
    public version: string,
  ) {}

  static async start(python: string, spec: unknown): Promise<Peer | undefined> {
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(python, {
        args: ["-c", script, JSON.stringify(spec)],
        ...{ stdin: "piped", stdout: "piped", stderr: "null" },
      }).spawn();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const peer = new Peer(child, child.stdin.getWriter(), reader, "");
    const first = await peer.#line();
    if (first === undefined) {
      await peer[Symbol.asyncDispose]();
      return undefined;
    }
    peer.version = JSON.parse(first).torch;
    return peer;
  }

  async run(what: "step" | "forward"): Promise<void> {
    await this.writer.write(new TextEncoder().encode(`${what}\n`));
    if (await this.#line() === undefined) throw new Error("Cannot time PyTorch as it has ended");
  }

  async #line(): Promise<string | undefined> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.reader.read();
      if (done) return undefined;
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n"), line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer.close().catch(() => {});
    await this.reader.cancel();
    await this.child.status;
  }
}
