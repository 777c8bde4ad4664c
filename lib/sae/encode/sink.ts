/** What takes latents of proteins, one protein after another. */
import type { ProteinLatents } from "./encode.ts";

export interface LatentSink {
  add(protein: ProteinLatents): void;
  /** Makes the whole file. */
  write(path: string): Promise<void>;
}
