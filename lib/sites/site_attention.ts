/** attention_to_sites.csv: what every position pays to each site, in the heads that look at them. */
import { type Esm2, tokenize } from "../esm2/mod.ts";
import type { Results } from "../run/results.ts";
import type { ProteinInput } from "./analyze.ts";
import { legacyColumns, type LegacyMode } from "./legacy.ts";
import { collectHeads, type HeadName } from "./maps.ts";
import { SITE_ATTENTION, type SiteAttention } from "./tables.ts";

export interface SiteAttentionOptions {
  /** Whether `<cls>` (position 0) and `<eos>` (L + 1) are rows too. */
  specials: boolean;
  /** As that tool: rows are all tokens counted from 1, and site i is token i − 1. */
  legacy?: LegacyMode;
  maxLength?: number;
  signal?: AbortSignal;
}

/** Writes the table of some heads of a protein under a name. */
export async function writeSiteAttention(
  results: Results,
  name: string,
  model: Esm2,
  protein: ProteinInput,
  heads: readonly HeadName[],
  { specials, legacy, maxLength, signal }: SiteAttentionOptions,
): Promise<void> {
  const row = tokenize(protein, { maxLength });
  const columns = legacy
    ? legacyColumns(protein.sites)
    : Uint32Array.from(protein.sites, ({ residue }) => residue);
  const from = specials || legacy ? 0 : 1, to = row.length - from;
  const found = await collectHeads(model, row, heads, (piece, data, head) => {
    const { width } = piece.batch, base = (head - piece.begin) * width * width;
    const values = new Float32Array((to - from) * columns.length);
    for (let i = from; i < to; i++) {
      columns.forEach((j, s) =>
        values[(i - from) * columns.length + s] = data[base + i * width + j]
      );
    }
    return values;
  }, signal);
  await using sink = results.open({ ...SITE_ATTENTION, name });
  for (const [h, { layer, head }] of heads.entries()) {
    const rows: SiteAttention[] = [];
    for (let i = from; i < to; i++) {
      protein.sites.forEach(({ residue }, s) => {
        const attention = found[h][(i - from) * columns.length + s];
        rows.push({ layer, head, from: legacy ? i + 1 : i, to: residue, attention });
      });
    }
    await sink.write(rows);
  }
  await sink.close();
}
