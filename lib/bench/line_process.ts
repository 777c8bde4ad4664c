/** A process that does something whenever it is told a line, and answers with a line of JSON. */

/** The second is where Debian puts the one that has its packages. */
export const PYTHONS: readonly string[] = ["python3", "/usr/bin/python3"];

export class LineProcess<Hello> implements AsyncDisposable {
  #rest = "";

  private constructor(
    readonly child: Deno.ChildProcess,
    readonly writer: WritableStreamDefaultWriter<Uint8Array>,
    readonly reader: ReadableStreamDefaultReader<string>,
    /** What it said when it was ready. */
    public hello: Hello,
  ) {}

  /** Nothing where there is no such program, or it ends before it says that it is ready. */
  static async start<Hello>(
    program: string,
    args: readonly string[],
    env?: Record<string, string>,
  ): Promise<LineProcess<Hello> | undefined> {
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(program, {
        ...{ args: [...args], env, stdin: "piped", stdout: "piped", stderr: "null" },
      }).spawn();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const started = new LineProcess(child, child.stdin.getWriter(), reader, undefined as Hello);
    const first = await started.#line();
    if (first === undefined) {
      await started[Symbol.asyncDispose]();
      return undefined;
    }
    started.hello = JSON.parse(first);
    return started;
  }

  /** @throws {Error} if it has ended */
  async ask<Answer>(line: string): Promise<Answer> {
    await this.writer.write(new TextEncoder().encode(`${line}\n`));
    const answer = await this.#line();
    if (answer === undefined) throw new Error(`Cannot ask "${line.slice(0, 60)}" as it has ended`);
    return JSON.parse(answer);
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
