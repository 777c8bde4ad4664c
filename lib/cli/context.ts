/** What a running command may use besides its options. */
import type { Progress, ProgressInit } from "./progress.ts";

export interface CommandContext {
  /** The arguments that are not options, in order. */
  args: string[];
  /** Fires on Ctrl-C. Code that computes for long without awaiting is not interrupted by it. */
  signal: AbortSignal;
  quiet: boolean;
  debug: boolean;
  /** Writes a line to stdout: the command's result. */
  print(text: string): void;
  /** Writes a line to stderr unless `--quiet`. */
  note(text: string): void;
  /** Starts a progress display on stderr; silent under `--quiet`. */
  progress(init: ProgressInit): Progress;
  /**
   * Registers work for the end of the command however it ends (done, error, Ctrl-C), such as
   * deleting a temporary file; the last registered runs first. Calling the result withdraws it.
   */
  onExit(callback: () => void | Promise<void>): () => void;
}
