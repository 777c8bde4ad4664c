/** What takes latents of proteins, one protein after another. */
import type { ProteinLatents } from "./encode.ts";

export interface LatentSink extends AsyncDisposable {
  add(protein: ProteinLatents): Promise<void>;
  /** Makes the file whole. */
  close(): Promise<void>;
}
