/** The `sae latents` command: what of it is its own. */
import type { CommandContext } from "../../cli/context.ts";
import { three } from "../../cli/figures.ts";
import { formatTable } from "../../cli/table.ts";
import { formatCsv } from "../../io/csv.ts";
import { packUnit, unpackUnit } from "../../run/codec.ts";
import type { MergedRun } from "../../run/merge.ts";
import { type Finished, runAnalysis } from "../../run/run.ts";
import { windowWork } from "../encode/encode.ts";
import { type InputFlags, openProteins, type Proteins } from "../encode/proteins.ts";
import { type SaeFlags, withSaes } from "../session.ts";
import {
  type Detection,
  DetectorCounts,
  type DetectorState,
  type LatentProfile,
} from "./detectors.ts";

export interface LatentsFlags extends SaeFlags, InputFlags {
  layer?: number;
  threshold: number;
  top: number;
  tokenBudget?: number;
}

/** Tokens of a unit for each latent: what is counted of one then takes some fifty bytes a token. */
const TOKENS_PER_LATENT = 16;

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
      plan: (proteins, [{ sae: { config: { latents } } }]) => ({
        settings: { threshold, tokenBudget, proteins: proteins.sha256 },
        label: "encoding",
        unit: "residues",
        open({ esm, stack }, [{ coder }]) {
          const options = { tokenBudget, signal, least: TOKENS_PER_LATENT * latents };
          return windowWork(esm, coder, () => proteins.read(), options, stack, () => {
            const counts = new DetectorCounts(latents, threshold);
            return { add: (one) => counts.add(one), pack: () => packUnit(counts.state()) };
          });
        },
        finish: (finished) => writeResults(o, proteins, latents, finished),
      }),
    }),
    merged,
  );
}

async function writeResults(
  o: LatentsFlags,
  { count }: Proteins,
  latents: number,
  { read, output, provenance, print }: Finished,
): Promise<void> {
  const counts = new DetectorCounts(latents, o.threshold);
  for (let unit = 0; counts.proteins < count; unit++) {
    counts.include(unpackUnit<DetectorState>(read(unit)));
  }
  const profiles = counts.profiles().sort((a, b) => b.letter.f1 - a.letter.f1);
  await output.write("latents.csv", profilesCsv(profiles, counts));
  await output.write("letters.csv", lettersCsv(counts));
  provenance.summary = {
    proteins: counts.proteins,
    residues: counts.residues,
    latents: counts.latents,
    active: profiles.length,
  };
  const shown = profiles.slice(0, o.top);
  if (o.json) return print(JSON.stringify({ provenance, latents: shown }, null, 2));
  print(
    `${profiles.length} of ${counts.latents} latents are active among ${counts.residues} residues.\n`,
  );
  print(profilesText(shown));
}

function profilesCsv(profiles: readonly LatentProfile[], { residues }: DetectorCounts): string {
  const columns = ["precision", "recall", "f1", "enrichment"] as const;
  const cells = (prefix: string, found?: Detection) => ({
    [prefix]: found?.letter,
    ...Object.fromEntries(columns.map((column) => [`${prefix}_${column}`, found?.[column]])),
  });
  return formatCsv(
    [
      ...["latent", "active_residues", "active_fraction", "proteins", "mean_activation"],
      ...["max_activation", "letter", ...columns.map((column) => `letter_${column}`)],
      ...["neighbour_offset", "neighbour", ...columns.map((column) => `neighbour_${column}`)],
      ...["first_residue_share", "last_residue_share", "mean_place"],
    ],
    profiles.map((one) => ({
      latent: one.latent,
      active_residues: one.active,
      active_fraction: one.active / residues,
      proteins: one.proteins,
      mean_activation: one.meanActivation,
      max_activation: one.maxActivation,
      ...cells("letter", one.letter),
      neighbour_offset: one.neighbour?.offset,
      ...cells("neighbour", one.neighbour),
      first_residue_share: one.firstShare,
      last_residue_share: one.lastShare,
      mean_place: one.meanPlace,
    })),
  );
}

function lettersCsv(counts: DetectorCounts): string {
  return formatCsv(
    [
      ...["latent", "letter", "active_residues", "precision", "recall", "enrichment"],
      "mean_activation",
    ],
    Array.from(counts.letterCounts(), ({ active, meanActivation, ...row }) => ({
      ...row,
      active_residues: active,
      mean_activation: meanActivation,
    })),
  );
}

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
