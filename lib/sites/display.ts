/** A protein's result as it shows itself. */
import { counted, showAs } from "../display.ts";
import { notebookTable } from "../report/notebook.ts";
import { short } from "../report/scale.ts";
import { isSensitive, rankHeads } from "./score.ts";
import { HEAD_COLUMNS } from "./tables.ts";
import type { ProteinResult } from "./types.ts";

const MOST_HEADS = 10;

function captionOf({ id, residues, sites, rows }: ProteinResult): string {
  const sensitive = rows.filter((row) => isSensitive(row)).length;
  return `${id}: ${counted(residues.length, "residue")}, ${counted(sites.length, "site")}; ` +
    `${sensitive} of ${counted(rows.length, "head")} sensitive`;
}

/** Makes a result show its best heads. */
export const showProtein = (result: ProteinResult): ProteinResult =>
  showAs(result, {
    text(protein) {
      const [best] = rankHeads(protein.rows);
      return captionOf(protein) + (best
        ? `, most layer ${best.layer} head ${best.head} (impact ${short(best.impact)}, z ${
          short(best.z)
        })`
        : "");
    },
    html: (protein) =>
      notebookTable(
        captionOf(protein),
        HEAD_COLUMNS.map(({ name, label }) => label ?? name),
        rankHeads(protein.rows).slice(0, MOST_HEADS).map((row) =>
          HEAD_COLUMNS.map(({ of }) => {
            const value = of({ ...row, protein: protein.id });
            return typeof value === "number" ? short(value) : String(value ?? "");
          })
        ),
      ),
  });
