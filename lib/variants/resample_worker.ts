/** A thread that resamples variants. */
import { type ResampleRequest, resampleStatistics } from "./evaluate.ts";

interface Thread {
  onmessage: ((event: MessageEvent<ResampleRequest>) => void) | null;
  postMessage(found: number[][]): void;
}

const thread = globalThis as unknown as Thread;
thread.onmessage = async ({ data }) => thread.postMessage(await resampleStatistics(data));
