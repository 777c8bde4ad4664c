/** One test per thing that openCheckpoint must refuse. */
import { join } from "node:path";
import { equal, ok } from "../../../tests/assert.ts";
import { openCheckpoint } from "../open.ts";
import { withTempDir } from "./files.ts";

export type Files = Record<string, string | Uint8Array>;

/** What is wrong, the files of the directory DIR, the file to open ("" is DIR), the message. */
export type Refusal = [
  what: string,
  files: () => Files | Promise<Files>,
  open: string,
  message: string,
];

export function testRefusals(cases: Refusal[]): void {
  for (const [what, files, open, message] of cases) {
    Deno.test(`openCheckpoint refuses ${what}`, async () => {
      await withTempDir(async (dir) => {
        for (const [name, contents] of Object.entries(await files())) {
          const path = join(dir, name);
          if (typeof contents === "string") await Deno.writeTextFile(path, contents);
          else await Deno.writeFile(path, contents);
        }
        const wanted = message.replaceAll("DIR", dir);
        const path = open === "" ? dir : join(dir, open);
        const error = await openCheckpoint(path).then(() => undefined, (e) => e);
        const found: string = error?.message ?? "no error";
        equal(error?.name, "UserError", found);
        ok(!found.includes("\n"), found);
        // A message that ends in a space is only the beginning: the rest depends on a library.
        equal(message.endsWith(" ") ? found.slice(0, wanted.length) : found, wanted);
      });
    });
  }
}
