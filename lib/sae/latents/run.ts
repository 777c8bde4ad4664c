/** The latents command: which letters and which ends of a protein each latent detects. */
import type { CommandContext } from "../../cli/context.ts";
import { formatTable } from "../../cli/table.ts";
import { formatCsv } from "../../io/csv.ts";
import { OutputDir } from "../../io/output.ts";
import { CONTINUING, UnitStore } from "../../run/unit_store.ts";
import { describeRun, Stopwatch } from "../../provenance.ts";
import { encodeWindows } from "../encode/encode.ts";
import { openProteins, type StreamFlags } from "../../proteins/read.ts";
import { describeSae, openSaeSession, type SaeFlags } from "../session.ts";
import { VERSION } from "../../version.ts";
import { CountsProgress } from "./counts_progress.ts";
import { type Detection, DetectorCounts, type LatentProfile } from "./detectors.ts";
import { three } from "../../cli/figures.ts";

export interface LatentsFlags extends SaeFlags, StreamFlags {
  threshold: number;
  top: number;
  tokenBudget?: number;
  out: string;
  json: boolean;
}

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runLatents(o: LatentsFlags, ctx: CommandContext): Promise<void> {
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const proteins = await openProteins(o);
  using output = OutputDir.open(o.out, "sae latents");
  ctx.onExit(() => output.dispose());

  await using session = await openSaeSession(o, ctx, watch);
  for (const note of proteins.notes) ctx.note(note);
  const { esm, coder, sae, model, opened, fidelity } = session;

  const { config } = sae.sae;
  const settings = {
    esmscope: VERSION,
    model: { name: model.name, sha256: await model.checkpoint.sha256() },
    sae: { sha256: sae.sha256, config },
    embedScale: o.embedScale,
    backend: { name: opened.backend.name, detail: opened.backend.detail },
    threshold: o.threshold,
    tokenBudget: o.tokenBudget,
    proteins: proteins.sha256,
  };
  using file = UnitStore.open(output.path, settings, "sae-latents");
  if (file.isContinued) {
    ctx.note(CONTINUING);
  }

  watch.stage("encode");
  const counts = new DetectorCounts(config.latents, o.threshold);
  const finished = new CountsProgress(file);
  finished.load(counts);
  using progress = ctx.progress({
    label: "encoding",
    unit: "residues",
    total: proteins.residues,
    done: counts.residues,
  });
  for await (
    const window of encodeWindows(esm, coder, proteins.read(), {
      tokenBudget: o.tokenBudget,
      signal: ctx.signal,
      onProgress: (done) => progress.update(done),
      from: finished.windows,
    })
  ) {
    for (const protein of window) counts.add(protein);
    finished.save(counts);
  }
  progress.finish();

  watch.stage("write");
  const profiles = counts.profiles().sort((a, b) => b.letter.f1 - a.letter.f1);
  await output.write("latents.csv", profilesCsv(profiles, counts));
  await output.write("letters.csv", lettersCsv(counts));
  const record = {
    ...await describeRun({ command: "sae latents", args: Deno.args, watch, model, opened }),
    options: o,
    sae: describeSae(sae),
    fidelity,
    summary: {
      proteins: counts.proteins,
      residues: counts.residues,
      latents: counts.latents,
      active: profiles.length,
    },
  };
  output.setRecord(record);
  ctx.signal.throwIfAborted();
  const written = output.commit();
  file.remove();
  const shown = profiles.slice(0, o.top);
  if (o.json) {
    return ctx.print(JSON.stringify({ provenance: record, latents: shown }, null, 2));
  }
  ctx.print(
    `${profiles.length} of ${counts.latents} latents are active among ${counts.residues} residues.\n`,
  );
  ctx.print(profilesText(shown));
  ctx.note(`\nWrote ${written.join(", ")}`);
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
