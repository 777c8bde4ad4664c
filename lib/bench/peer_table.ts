/** Passes beside other programs' as a table of the README. */
import type { PeerName, PeerRow } from "./types.ts";

const PEERS: readonly PeerName[] = ["whole graph", "transformers.js", "PyTorch"];

/** One row per size and length: each peer's time over ours, the engine's own time beside them. */
export function peersMarkdown(rows: readonly PeerRow[]): string {
  const threads = [...new Set(rows.map((row) => row.threads))];
  const peers = PEERS.filter((name) => rows.some(({ peer }) => peer === name));
  const columns = threads.flatMap((count) => [
    `${count} thread${count === 1 ? "" : "s"}: ours`,
    ...peers,
  ]);
  const lines = [["size", "T", ...columns], ["---", "---", ...columns.map(() => "---")]];
  for (const { shape, tokens } of unique(rows)) {
    const own = rows.filter((row) => row.shape === shape && row.tokens === tokens);
    const cells = threads.flatMap((count) => {
      const here = own.filter((row) => row.threads === count);
      const ratio = (name: PeerName) => here.find(({ peer }) => peer === name)?.ratio.median;
      return [
        here.length > 0 ? `${Number(here[0].oursMs.median.toPrecision(2))} ms` : "",
        ...peers.map((name) => ratio(name)?.toFixed(2) ?? ""),
      ];
    });
    lines.push([shape, String(tokens), ...cells]);
  }
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Sizes and lengths in the order in which they were measured. */
const unique = (rows: readonly PeerRow[]) => [
  ...new Map(rows.map((row) => [`${row.shape} ${row.tokens}`, row])).values(),
];
