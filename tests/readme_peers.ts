/**
 * Tables of the README of passes beside other programs', made from what `deno task bench --peers --json FILE` wrote.
 * Run alone, it writes them: `deno run --allow-read --allow-write=README.md tests/readme_peers.ts`
 */
import { fileURLToPath } from "node:url";
import { peersMarkdown } from "../lib/bench/peer_table.ts";
import { readReport } from "../lib/bench/report_file.ts";

const ROOT = new URL("../", import.meta.url), README = new URL("README.md", ROOT);

/** A text as it should be between `<!-- peers: FILE -->` and the next `<!-- end -->`. */
export async function withPeers(text: string): Promise<string> {
  const parts = text.split(/(<!-- peers: \S+ -->\n)[^]*?(?=<!-- end -->)/);
  for (const [i, part] of parts.entries()) {
    const [, file] = /^<!-- peers: (\S+) -->\n$/.exec(part) ?? [];
    if (!file) continue;
    const { peers = [] } = await readReport(fileURLToPath(new URL(file, ROOT)));
    parts[i] += `\n${peersMarkdown(peers)}\n\n`;
  }
  return parts.join("");
}

export const readReadme = (): Promise<string> => Deno.readTextFile(README);

if (import.meta.main) await Deno.writeTextFile(README, await withPeers(await readReadme()));
