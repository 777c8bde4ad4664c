import type { Backend, Program, Tensor } from "../backend/types.ts";
import type { Graph } from "../onnx/graph.ts";

/** A compiled graph that picks what it reads. */
export interface GraphProgram {
  /**
   * Runs once.
   *
   * @param values at least one tensor per graph input; those it has no input for are not fed, which
   *   would cost time on a GPU
   * @param outputs the shape of each graph output
   * @returns one tensor per output, owned by the caller
   */
  run(
    values: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>>;
}

/** Compiled graphs by what they are specialised to. */
export class ProgramCache implements AsyncDisposable {
  #compiled = new Map<string, Promise<Compiled>>();

  constructor(readonly backend: Backend) {}

  /** The program of that key; `build` is called the first time. */
  get(key: string, build: () => Graph): Promise<GraphProgram> {
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.#compile(build());
      this.#compiled.set(key, compiled);
      // A failed compilation is not remembered.
      compiled.catch(() => this.#compiled.delete(key));
    }
    return compiled;
  }

  async #compile(graph: Graph): Promise<Compiled> {
    const names = graph.inputs.map((input) => input.name);
    return new Compiled(await this.backend.compile(graph), names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const compiled of this.#compiled.values()) {
      await (await compiled).program[Symbol.asyncDispose]();
    }
    this.#compiled.clear();
  }
}

class Compiled implements GraphProgram {
  constructor(readonly program: Program, readonly inputs: readonly string[]) {}

  run(
    values: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>> {
    const fed = Object.fromEntries(this.inputs.map((name) => [name, values[name]]));
    return this.program.run(fed, outputs);
  }
}
