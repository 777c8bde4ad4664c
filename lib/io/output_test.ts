import { deepEqual, equal, match, ok, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { fileName, fileNames, OutputDir } from "./output.ts";

async function withDir(body: (dir: string) => Promise<void> | void) {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const list = (dir: string) => [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();

Deno.test("OutputDir shows files under their names after commit only", () =>
  withDir(async (dir) => {
    using output = OutputDir.open(`${dir}/a/b`);
    await output.write("heads.csv", "layer\n");
    await output.write("x.bin", new Uint8Array([1, 2]));
    Deno.writeTextFileSync(output.temporaryPath("streamed.npz"), "…");
    ok(list(output.path).every((name) => /^\..+\.tmp-[0-9a-f]{8}$/.test(name)));
    deepEqual(output.commit().map((path) => path.slice(output.path.length + 1)), [
      "heads.csv",
      "x.bin",
      "streamed.npz",
    ]);
    deepEqual(list(output.path), ["heads.csv", "streamed.npz", "x.bin"]);
    equal(Deno.readTextFileSync(`${dir}/a/b/heads.csv`), "layer\n");
    output.dispose();
    equal(list(output.path).length, 3);
  }));

Deno.test("OutputDir without commit leaves the disk as it was", () =>
  withDir(async (dir) => {
    {
      using output = OutputDir.open(`${dir}/a/b`);
      await output.write("heads.csv", "layer\n");
      output.temporaryPath("never_written.npz");
    }
    deepEqual(list(dir), []);

    Deno.writeTextFileSync(`${dir}/heads.csv`, "earlier results");
    Deno.writeTextFileSync(`${dir}/thesis.txt`, "mine");
    using output = OutputDir.open(dir);
    await output.write("heads.csv", "new");
    output.dispose();
    output.dispose();
    deepEqual(list(dir), ["heads.csv", "thesis.txt"]);
    equal(Deno.readTextFileSync(`${dir}/heads.csv`), "earlier results");
    throws(() => output.temporaryPath("late.csv"), /disposed/);
    throws(() => output.commit(), /disposed/);
  }));

Deno.test("OutputDir keeps a folder it made when someone else's file is in it", () =>
  withDir(async (dir) => {
    const output = OutputDir.open(`${dir}/out`);
    await output.write("heads.csv", "new");
    Deno.writeTextFileSync(`${dir}/out/thesis.txt`, "mine");
    output.dispose();
    deepEqual(list(`${dir}/out`), ["thesis.txt"]);
  }));

Deno.test("OutputDir replaces an earlier result of the same name on commit", () =>
  withDir(async (dir) => {
    Deno.writeTextFileSync(`${dir}/heads.csv`, "earlier results");
    using output = OutputDir.open(dir);
    await output.write("heads.csv", "new");
    output.commit();
    equal(Deno.readTextFileSync(`${dir}/heads.csv`), "new");
    deepEqual(list(dir), ["heads.csv"]);
  }));

Deno.test("OutputDir removes what only an earlier run of the same command wrote, and nothing else", () =>
  withDir(async (dir) => {
    const run = async (command: string, ...names: string[]) => {
      using output = OutputDir.open(dir, command);
      for (const name of names) await output.write(name, command);
      output.setRecord({ esmscope: "1", command });
      await output.write("report.html", "");
      deepEqual(
        output.commit(),
        [...names, "run.json", "report.html"].map((name) => `${dir}/${name}`),
      );
    };
    await run("analyze", "heads.csv", "summary.csv", "legacy.csv");
    for (const name of ["thesis.txt", "attention.npz"]) {
      Deno.writeTextFileSync(`${dir}/${name}`, "");
    }
    await run("analyze", "heads.csv", "legacy.csv");
    const left = ["attention.npz", "heads.csv", "legacy.csv", "report.html", "run.json"];
    deepEqual(list(dir), [...left, "thesis.txt"]);
    deepEqual(JSON.parse(Deno.readTextFileSync(`${dir}/run.json`)), {
      esmscope: "1",
      command: "analyze",
      files: ["heads.csv", "legacy.csv", "run.json", "report.html"],
    });

    // An error or an interruption before the end removes none of them.
    {
      using output = OutputDir.open(dir, "analyze");
      output.setRecord({ esmscope: "1", command: "analyze" });
    }
    deepEqual(list(dir), [...left, "thesis.txt"]);
    // Neither does a list with names of other folders, or a run without a record, as that of a shard.
    const files = ["../x", "/etc/passwd", "..", "", 7, "legacy.csv"];
    Deno.writeTextFileSync(
      `${dir}/run.json`,
      JSON.stringify({ esmscope: "1", command: "analyze", files }),
    );
    using shard = OutputDir.open(dir, "analyze");
    await shard.write("shard.json", "");
    shard.commit();
    deepEqual(list(dir), [...left, "shard.json", "thesis.txt"]);
    await run("analyze", "heads.csv");
    equal(list(dir).includes("legacy.csv"), false);
    equal(list(dir).length, 6);
  }));

Deno.test("OutputDir removes what killed runs of this machine left, and nothing else", () =>
  withDir(async (dir) => {
    const theirs = (name: string, text = "x") => Deno.writeTextFileSync(`${dir}/${name}`, text);
    for (const name of [".heads.csv.tmp-0badcafe", ".a.attention.npz.tmp-0badcafe"]) theirs(name);
    theirs(".esmscope.tmp-0badcafe", Deno.hostname());
    // Of another machine, of nobody, and of other programs.
    theirs(".esmscope.tmp-00000001", `not-${Deno.hostname()}`);
    theirs(".esmscope.tmp-00000003", "");
    const kept = [
      ...[".heads.csv.tmp-00000001", ".heads.csv.tmp-00000002", ".heads.csv.tmp-00000003"],
      ...[".esmscope.tmp-x", "heads.csv.tmp-0badcafe", ".heads.csv.tmp-0badcafe1", "thesis.txt"],
    ];
    for (const name of kept) theirs(name);
    Deno.mkdirSync(`${dir}/.folder.tmp-0badcafe`);
    const output = OutputDir.open(dir);
    await output.write("heads.csv", "new");
    output.commit();
    deepEqual(
      list(dir),
      [
        ...[...kept, ".esmscope.tmp-00000001", ".esmscope.tmp-00000003", ".folder.tmp-0badcafe"],
        "heads.csv",
      ].sort(),
    );
  }));

Deno.test("OutputDir leaves the files of one that is open in the same folder", () =>
  withDir(async (dir) => {
    const first = OutputDir.open(dir);
    await first.write("heads.csv", "first");
    const open = list(dir);
    equal(open.length, 2);
    {
      using second = OutputDir.open(dir);
      await second.write("heads.csv", "second");
      equal(list(dir).length, 4);
    }
    deepEqual(list(dir), open);
    first.commit();
    deepEqual(list(dir), ["heads.csv"]);
    equal(Deno.readTextFileSync(`${dir}/heads.csv`), "first");
  }));

Deno.test("OutputDir refuses a file, a folder below a file and a name that is a folder", () =>
  withDir((dir) => {
    Deno.writeTextFileSync(`${dir}/file`, "mine");
    Deno.mkdirSync(`${dir}/out/report.html`, { recursive: true });
    const refused = (path: string, pattern: RegExp) =>
      throws(
        () => OutputDir.open(path),
        (error: unknown) => error instanceof UserError && pattern.test(error.message),
      );
    refused(`${dir}/file`, /file" as the output must be a folder: current value is a file/);
    refused(`${dir}/file/out`, /as the output folder must be writable/);
    using output = OutputDir.open(`${dir}/out`);
    throws(() => output.temporaryPath("report.html"), UserError);
    throws(() => output.temporaryPath("../x"), TypeError);
    equal(Deno.readTextFileSync(`${dir}/file`), "mine");
    deepEqual(list(dir), ["file", "out"]);
  }));

Deno.test("fileNames are distinct where case does not count, and none is an option or a device", () => {
  const ids = [
    "Prot",
    "prot",
    "PROT",
    "prot_2",
    "-rf",
    "--force",
    "NUL",
    "com1.x",
    "=cmd|calc",
    "蛋",
    "白",
  ];
  deepEqual(fileNames(ids), [
    ...["Prot", "prot_2", "PROT_3", "prot_2_2", "rf", "force", "id_NUL", "id_com1.x", "cmd_calc"],
    ...["unnamed", "unnamed_2"],
  ]);
  const many = fileNames(Array.from({ length: 50_000 }, (_, i) => "?".repeat(1 + i % 7)));
  equal(new Set(many).size, many.length);
});

Deno.test("fileName keeps what every file system takes and never hides a file", () => {
  equal(fileName("sp|P29274|AA2AR_HUMAN"), "sp_P29274_AA2AR_HUMAN");
  for (const id of ["..", "", "../../etc", "a/b\\c:d*", "é", ".hidden", "x".repeat(400)]) {
    match(fileName(id), /^[A-Za-z0-9-][A-Za-z0-9._-]{0,119}$/, id);
  }
});
