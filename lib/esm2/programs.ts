import type { Backend, Program } from "../backend/types.ts";
import type { Graph } from "../onnx/graph.ts";

/** Compiled graphs by what they are specialised to. */
export class ProgramCache implements AsyncDisposable {
  #programs = new Map<string, Promise<Program>>();

  constructor(readonly backend: Backend) {}

  /** The program of that key; `build` is called the first time. */
  get(key: string, build: () => Graph): Promise<Program> {
    let program = this.#programs.get(key);
    if (!program) {
      program = this.backend.compile(build());
      this.#programs.set(key, program);
      // A failed compilation is not remembered.
      program.catch(() => this.#programs.delete(key));
    }
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.values()) await (await program)[Symbol.asyncDispose]();
    this.#programs.clear();
  }
}
