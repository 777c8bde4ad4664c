/** The `sae latents` command: what of it is its own. */
import type { CommandContext } from "../../cli/context.ts";
import { three } from "../../cli/figures.ts";
import { formatTable } from "../../cli/table.ts";
import { type Column, columnsOf, type TableOf } from "../../io/columns.ts";
import { packUnit, unpackUnit } from "../../run/codec.ts";
import type { MergedRun } from "../../run/merge.ts";
import { type Finished, runAnalysis } from "../../run/run.ts";
import { windowWork } from "../encode/encode.ts";
import { openProteins, type Proteins, type StreamFlags } from "../../proteins/read.ts";
import { type Fidelities, type SaeFlags, withSaes } from "../session.ts";
import type { SaeConfig } from "../types.ts";
import { renderLatentsReport } from "./report/report.ts";
import {
  type Detection,
  DetectorCounts,
  type DetectorState,
  type LatentProfile,
  type LetterCount,
} from "./detectors.ts";

export interface LatentsFlags extends SaeFlags, StreamFlags {
  layer?: number;
  threshold: number;
  top: number;
  tokenBudget?: number;
}

/** Units of a run at most: what each counts of 4096 latents takes 3 MB, however many proteins. */
const MOST_UNITS = 512;

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runLatents(
  o: LatentsFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const { threshold, tokenBudget } = o, { signal } = ctx;
  const asked = { layers: [o.layer], layerOption: "--layer" } as const;
  await runAnalysis<Proteins>(
    o,
    ctx,
    withSaes(o, asked, ctx, {
      command: "sae latents",
      read: () => openProteins(o),
      plan: (proteins, [{ sae: { config } }]) => ({
        settings: { threshold, tokenBudget, proteins: proteins.sha256 },
        label: "encoding",
        unit: "residues",
        open({ esm, stack }, [{ coder }]) {
          const least = (proteins.residues + 2 * proteins.count) / MOST_UNITS;
          const options = { tokenBudget, signal, least };
          return windowWork(esm, coder, () => proteins.read(), options, stack, () => {
            const counts = new DetectorCounts(config.latents, threshold);
            return { add: (one) => counts.add(one), pack: () => packUnit(counts.state()) };
          });
        },
        finish: (finished) => writeResults(o, proteins, config, finished),
      }),
    }),
    merged,
  );
}

async function writeResults(
  o: LatentsFlags,
  { count }: Proteins,
  config: SaeConfig,
  { read, output, results, provenance, notes, print }: Finished,
): Promise<void> {
  const counts = new DetectorCounts(config.latents, o.threshold);
  for (let unit = 0; counts.proteins < count; unit++) {
    counts.include(unpackUnit<DetectorState>(read(unit)));
  }
  const profiles = counts.profiles().sort((a, b) => b.letter.f1 - a.letter.f1);
  const { residues } = counts;
  await results.write(LATENTS, profiles.map((one) => ({ ...one, residues })));
  await results.write(LETTERS, counts.letterCounts());
  provenance.summary = {
    proteins: counts.proteins,
    residues,
    latents: counts.latents,
    active: profiles.length,
  };
  if (o.report) {
    const { [o.embedScale]: quality } = (provenance.fidelity ?? {}) as Fidelities;
    const run = {
      record: provenance,
      input: `${counts.proteins} protein${counts.proteins === 1 ? "" : "s"}, ${residues} residues`,
      options: `${config.name}, layer ${config.depth}, threshold ${o.threshold}`,
      files: output.files(),
    };
    await output.write(
      "report.html",
      renderLatentsReport({ notes, config, quality, counts, profiles, run }),
    );
  }
  print(
    `${profiles.length} of ${counts.latents} latents are active among ${residues} residues.\n`,
  );
  print(profilesText(profiles.slice(0, o.top)));
}

/** A latent, and of how many residues. */
type ProfileRow = LatentProfile & { residues: number };
const { text, integer, number } = columnsOf<ProfileRow>();

function detection(
  prefix: string,
  of: (row: ProfileRow) => Detection | undefined,
): Column<ProfileRow>[] {
  const column = (name: keyof Detection, meaning: string) =>
    number(`${prefix}_${name}`, meaning, (row) => of(row)?.[name]);
  return [
    column("precision", "share of its active residues with that letter"),
    column("recall", "share of the letter's residues where it is active"),
    column("f1", "harmonic mean of precision and recall"),
    column("enrichment", "precision over the letter's frequency"),
  ];
}

const ABOVE = "residues where it is above --threshold";

export const LATENTS: TableOf<ProfileRow> = {
  name: "latents",
  rows: "one row per latent that is active anywhere",
  columns: [
    integer("latent", "numbered from 0", "latent"),
    integer("active_residues", ABOVE, "active"),
    number("active_fraction", "of all residues", ({ active, residues }) => active / residues),
    integer("proteins", "in how many proteins it is active", "proteins"),
    number("mean_activation", "over its active residues", "meanActivation"),
    number("max_activation", "the largest", "maxActivation"),
    text("letter", "the letter that it tells best (by f1)", ({ letter }) => letter.letter),
    ...detection("letter", ({ letter }) => letter),
    integer(
      "neighbour_offset",
      "the same of the residues up to 3 before (−) or after: where",
      ({ neighbour }) => neighbour?.offset,
    ),
    text("neighbour", "which letter stands there", ({ neighbour }) => neighbour?.letter),
    ...detection("neighbour", ({ neighbour }) => neighbour),
    number("first_residue_share", "share of its active residues that are the first", "firstShare"),
    number("last_residue_share", "share that are the last", "lastShare"),
    number("mean_place", "mean place from 0 (first) to 1 (last)", "meanPlace"),
  ],
};

const per = columnsOf<LetterCount>();

export const LETTERS: TableOf<LetterCount> = {
  name: "letters",
  rows: "one row per latent and letter at which it is active",
  columns: [
    per.integer("latent", "numbered from 0", "latent"),
    per.text("letter", "amino acid", "letter"),
    per.integer("active_residues", ABOVE + ", of that letter", "active"),
    per.number("precision", "share of its active residues with that letter", "precision"),
    per.number("recall", "share of the letter's residues where it is active", "recall"),
    per.number("enrichment", "precision over the letter's frequency", "enrichment"),
    per.number("mean_activation", "over these residues", "meanActivation"),
  ],
};

function profilesText(profiles: readonly LatentProfile[]): string {
  const beside = (found?: Detection) =>
    found ? `${found.letter} at ${found.offset > 0 ? "+" : ""}${found.offset}` : "–";
  return formatTable(
    [
      { header: "latent" },
      { header: "active" },
      { header: "letter" },
      ...["precision", "recall", "F1"].map((header) => ({ header, format: three })),
      { header: "times", format: (value) => value.toFixed(1) },
      { header: "beside" },
      { header: "F1", format: three },
    ],
    profiles.map((one) => [
      one.latent,
      one.active,
      one.letter.letter,
      one.letter.precision,
      one.letter.recall,
      one.letter.f1,
      one.letter.enrichment,
      beside(one.neighbour),
      one.neighbour?.f1 ?? 0,
    ]),
  );
}
