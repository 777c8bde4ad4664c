/** The permissions that deno.json gives each task: enough for its work, and no more. */
import { deepEqual, equal, match, ok } from "./assert.ts";
import { inFolder } from "./analyze_run.ts";
import { TestServer } from "../lib/hub/test_server.ts";

const root = new URL("../", import.meta.url);
const { permissions, tasks } = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", root)),
) as {
  permissions: Record<string, Record<string, unknown>>;
  tasks: Record<string, { command: string }>;
};

interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs Deno without a terminal, so that what is not permitted is refused and not asked for. */
async function deno(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

const peptide = ["--sequence", "NLYIQWLKDGGPSSGRPPPS"];
const fairEsm = "tests/fixtures/esm2_t4_800K_SP50/esm2_t4_800K_SP50.pt";

/** Command lines that together use what each task can do without the network. */
const lines: readonly { task: string; args: string[]; writes?: true }[] = [
  { task: "esmscope", args: [] },
  { task: "analyze", args: ["--table", "data/a2a_sites.csv"], writes: true },
  { task: "analyze", args: ["--legacy", "allostery_heads", "--model", fairEsm], writes: true },
  { task: "analyze", args: ["--backend", "wasm"], writes: true },
  { task: "score", args: peptide, writes: true },
  { task: "contacts", args: [...peptide, "--method", "jacobian"], writes: true },
  { task: "lens", args: peptide, writes: true },
  {
    task: "fold",
    args: ["--model", "tests/fixtures/esmfold/model", ...peptide, "--mask", "3"],
    writes: true,
  },
  { task: "embed", args: [...peptide, "--pool", "mean,none", "--contacts"], writes: true },
  { task: "sae", args: ["encode", ...peptide, "--format", "npz"], writes: true },
  { task: "sae", args: ["ig", "--mutations", "Y8G", "--steps", "8"], writes: true },
  { task: "verify", args: [] },
  { task: "parity", args: ["--backend", "cpu", "--fixture", "tiny_trpcage"] },
  { task: "parity", args: ["--backend", "wasm", "--fixture", "tiny_trpcage"] },
  { task: "fetch", args: ["--list"] },
];

for (const { task, args, writes } of lines) {
  Deno.test(`the permissions of deno task ${task} are enough: ${args.join(" ")}`, () =>
    inFolder(async (dir) => {
      const out = writes ? ["--out", `${dir}/out`] : [];
      const { code, err } = await deno(["task", "--quiet", task, ...args, ...out], {
        ESMSCOPE_CACHE: `${dir}/cache`,
      });
      equal(code, 0, err);
      if (writes) ok([...Deno.readDirSync(`${dir}/out`)].some(({ name }) => name === "run.json"));
    }));
}

Deno.test("the permissions of deno task bench are enough", () =>
  inFolder(async (dir) => {
    const args = ["--quick", "--only", "memory", "--backend", "cpu", "--threads", "1"];
    const { code, err } = await deno(["task", "--quiet", "bench", ...args], { TMPDIR: dir });
    equal(code, 0, err);
  }));

Deno.test("every task runs under a set of its own, with variables and machine facts by name", () => {
  for (const [task, { command }] of Object.entries(tasks)) {
    if (task === "ok") continue;
    // Runs the examples of the documentation as tests; the rest of it runs no code.
    if (task === "docs") {
      match(command, / deno test -P=test /);
      continue;
    }
    match(command, new RegExp(` -P=${task}( |$)`), task);
    if (task === "test") continue;
    const { env, sys, net } = permissions[task];
    ok(env !== true && sys !== true && net !== true, task);
  }
});

Deno.test("verify, parity and the overview can neither write nor reach the network", () => {
  for (const task of ["verify", "parity", "esmscope"]) {
    const kinds = Object.keys(permissions[task]);
    for (const kind of ["write", "net", "run", "sys", "import"]) ok(!kinds.includes(kind), task);
  }
  deepEqual(Object.keys(permissions.fetch).sort(), ["env", "net", "read", "write"]);
});

Deno.test("verify of a model that the cache lacks says how to fetch it, and asks no hub", () =>
  inFolder(async (dir) => {
    await using hub = new TestServer(() => new Response("no", { status: 500 }));
    const { code, err } = await deno(
      [
        "run",
        "--quiet",
        "-P=verify",
        "--allow-net",
        "tasks/verify.ts",
        "--model",
        "esm2_t6_8M_UR50D",
      ],
      { ESMSCOPE_CACHE: dir, ESMSCOPE_HUB: hub.url },
    );
    equal(code, 2, err);
    match(err, /^error: Cannot open esm2_t6_8M_UR50D as it .* "deno task fetch esm2_t6_8M_UR50D"/);
    equal(hub.asked.length, 0);
  }));

Deno.test("a missing permission is answered by a line that can be typed", () =>
  inFolder(async (dir) => {
    await using hub = new TestServer(() => new Response("no", { status: 404 }));
    const host = new URL(hub.url).host;
    const env = { ESMSCOPE_CACHE: dir, ESMSCOPE_HUB: hub.url };
    const refused = await deno(["task", "--quiet", "fetch", "esm2_t6_8M_UR50D"], env);
    equal(refused.code, 1);
    const typed = /start it with deno (run -P=fetch --allow-net=\S+ tasks\/fetch\.ts)\n$/.exec(
      refused.err,
    );
    ok(typed, refused.err);
    ok(typed[1].includes(host), refused.err);
    const { code, err } = await deno([...typed[1].split(" "), "esm2_t6_8M_UR50D"], env);
    equal(code, 2, err);
    match(err, /the hub must have it: HTTP 404/);
  }));

Deno.test("a mirror that redirects to a host without permission: the line names both hosts", () =>
  inFolder(async (dir) => {
    const elsewhere = "http://elsewhere.invalid/file";
    await using hub = new TestServer(() => Response.redirect(elsewhere, 302));
    const host = new URL(hub.url).host;
    const args = ["run", "--quiet", "-P=fetch", `--allow-net=${host}`, "tasks/fetch.ts"];
    const { code, err } = await deno([...args, "interprot:l24"], {
      ESMSCOPE_CACHE: dir,
      HF_HOME: dir,
      HF_ENDPOINT: hub.url,
    });
    equal(code, 1, err);
    const line = `deno run -P=fetch --allow-net=${host},elsewhere.invalid:80 tasks/fetch.ts`;
    ok(err.trimEnd().endsWith(line), err);
  }));

Deno.test("no build script of a package is asked for when the cache is empty", () =>
  inFolder(async (dir) => {
    // Packages with build scripts, from the machine's own store: only the decision is made anew.
    const info = await deno(["info", "--json"]);
    const { denoDir } = JSON.parse(info.out);
    await Deno.symlink(`${denoDir}/npm`, `${dir}/npm`);
    const env = { DENO_DIR: dir };
    const { code, err } = await deno(["cache", "lib/backend/ort.ts", "lib/backend/wasm.ts"], env);
    equal(code, 0, err);
    ok(!/build scripts/i.test(err), err);
  }));
