/** Commands on malformed input: one line that says what is wrong, and nothing written. */
import type { CommandOutput } from "../lib/cli/main.ts";
import { equal, match } from "./assert.ts";

/** What is wrong, the files it needs, the arguments, and the line that the command must give. */
export interface BadInput {
  name: string;
  /** Contents by path. */
  files?: Record<string, string | Uint8Array>;
  args: string[];
  says: RegExp;
}

/** Runs the command and gives its exit code. */
export type Run = (
  args: readonly string[],
  settings: { output: CommandOutput },
) => Promise<number>;

/** Registers a test per case. */
export function testBadInputs(command: string, run: Run, cases: readonly BadInput[]): void {
  for (const { name, files = {}, args, says } of cases) {
    Deno.test({
      name: `${command} refuses: ${name}`,
      sanitizeResources: false,
      sanitizeOps: false,
      async fn() {
        const dir = await Deno.makeTempDir();
        const before = Deno.cwd();
        try {
          for (const [path, content] of Object.entries(files)) {
            await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
            const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
            await Deno.writeFile(`${dir}/${path}`, bytes);
          }
          Deno.chdir(dir);
          const out: string[] = [], err: string[] = [];
          const code = await run(args, {
            output: { out: (line) => out.push(line), err: (line) => err.push(line) },
          });
          equal(code, 2, err.join("\n"));
          equal(err.length, 1, err.join("\n"));
          match(err[0], /^error: [^\n]+$/);
          match(err[0], says);
          equal(out.length, 0);
          const left = [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();
          const given = [...new Set(Object.keys(files).map((path) => path.split("/")[0]))].sort();
          equal(left.join(), given.join(), "nothing was written");
        } finally {
          Deno.chdir(before);
          await Deno.remove(dir, { recursive: true });
        }
      },
    });
  }
}
