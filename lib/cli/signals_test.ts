/** Signals reach a command whatever it is doing. */
import { equal, match, ok } from "../../tests/assert.ts";

const program = (work: string) => `
  import { runCommand } from "${new URL("main.ts", import.meta.url)}";
  await runCommand({
    name: "probe",
    summary: "Probe",
    options: {},
    examples: [],
    async run(_, ctx) {
      ctx.onExit(() => console.log("cleaned"));
      await new Promise((resolve) => setTimeout(resolve, 700));
      console.log("begun");
      ${work}
      console.log("done");
    },
  }, []);
`;

/** Sends a signal once the program's work has begun; gives what it said and how long it took to end. */
async function interrupted(work: string, signal: Deno.Signal) {
  const child = new Deno.Command(Deno.execPath(), {
    // Without any permission that signals or processes would need.
    args: ["run", "--quiet", "--no-prompt", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await new Response(program(work)).body!.pipeTo(child.stdin);
  const errors = new Response(child.stderr).text();
  let out = "", begin = NaN;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    if (!out.includes("begun") || !Number.isNaN(begin)) continue;
    await new Promise((resolve) => setTimeout(resolve, 100));
    begin = performance.now();
    child.kill(signal);
  }
  const { code } = await child.status;
  return { code, out, err: await errors, seconds: (performance.now() - begin) / 1000 };
}

for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
  Deno.test({
    name: `${signal} ends a command that never gives way, within two seconds`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const { code, err, out, seconds } = await interrupted("for (;;);", signal);
      equal(code, 128 + number);
      match(err, /^interrupted\n$/);
      ok(!out.includes("done"));
      ok(seconds < 2.5, `${seconds} s`);
    },
  });

  Deno.test({
    name: `${signal} lets a command that gives way clean up`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const { code, err, out, seconds } = await interrupted(
        `while (!ctx.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
         return;`,
        signal,
      );
      equal(code, 130);
      match(err, /^interrupted\n$/);
      match(out, /^begun\ncleaned\n$/);
      ok(seconds < 1, `${seconds} s`);
    },
  });
}
