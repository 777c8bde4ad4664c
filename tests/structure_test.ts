/** The house stays in order: rooms import only what lies below, and each thing has its one place. */
import { dirname, join, normalize } from "node:path";
import { deepEqual, ok } from "./assert.ts";

/**
 * The rooms, lowest first: a file may import from its own room and from those before it, so that there
 * can be no circle. A folder of `lib/` or `kernels/` is a room, and so is a file that lies there alone.
 */
const ROOMS: readonly string[] = [
  // What everything may use.
  ...[
    "deno.json",
    "models",
    "data",
    "lib/errors.ts",
    "lib/version.ts",
    "lib/display.ts",
    "lib/io",
    "lib/cli",
  ],
  // Numbers: the device, graphs, kernels, statistics, figures.
  ...["lib/gpu", "lib/onnx"],
  ...["kernels/philox", "kernels/matmul", "kernels/site_baseline"],
  ...["kernels/attention_column_mass", "kernels/apc_contacts", "kernels/jacobian_norm"],
  ...["kernels/token_log_probs", "kernels/topk_sae_encode", "kernels/sparse_decode"],
  ...[
    "kernels/ig_step",
    "kernels/pool_rows",
    "kernels/adamw",
    "kernels/muon",
    "kernels/mod.ts",
    "lib/stats",
    "lib/report",
  ],
  // Models and what they read.
  ...["lib/backend", "lib/checkpoint", "lib/adapter", "lib/hub", "lib/esm2", "lib/structure"],
  // Which proteins.
  "lib/proteins",
  // How a command runs, whatever it computes.
  ...["lib/provenance.ts", "lib/model_options.ts", "lib/run", "lib/output_options.ts"],
  // The analyses.
  ...["lib/variants", "lib/sites", "lib/contacts", "lib/embed", "lib/train", "lib/sae"],
  ...["lib/causal", "lib/lens", "lib/fold", "lib/probe", "lib/mlm", "lib/finetune"],
  // What uses them.
  ...["mod.ts", "lib/bench", "tasks"],
];

/** Folders that are meant for browsers too, and the file of each that may name `Deno`. */
const BROWSER: Readonly<Record<string, string | undefined>> = {
  "kernels": undefined,
  "lib/backend": undefined,
  "lib/checkpoint": "lib/checkpoint/files.ts",
  "lib/esm2": undefined,
  "lib/gpu": "lib/gpu/environment.ts",
  "lib/onnx": undefined,
  "lib/stats": undefined,
};

/** Entries of folders that are not for others, each with the reason. */
const INTERNAL: Readonly<Record<string, string>> = {
  "kernels/matmul/mod.ts": "replays choose its tile themselves",
  "lib/adapter/mod.ts": "what openModel merges into a model and trainings write",
  "lib/bench/kernels/mod.ts": "the rows of the benchmark",
  "lib/bench/report/mod.ts": "what the benchmark draws",
  "lib/report/client/mod.ts": "what every page's script is made of",
  "lib/report/figures/mod.ts": "the figures of reports",
  "lib/sae/formats/mod.ts": "the list of layouts of autoencoder files",
  "lib/sites/report/mod.ts": "what the command draws",
};

const root = new URL("../", import.meta.url);

interface Source {
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** What it imports or exports from, as written. */
  readonly specifiers: readonly string[];
  /** Those of them that are there when it runs: without types alone. */
  readonly values: readonly string[];
}

const sources = new Map<string, Source>();
for (const entry of ["mod.ts", "kernels", "lib", "tasks", "tests", "data"]) await read(entry);

async function read(path: string): Promise<void> {
  if (!path.endsWith(".ts")) {
    for await (const { name, isDirectory } of Deno.readDir(new URL(path, root))) {
      if (isDirectory || name.endsWith(".ts")) await read(`${path}/${name}`);
    }
    return;
  }
  const text = await Deno.readTextFile(new URL(path, root));
  const code = text.replace(/^\s*\/\*\*?[\s\S]*?\*\//gm, "").replace(/^\s*\/\/.*$/gm, "");
  sources.set(path, {
    path,
    code,
    specifiers: specifiersOf(code),
    values: specifiersOf(withoutTypes(code).replaceAll(/\bimport\(/g, "")),
  });
}

function specifiersOf(code: string): string[] {
  const found = [
    /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?"([^"\n]+)"/gm,
    /\bimport\(\s*"([^"\n]+)"/g,
  ];
  return found.flatMap((pattern) => [...code.matchAll(pattern)].map(([, specifier]) => specifier));
}

/** Without imports and exports that name types alone. */
function withoutTypes(code: string): string {
  return code.replace(
    /^(?:import|export)\s(?:type\s)?\{([^}]*)\}\sfrom\s.*$/gm,
    (all, names: string) => {
      const isType = /^\w+\stype\s/.test(all) ||
        names.split(",").every((name) => /^\s*(?:type\s|$)/.test(name));
      return isType ? "" : all;
    },
  );
}

/** Whether a file is for tests only. */
const isTest = (path: string) =>
  path.startsWith("tests/") || path.includes("/testing/") ||
  /_test\.ts$|\/test(ing)?_?\w*\.ts$/.test(path);

function roomOf(path: string): string {
  const parts = path.split("/");
  const isParent = parts[0] === "lib" || parts[0] === "kernels";
  return parts.slice(0, isParent ? 2 : 1).join("/");
}

/** Files of the project that a source imports. */
const importsOf = ({ path, specifiers }: Pick<Source, "path" | "specifiers">): string[] =>
  specifiers.filter((one) => one.startsWith(".")).map((one) => normalize(join(dirname(path), one)));

const product = [...sources.values()].filter(({ path }) => !isTest(path));

Deno.test("rooms import only from rooms below them", () => {
  ok(product.length > 400, `${product.length} files were read`);
  const wrong: string[] = [];
  for (const source of product) {
    const own = ROOMS.indexOf(roomOf(source.path));
    if (own < 0) wrong.push(`${source.path} lies in no room of the list`);
    for (const path of importsOf(source)) {
      const at = ROOMS.indexOf(roomOf(path));
      if (at < 0 || at > own) wrong.push(`${source.path} imports ${path}`);
    }
  }
  deepEqual(wrong, []);
});

Deno.test("no file imports itself by way of others", () => {
  // Types alone may go round: they are gone when a file runs, and records that name each other are no fault.
  // So may what is loaded when it is asked for: nothing waits for it to begin.
  const circles: string[] = [], done = new Set<string>(), way: string[] = [];
  const visit = (path: string) => {
    const source = sources.get(path);
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (!source || way.includes(path) || done.has(path)) return;
    way.push(path);
    importsOf({ path, specifiers: source.values }).forEach(visit);
    way.pop();
    done.add(path);
  };
  for (const { path } of product) visit(path);
  ok(done.size > 400, `${done.size} files were visited`);
  deepEqual(circles, []);
});

Deno.test("the list of rooms names none that is not there", async () => {
  const missing: string[] = [];
  for (const room of ROOMS) {
    await Deno.stat(new URL(room, root)).catch(() => missing.push(room));
  }
  deepEqual(missing, []);
});

Deno.test("nothing but tests imports what is for tests", () => {
  deepEqual(
    product.flatMap((source) =>
      importsOf(source).filter(isTest).map((path) => `${source.path} imports ${path}`)
    ),
    [],
  );
});

Deno.test("each package of a registry is named in one file", () => {
  const files = new Map<string, Set<string>>();
  for (const { path, specifiers } of sources.values()) {
    for (const specifier of specifiers) {
      const name = /^(?:npm|jsr):\/?(@[^/]+\/[^@/]+|[^@/]+)/.exec(specifier)?.[1];
      if (name) files.set(name, (files.get(name) ?? new Set()).add(path));
    }
  }
  ok(files.has("commander"));
  deepEqual([...files].filter(([, named]) => named.size > 1).map(([name]) => name), []);
});

Deno.test("folders for browsers name Deno in the one file that keeps it apart", () => {
  const wrong = product.filter(({ path, code }) => {
    const folder = Object.keys(BROWSER).find((one) => path.startsWith(`${one}/`));
    return folder && BROWSER[folder] !== path && /\bDeno\b/.test(code);
  });
  deepEqual(wrong.map(({ path }) => path), []);
  for (const isolated of Object.values(BROWSER)) {
    if (isolated) ok(/\bDeno\b/.test(sources.get(isolated)!.code), `${isolated} names Deno`);
  }
});

Deno.test("every kernel has a row in the benchmark", () => {
  const kernels = product.map(({ path }) => path).filter((path) => path.endsWith("_cases.ts"));
  const measured = new Set(
    product.filter(({ path }) => path.startsWith("lib/bench/kernels/")).flatMap(importsOf),
  );
  ok(kernels.length >= 8, `${kernels.length} kernels`);
  deepEqual(kernels.filter((path) => !measured.has(path)), []);
});

Deno.test("lib/README.md names every room", async () => {
  const text = await Deno.readTextFile(new URL("lib/README.md", root));
  const isNamed = (room: string) =>
    room === "deno.json" || room.startsWith("kernels/") ||
    text.includes(`\`${room}\``) || text.includes(`\`${room}/\``);
  deepEqual(ROOMS.filter((room) => !isNamed(room)), []);
});

Deno.test("what is for tests is not published", async () => {
  const { publish } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const matches = (globs: readonly string[], path: string) =>
    globs.some((glob) => {
      const pattern = glob.replaceAll(".", "\\.").replaceAll("**/", "(.+/)?")
        .replace(/(?<![)])\*/g, "[^/]*");
      return new RegExp(`^${pattern}${glob.endsWith("/") ? "" : "$"}`).test(path);
    });
  const isPacked = (path: string) =>
    matches(publish.include, path) && !matches(publish.exclude, path);
  deepEqual([...sources.keys()].filter((path) => isPacked(path) === isTest(path)), []);
});

Deno.test("every mod.ts is part of the public API or named internal", async () => {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const entries: string[] = typeof exports === "string" ? [exports] : Object.values(exports);
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    const source = sources.get(path)!;
    const exported = [...source.code.matchAll(/^export\s[^"';]*?\sfrom\s"([^"\n]+)"/gm)];
    for (const [, one] of exported) visit(normalize(join(dirname(path), one)));
  };
  for (const entry of entries) visit(normalize(entry));
  const apart = product.map(({ path }) => path)
    .filter((path) => path.endsWith("/mod.ts") && !reached.has(path)).sort();
  deepEqual(apart, Object.keys(INTERNAL).sort());
});
