/** Scripts run from a URL: an empty folder, an empty cache, the tree served over loopback. */

const root = new URL("../", import.meta.url);

/** Serves the working tree; nothing above it. */
function serveTree(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    if (path.includes("..")) return new Response("no", { status: 400 });
    try {
      const body = await Deno.readFile(new URL(`.${path}`, root));
      const type = path.endsWith(".ts")
        ? "application/typescript"
        : path.endsWith(".json")
        ? "application/json"
        : path.endsWith(".js")
        ? "text/javascript"
        : "application/octet-stream";
      return new Response(body, { headers: { "content-type": type } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
}

export interface UrlOutcome {
  code: number;
  out: string;
  err: string;
  /** The folder that the script ran in, which was empty. */
  folder: string;
}

/** Runs a script of the tree as `deno run http://…/tasks/NAME.ts ARGS --out results` does. */
export async function runFromUrl(
  script: string,
  args: readonly string[],
  look: (outcome: UrlOutcome) => void | Promise<void>,
): Promise<void> {
  await using server = serveTree();
  const host = `127.0.0.1:${server.addr.port}`;
  const folder = await Deno.makeTempDir();
  const cache = await Deno.makeTempDir();
  try {
    // npm packages come from the machine's own cache, so that the test needs no network: only the
    // modules under test are fetched anew.
    const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
    const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
    await Deno.symlink(`${denoDir}/npm`, `${cache}/npm`);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      cwd: folder,
      env: { DENO_DIR: cache, NO_COLOR: "1" },
      args: [
        "run",
        "--quiet",
        "--no-lock",
        `--allow-import=${host}`,
        `--allow-net=${host}`,
        "--allow-read",
        "--allow-write=results",
        "--allow-env=ORT_DISABLE_TELEMETRY,ESMSCOPE_REPLAY,XDG_RUNTIME_DIR",
        "--allow-ffi",
        "--allow-sys=hostname",
        `http://${host}/${script}`,
        ...args,
        "--out",
        "results",
      ],
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    await look({ code, out: text(stdout), err: text(stderr), folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(cache, { recursive: true });
  }
}
