/** A run that is killed while its files get their names, the run after it, and a full disk. */
import { deepEqual, equal, ok } from "../../tests/assert.ts";

/** Writes files as the command `probe`, each with the run's name in it; may be killed on the way. */
const program = `
  import { OutputDir } from "${new URL("output.ts", import.meta.url)}";
  import process from "node:process";
  const [dir, run, killAt, ...names] = Deno.args;
  let calls = 0;
  for (const name of ["renameSync", "removeSync", "writeTextFileSync"]) {
    const real = Deno[name];
    Deno[name] = (...args) => {
      if (globalThis.committing && ++calls === Number(killAt)) process.kill(process.pid, "SIGKILL");
      return real(...args);
    };
  }
  using output = OutputDir.open(dir, "probe");
  for (const name of names) await output.write(name, run);
  output.setRecord({ esmscope: "1", command: "probe", run });
  globalThis.committing = true;
  output.commit();
  console.log(calls);
`;

/** Runs a program that may do everything. */
async function start(text: string, ...args: string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--ext=js", "-", ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Response(text).body!.pipeTo(child.stdin);
  const { code, stdout } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

async function run(dir: string, name: string, killAt: number, ...files: string[]) {
  const { code, stdout } = await start(program, dir, name, String(killAt), ...files);
  return { code, calls: Number(stdout) };
}

const read = (path: string) => {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
};
const listing = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test({
  name: "OutputDir killed anywhere in commit leaves no run.json beside files of another run",
  ignore: Deno.build.os === "windows",
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      const out = `${dir}/out`;
      const first = ["a.csv", "b.csv", "old.csv"], second = ["a.csv", "b.csv", "new.csv"];
      const { calls } = await run(out, "first", 0, ...first);
      ok(calls > 5, `${calls} calls`);
      for (let killAt = 1; killAt <= calls + 1; killAt++) {
        await Deno.remove(out, { recursive: true });
        equal((await run(out, "first", 0, ...first)).code, 0);
        const { code } = await run(out, "second", killAt, ...second);
        if (code === 0) break;
        const record = read(`${out}/run.json`);
        if (record !== undefined) {
          const { run, files } = JSON.parse(record);
          for (const name of files as string[]) {
            if (name !== "run.json") equal(read(`${out}/${name}`), run, `kill ${killAt}: ${name}`);
          }
        }
        // The next run, of fewer files, leaves its own only.
        equal((await run(out, "third", 0, "a.csv")).code, 0);
        deepEqual(listing(out), ["a.csv", "run.json"], `after kill ${killAt}`);
        equal(read(`${out}/a.csv`), "third");
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

/** Writes to a file of a full disk in every way there is, and prints the messages. */
const onFullDisk = `
  import { writeSafetensors } from "${new URL(
  "../checkpoint/write_safetensors.ts",
  import.meta.url,
)}";
  import { NpzWriter } from "${new URL("npz.ts", import.meta.url)}";
  import { OutputDir } from "${new URL("output.ts", import.meta.url)}";
  import { TextSink } from "${new URL("text_sink.ts", import.meta.url)}";
  const [dir] = Deno.args;
  const big = "x".repeat(1 << 18), data = new Float32Array(1 << 18);
  const messages = {};
  const attempt = async (way, write) => {
    using output = OutputDir.open(dir, "probe");
    const path = output.temporaryPath("file.x");
    Deno.symlinkSync("/dev/full", path);
    messages[way] = await write(path, output).then(() => "no error", (e) => e.name + ": " + e.message);
  };
  await attempt("sink", async (path) => {
    await using sink = new TextSink(path);
    await sink.write(big);
    await sink.close();
  });
  await attempt("archive", async (path) => {
    await using archive = await NpzWriter.create(path);
    await archive.add("x", { shape: [data.length], data });
    await archive.close();
  });
  await attempt("tensors", (path) =>
    writeSafetensors(path, { x: { dtype: "F32", shape: [data.length], data } }));
  await attempt("text", (_, output) => output.write("file.x", big));
  console.log(JSON.stringify(messages));
`;

Deno.test({
  name: "a full disk is told by the file's final name on every way to write, and leaves nothing",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      const { stdout } = await start(onFullDisk, dir);
      const messages = Object.entries(JSON.parse(stdout));
      equal(messages.length, 4);
      for (const [way, message] of messages) {
        equal(
          message,
          `DiskError: Cannot write "${dir}/file.x" as the disk must have room for it: ` +
            "No space left on device (os error 28)",
          way,
        );
      }
      deepEqual(listing(dir), []);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
