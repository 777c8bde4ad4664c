/**
 * The README's tables of columns, made from what the commands declare. Run alone, it writes them:
 * `deno run --allow-read --allow-write=README.md --allow-env --allow-sys --allow-ffi tests/readme_columns.ts`
 */
import { tablesMarkdown } from "../lib/io/columns.ts";
import { loadAll } from "../tasks/commands.ts";

export const README = new URL("../README.md", import.meta.url);

/** The README with its tables as they should be: between `<!-- columns: COMMAND -->` and the next `<!-- end -->`. */
export async function withColumns(text: string): Promise<string> {
  const all = new Map((await loadAll()).map(({ path, command }) => [path, command]));
  return text.replace(
    /(<!-- columns: ([a-z ]+) -->\n)[^]*?(<!-- end -->)/g,
    (_, begin: string, path: string, end: string) => {
      const { tables } = all.get(path) ?? {};
      if (!tables) throw new Error(`README must name a command with tables: ${path}`);
      return `${begin}\n${tablesMarkdown(tables)}\n\n${end}`;
    },
  );
}

if (import.meta.main) {
  await Deno.writeTextFile(README, await withColumns(await Deno.readTextFile(README)));
}
