/** The commands run from a URL: an empty folder, an empty cache, the tree served over loopback. */
import { equal, match, ok } from "./assert.ts";

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

Deno.test("analyze runs from a URL in an empty folder with an empty cache", async () => {
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
        "--allow-env",
        "--allow-ffi",
        "--allow-sys",
        `http://${host}/tasks/analyze.ts`,
        "--out",
        "results",
      ],
    }).output();
    const errors = new TextDecoder().decode(stderr);
    equal(code, 0, errors);
    match(new TextDecoder().decode(stdout), /AA2AR_HUMAN: 412 residues, 4 sites/);
    const files = [...Deno.readDirSync(`${folder}/results`)].map((f) => f.name).sort();
    equal(files.join(), "heads.csv,report.html,run.json");
    const run = JSON.parse(await Deno.readTextFile(`${folder}/results/run.json`));
    const local = await Deno.readFile(new URL("models/esm2_t4_800K_SP50/model.safetensors", root));
    const hash = await crypto.subtle.digest("SHA-256", local);
    const hex = [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, "0")).join("");
    equal(run.model.sha256, hex);
    ok(errors.includes("esm2_t4_800K_SP50 is a small demonstration model"));
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(cache, { recursive: true });
  }
});
