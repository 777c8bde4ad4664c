/** Another process that keeps one core busy, as on a machine that people share. */
export class BusyCore implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Starts it; resolves when it is busy. */
  static async start(): Promise<BusyCore> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", "console.log('busy'); for (;;);"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    return new BusyCore(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}
