import { resolve } from "node:path";
import { equal } from "../../tests/assert.ts";
import { asMeant, nameOrPath, standing } from "./standing.ts";

const project = resolve(new URL("../..", import.meta.url).pathname);

Deno.test("standing() is where deno task was called, and nothing elsewhere", () => {
  const called = (folder?: string) => () => folder;
  equal(standing(called("/home/ada/work"), project), "/home/ada/work");
  equal(standing(called(project), project), undefined);
  equal(standing(called(undefined), project), undefined);
  equal(standing(called("not absolute"), project), undefined);
  equal(standing(called("/home/ada/work"), "/elsewhere"), undefined, "another tool's variable");
});

Deno.test("asMeant() leaves standard input and absolute paths, nameOrPath() leaves names", async () => {
  equal(asMeant("p.fasta", "/home/ada"), "/home/ada/p.fasta");
  equal(asMeant("../p.fasta", "/home/ada"), "/home/p.fasta");
  equal(asMeant("/p.fasta", "/home/ada"), "/p.fasta");
  equal(asMeant("-", "/home/ada"), "-");
  equal(asMeant("p.fasta", undefined), "p.fasta");
  const dir = await Deno.makeTempDir();
  try {
    equal(nameOrPath("esm2_t6_8M_UR50D", dir), "esm2_t6_8M_UR50D");
    await Deno.mkdir(`${dir}/esm2_t6_8M_UR50D`);
    equal(nameOrPath("esm2_t6_8M_UR50D", dir), `${dir}/esm2_t6_8M_UR50D`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "deno task reads and writes where it is called",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${dir}/p.fasta`, ">trp_cage\nNLYIQWLKDGGPSSGRPPPS\n");
      const run = (...args: string[]) =>
        new Deno.Command(Deno.execPath(), {
          args: ["task", "--quiet", "--config", `${project}/deno.json`, ...args],
          cwd: dir,
          env: { NO_COLOR: "1", INIT_CWD: dir },
        }).output();
      const args = ["--fasta", "p.fasta", "--sites", "3,7", "--no-report"];
      for (const out of [[], ["--out", "here"]]) {
        const { code, stderr } = await run("analyze", ...args, ...out);
        equal(code, 0, new TextDecoder().decode(stderr));
      }
      for (const folder of ["out/analyze", "here"]) {
        equal(Deno.statSync(`${dir}/${folder}/heads.csv`).isFile, true);
      }
      const { code, stderr } = await run("analyze", "--fasta", "none.fasta", "--sites", "3");
      equal(code, 2);
      equal(new TextDecoder().decode(stderr).includes(`${dir}/none.fasta`), true);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
