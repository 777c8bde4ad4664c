import { deepEqual, equal, throws } from "../../../tests/assert.ts";
import { UserError } from "../../errors.ts";
import { KeptFiles } from "./kept_files.ts";

const names = ["text", "numbers"];
const open = (dir: string) => KeptFiles.open(dir, { seed: 1 }, "test", names);
const list = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

async function inFolder(use: (dir: string) => Promise<void> | void): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function append(kept: KeptFiles, window: number): void {
  kept.file("text").appendText(`window ${window} ✓\n`);
  kept.file("numbers").append(Int32Array.of(window, 7));
}

/** Appends windows from where the files are; the run ends after `last`, perhaps within the next. */
function run(dir: string, last: number, { within = false } = {}): number {
  using kept = open(dir);
  const { windows } = kept;
  for (let window = windows; window < last; window++) {
    append(kept, window);
    kept.save([window * 10]);
  }
  if (within) {
    append(kept, 99);
    kept.file("text").flush();
  }
  return windows;
}

async function contents(kept: KeptFiles) {
  const pieces: number[] = [];
  for await (const bytes of kept.file("numbers").pieces(8)) {
    pieces.push(...new Int32Array(bytes.buffer));
  }
  return {
    text: await kept.file("text").text(),
    numbers: pieces,
    notes: kept.notes.map(([n]) => n),
  };
}

Deno.test("KeptFiles goes on after the last window, whatever was written of the next", () =>
  inFolder(async (dir) => {
    equal(run(dir, 2, { within: true }), 0);
    equal(run(dir, 3), 2);
    using kept = open(dir);
    deepEqual(await contents(kept), {
      text: "window 0 ✓\nwindow 1 ✓\nwindow 2 ✓\n",
      numbers: [0, 7, 1, 7, 2, 7],
      notes: [0, 10, 20],
    });
    kept.file("text").moveTo(`${dir}/result.txt`);
    kept.remove();
    deepEqual(list(dir), ["result.txt"]);
    equal(Deno.readTextFileSync(`${dir}/result.txt`), "window 0 ✓\nwindow 1 ✓\nwindow 2 ✓\n");
  }));

Deno.test("KeptFiles leaves nothing of a run that ended in its first window", () =>
  inFolder((dir) => {
    equal(run(dir, 0, { within: true }), 0);
    deepEqual(list(dir), []);
  }));

Deno.test("KeptFiles starts over when a file is gone or shorter than it was", () =>
  inFolder(async (dir) => {
    for (const damage of [Deno.removeSync, (path: string) => Deno.truncateSync(path, 5)]) {
      run(dir, 3);
      damage(`${dir}/${list(dir).find((name) => name.endsWith("-text"))}`);
      equal(run(dir, 1), 0);
      using kept = open(dir);
      deepEqual(await contents(kept), { text: "window 0 ✓\n", numbers: [0, 7], notes: [0] });
      kept.remove();
      deepEqual(list(dir), []);
    }
  }));

Deno.test("KeptFiles of the same work are opened once at a time", () =>
  inFolder((dir) => {
    {
      using first = open(dir);
      append(first, 0);
      first.save([0]);
      throws(
        () => open(dir),
        (error: unknown) =>
          error instanceof UserError && /as no other run of the same command/.test(error.message),
      );
      using other = KeptFiles.open(dir, { seed: 2 }, "test", names);
      equal(other.windows, 0);
    }
    equal(run(dir, 1), 1);
  }));
