import { deepEqual, equal, match } from "../../tests/assert.ts";
import { Progress, type ProgressInit } from "./progress.ts";

/** A progress whose output is recorded and whose clock stands still until told. */
function recorded(init: ProgressInit, terminal: boolean, columns = 200) {
  const written: string[] = [];
  const clock = { ms: 1000 };
  const progress = new Progress(init, {
    write: (text) => void written.push(text),
    terminal,
    columns: () => columns,
    now: () => clock.ms,
  });
  return { progress, written, clock };
}

Deno.test("Progress redraws one line on a terminal, with rate and remaining time", () => {
  const { progress, written, clock } = recorded(
    { label: "m", total: 400e6, unit: "bytes" },
    true,
  );
  clock.ms += 10_000;
  progress.update(100e6);
  // 100 MB in 10 s: 10 MB/s, 300 MB left: 30 s.
  equal(
    written.at(-1),
    `\r\x1b[Km  [${"#".repeat(6)}${"-".repeat(18)}]   25%  100 MB of 400 MB  10.0 MB/s  30 s left`,
  );
  clock.ms += 50;
  progress.update(101e6);
  equal(written.length, 2, "not redrawn within a tenth of a second");
  clock.ms += 9_950;
  progress.update(400e6);
  progress.finish();
  progress.finish();
  match(written.at(-1)!, /100% {2}400 MB of 400 MB {2}20\.0 MB\/s {2}in 20 s\n$/);
  equal(written.filter((text) => text.endsWith("\n")).length, 1);
});

Deno.test("Progress counts only its own part of a resumed work as speed", () => {
  const { progress, written, clock } = recorded(
    { label: "m", total: 400e6, unit: "bytes", done: 300e6 },
    true,
  );
  clock.ms += 10_000;
  progress.update(350e6);
  match(written.at(-1)!, /87% .* 5\.00 MB\/s {2}10 s left$/);
});

Deno.test("Progress cuts its line to the terminal's width", () => {
  const { written } = recorded({ label: "x".repeat(99), total: 4 }, true, 40);
  equal(written[0], `\r\x1b[K${"x".repeat(39)}`);
});

Deno.test("Progress writes a plain line at most every five seconds otherwise", () => {
  const { progress, written, clock } = recorded(
    { label: "heads", total: 40, unit: "heads" },
    false,
  );
  for (let i = 1; i <= 12; i++) {
    clock.ms += 1000;
    progress.add(1);
  }
  progress.note("a note");
  progress.finish();
  deepEqual(written, [
    "heads   12%  5/40 heads  1.0/s  35 s left\n",
    "heads   25%  10/40 heads  1.0/s  30 s left\n",
    "a note\n",
    "heads   30%  12/40 heads  1.0/s  in 12 s\n",
  ]);
});

Deno.test("Progress writes nothing when silent", () => {
  const { progress, written } = recorded({ label: "m", total: 4, silent: true }, true);
  progress.update(4);
  progress.note("x");
  progress.finish();
  deepEqual(written, []);
});
