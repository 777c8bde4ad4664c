/** Signals that end a command, heard even while the main thread computes and hears nothing. */
import watchWorker from "./watch_worker.js" with { type: "text" };

/** How long the main thread may not answer before a signal ends the process without it. */
const DEAF_MS = 1500;

/** Two messages so near to each other are of one signal. */
const SAME_MS = 50;

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/**
 * Calls `onSignal` for every signal that asks the command to end.
 *
 * A thread of its own listens. Should the main thread not answer it, the signal has its usual effect:
 * the process ends at once (what it left is removed by the next run). Until that thread runs, and where
 * there can be none, the main thread listens itself.
 */
export function onSignals(onSignal: () => void): void {
  let last = -Infinity;
  const heard = () => {
    // While both threads listen, one signal is heard twice.
    const now = performance.now(), isSame = now - last < SAME_MS;
    last = now;
    if (!isSame) onSignal();
  };
  for (const name of SIGNALS) Deno.addSignalListener(name, heard);
  const source = URL.createObjectURL(new Blob([watchWorker], { type: "text/javascript" }));
  const worker = new Worker(source, { type: "module" });
  worker.onerror = (event) => event.preventDefault();
  worker.onmessage = ({ data }) => {
    if (data === "alive?") return worker.postMessage("yes");
    if (data !== "ready") return heard();
    for (const name of SIGNALS) Deno.removeSignalListener(name, heard);
  };
  worker.postMessage({ signals: SIGNALS, deafMs: DEAF_MS });
}
