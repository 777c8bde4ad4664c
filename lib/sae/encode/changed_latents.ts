/** Which latents an adapter makes fire more or less. */
import { tableText } from "../../cli/table.ts";
import { printable } from "../../errors.ts";
import { columnsOf, type TableOf } from "../../io/columns.ts";
import type { ProteinLatents } from "./encode.ts";
import { topLatents } from "./top_latents.ts";

/** A latent in a protein with the adapter and without. */
export interface ChangedLatent {
  latent: number;
  /** Mean over all residues without the adapter, zeros included. */
  meanBefore: number;
  meanAfter: number;
  /** Share of the residues where it is active. */
  activeBefore: number;
  activeAfter: number;
  maxBefore: number;
  maxAfter: number;
}

/** Latents that fire with the adapter or without, the largest change of the mean first. */
export function changedLatents({ before, ...protein }: ProteinLatents): ChangedLatent[] {
  if (!before) return [];
  const found = new Map<number, ChangedLatent>();
  const of = (latent: number) => {
    if (!found.has(latent)) {
      found.set(latent, {
        ...{ latent, meanBefore: 0, meanAfter: 0, activeBefore: 0, activeAfter: 0 },
        ...{ maxBefore: 0, maxAfter: 0 },
      });
    }
    return found.get(latent)!;
  };
  for (const { latent, mean, max, activeFraction } of topLatents(protein, Infinity)) {
    Object.assign(of(latent), { meanAfter: mean, maxAfter: max, activeAfter: activeFraction });
  }
  const once = topLatents({ ...protein, latents: before }, Infinity);
  for (const { latent, mean, max, activeFraction } of once) {
    Object.assign(of(latent), { meanBefore: mean, maxBefore: max, activeBefore: activeFraction });
  }
  const size = ({ meanBefore, meanAfter }: ChangedLatent) => Math.abs(meanAfter - meanBefore);
  return [...found.values()].sort((a, b) => size(b) - size(a) || a.latent - b.latent);
}

type Row = ChangedLatent & { protein: string; rank: number };
const { text, integer, number } = columnsOf<Row>();

/** changed_latents.csv */
export const CHANGED_LATENTS: TableOf<Row> = {
  name: "changed_latents",
  rows:
    "one row per protein and latent that fires with the adapter or without, those first whose mean " +
    "changes most (--top)",
  when: "with --adapter",
  columns: [
    text("protein", "its id", "protein"),
    integer("rank", "by the change of the mean", "rank"),
    integer("latent", "numbered from 0", "latent"),
    number("mean_before", "over all residues without the adapter, zeros included", "meanBefore", {
      ...{ short: "mean before", show: (value) => value.toPrecision(3) },
    }),
    number("mean_after", "with it", "meanAfter", {
      ...{ short: "after", show: (value) => value.toPrecision(3) },
    }),
    number(
      "change",
      "mean_after − mean_before",
      ({ meanBefore, meanAfter }) => meanAfter - meanBefore,
      { show: (value) => value.toPrecision(3) },
    ),
    number(
      "active_before",
      "share of the residues where it is active without the adapter",
      "activeBefore",
      { short: "active before", show: (value) => value.toFixed(3) },
    ),
    number("active_after", "with it", "activeAfter", {
      ...{ short: "after", show: (value) => value.toFixed(3) },
    }),
    number("max_before", "largest activation without the adapter", "maxBefore"),
    number("max_after", "with it", "maxAfter"),
  ],
};

/** The first of a protein. */
export const changedLatentRows = (
  { id }: Pick<ProteinLatents, "id">,
  changed: readonly ChangedLatent[],
): Row[] => changed.map((one, i) => ({ ...one, protein: id, rank: i + 1 }));

const SHOWN = 5;

/** What the terminal shows. */
export function changedLatentsText(
  adapter: string,
  protein: Pick<ProteinLatents, "id">,
  changed: readonly ChangedLatent[],
): string {
  const table = tableText(
    CHANGED_LATENTS,
    ["latent", "mean_before", "mean_after", "change", "active_before", "active_after"],
    changedLatentRows(protein, changed.slice(0, SHOWN)),
  );
  return `${changeSentence(printable(adapter), changed)}\n\n${table}`;
}

/** How many latents fire on one side only, in a sentence. */
export function changeSentence(adapter: string, changed: readonly ChangedLatent[]): string {
  const only = changed.filter(({ activeBefore }) => activeBefore === 0).length;
  const gone = changed.filter(({ activeAfter }) => activeAfter === 0).length;
  const [first] = changed;
  const most = first
    ? `; latent ${first.latent} changes most, from a mean of ${
      first.meanBefore.toPrecision(3)
    } to ${first.meanAfter.toPrecision(3)}`
    : "";
  return `Of ${changed.length} latents ${only} fire only with the adapter ${adapter} and ${gone} only ` +
    `without${most}.`;
}
