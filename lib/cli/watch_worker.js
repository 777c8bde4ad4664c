// Listens to the signals named in the first message and passes them on. When the main thread does not
// answer for as long as that message says, it is in the middle of a long computation, or of one without
// end, and will not hear of anything: then the signal ends the process as if nobody had listened.
const POLL_MS = 200;
const listeners = new Map();
let answered = 0, first;

self.onmessage = ({ data: { signals, deafMs } }) => {
  for (const name of signals) {
    const listener = () => {
      self.postMessage(name);
      if (first !== undefined) return;
      first = name;
      answered = performance.now();
      setInterval(() => check(deafMs), POLL_MS);
    };
    Deno.addSignalListener(name, listener);
    listeners.set(name, listener);
  }
  self.onmessage = () => answered = performance.now();
  self.postMessage("ready");
};

function check(deafMs) {
  if (performance.now() - answered < deafMs) return self.postMessage("alive?");
  Deno.stderr.writeSync(new TextEncoder().encode("interrupted\n"));
  for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
  process.kill(process.pid, first);
}
