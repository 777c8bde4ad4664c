/** The native library only computes: nothing appears in the home folder, whoever imports the engine. */
import { equal, match } from "./assert.ts";
import { inFolder } from "./analyze_run.ts";

const root = new URL("../", import.meta.url);

const program = `
  import { Esm2, openBackend, openModel, padBatch, tokenize } from "${new URL("mod.ts", root)}";
  using model = await openModel(undefined);
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  await using esm = await Esm2.open(model.checkpoint, backend);
  const batch = padBatch([tokenize({ id: "t", residues: "NLYIQWLKDGGPSSGRPPPS" })]);
  using result = await esm.run(batch, { head: true });
  // The library writes and calls its maker's server from a thread of its own.
  await new Promise((resolve) => setTimeout(resolve, 500));
  console.log(backend.name, result.logits.shape.join());
`;

Deno.test("a script that imports the engine leaves an empty home folder empty", () =>
  inFolder(async (home) => {
    const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
    const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
    for (const telemetry of [undefined, "0"]) {
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "--no-prompt", "--ext=ts", "--allow-read", "--allow-ffi"],
          ...["--allow-env=ORT_DISABLE_TELEMETRY", "-"],
        ],
        cwd: root,
        env: {
          HOME: home,
          USERPROFILE: home,
          LOCALAPPDATA: home,
          XDG_CACHE_HOME: "",
          DENO_DIR: denoDir,
          ...(telemetry && { ORT_DISABLE_TELEMETRY: telemetry }),
        },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await new Response(program).body!.pipeTo(child.stdin);
      const { code, stdout, stderr } = await child.output();
      equal(code, 0, new TextDecoder().decode(stderr));
      match(new TextDecoder().decode(stdout), /^cpu 22,33/);
      equal([...Deno.readDirSync(home)].map(({ name }) => name).join(), "");
    }
  }));
