/** How device errors reach the caller: trimmed text, one error class, and a latch that stays shut. */

/** A failure reported by the graphics device: a validation error, lost device or lack of memory. */
export class GpuError extends Error {
  /** "GpuError" */
  override name = "GpuError";
}

/** The lines that say something, joined to one; the first can be blank, and source quotes go. */
export function trimMessage(text: string, limit = 300): string {
  const lines = text.split("\n").map((line) => line.trim());
  const line = lines.filter((line) => line !== "" && !/^(\d+ )?[│┌╭╰=]/.test(line)).join("; ");
  if (line === "") return "no message from the device";
  return line.length <= limit ? line : `${line.slice(0, limit)}…`;
}

/** Remembers the first error of a device, so that every later call fails with it. */
export class ErrorLatch {
  #error: GpuError | undefined;
  readonly #pending = new Set<Promise<void>>();

  /** Keeps the first error; later ones are mostly its echoes. */
  set(message: string): void {
    this.#error ??= new GpuError(message);
  }

  /** @throws {GpuError} if the device has failed before */
  check(): void {
    if (this.#error) throw this.#error;
  }

  /** Latches the error that an error scope will report; `settle` waits for it. */
  watch(scope: Promise<GPUError | null>, action: string): void {
    const done = scope.then(
      (error) => {
        if (error) this.set(`${action}: ${trimMessage(error.message)}`);
      },
      (cause) => this.set(`${action}: ${trimMessage(String(cause))}`),
    ).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Waits for all watched scopes, then checks. @throws {GpuError} */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.check();
  }
}
