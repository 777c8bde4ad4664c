/** The `sae encode` command: reads, encodes, writes. */
import { formatTable } from "../../cli/table.ts";
import type { CommandContext } from "../../cli/context.ts";
import { OutputDir } from "../../io/output.ts";
import { CONTINUING } from "../../run/unit_store.ts";
import { describeRun, Stopwatch } from "../../provenance.ts";
import { VERSION } from "../../version.ts";
import { describeSae, openSaeSession, type SaeFlags } from "../session.ts";
import { encodeWindows, type ProteinLatents } from "./encode.ts";
import { KeptFiles } from "./kept_files.ts";
import { openProteins, type StreamFlags } from "../../proteins/read.ts";
import { appendTopLatents, type Format, latentSink, sinkFiles } from "./sinks.ts";
import { lettersText, type TopLatent, topLatents } from "./top_latents.ts";

export interface EncodeFlags extends SaeFlags, StreamFlags {
  tokenBudget?: number;
  out: string;
  format: Format;
  top: number;
  json: boolean;
}

/** Proteins whose strongest latents are printed; the file has those of all. */
const PRINTED = 3;
const TOP_FILE = "top_latents.csv";

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runEncode(o: EncodeFlags, ctx: CommandContext): Promise<void> {
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const proteins = await openProteins(o);
  using output = OutputDir.open(o.out, "sae encode");
  ctx.onExit(() => output.dispose());

  await using session = await openSaeSession(o, ctx, watch);
  for (const note of proteins.notes) ctx.note(note);
  const { esm, coder, sae, model, opened, fidelity } = session;
  const { name, depth, latents: count } = sae.sae.config;

  const names = [...sinkFiles(o.format), TOP_FILE, "printed"];
  const settings = {
    esmscope: VERSION,
    model: { name: model.name, sha256: await model.checkpoint.sha256() },
    sae: { sha256: sae.sha256, config: sae.sae.config },
    embedScale: o.embedScale,
    backend: { name: opened.backend.name, detail: opened.backend.detail },
    tokenBudget: o.tokenBudget,
    proteins: proteins.sha256,
    ...{ format: o.format, top: o.top, json: o.json },
  };
  using kept = KeptFiles.open(output.path, settings, "sae-encode", names);
  ctx.onExit(() => kept[Symbol.dispose]());
  if (kept.windows > 0) {
    ctx.note(CONTINUING);
  }

  watch.stage("encode");
  const facts = { model: model.name, sae: name, sae_sha256: sae.sha256, layer: String(depth) };
  const sink = latentSink(kept, o.format, count, facts);
  const topFile = kept.file(TOP_FILE), printed = kept.file("printed");
  const seen = new Set<number>();
  let done = 0, active = 0, finished = 0;
  for (const [more, residues, entries, ...latents] of kept.notes) {
    done += more;
    finished += residues;
    active += entries;
    for (const latent of latents) seen.add(latent);
  }
  using progress = ctx.progress({
    label: proteins.count === 1 ? "encoding" : `encoding ${proteins.count} proteins`,
    unit: "residues",
    total: proteins.residues,
    done: finished,
  });
  for await (
    const window of encodeWindows(esm, coder, proteins.read(), {
      tokenBudget: o.tokenBudget,
      signal: ctx.signal,
      onProgress: (residues) => progress.update(residues),
      from: kept.windows,
    })
  ) {
    const added = new Set<number>();
    let residues = 0, entries = 0;
    for (const protein of window) {
      sink.add(protein);
      const top = topLatents(protein, o.top);
      appendTopLatents(topFile, protein, top);
      for (const latent of protein.latents.indices) if (!seen.has(latent)) added.add(latent);
      residues += protein.letters.length;
      entries += protein.latents.values.length;
      if (o.json) {
        const told = { id: protein.id, residues: protein.letters.length, latents: top };
        printed.appendText(JSON.stringify(told) + "\n");
      } else if (done < PRINTED) {
        printed.appendText(`${done > 0 ? "\n\n" : ""}${proteinText(protein, top)}`);
      }
      done++;
    }
    for (const latent of added) seen.add(latent);
    active += entries;
    kept.save([window.length, residues, entries, ...added]);
  }
  progress.finish();

  watch.stage("write");
  const shown = await printed.text();
  ctx.signal.throwIfAborted();
  await sink.write(output.temporaryPath(`latents.${o.format}`));
  topFile.moveTo(output.temporaryPath(TOP_FILE));
  const summary = {
    proteins: proteins.count,
    residues: proteins.residues,
    meanActive: active / proteins.residues,
    /** Latents that fired on at least one residue. */
    latentsSeen: seen.size,
  };
  const run = {
    ...await describeRun({ command: "sae encode", args: Deno.args, watch, model, opened }),
    options: o,
    sae: describeSae(sae),
    fidelity,
    summary,
  };
  output.setRecord(run);
  ctx.signal.throwIfAborted();
  const written = output.commit();
  kept.remove();

  if (o.json) {
    const strongest = shown.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return ctx.print(JSON.stringify({ provenance: run, proteins: strongest }, null, 2));
  }
  ctx.print(shown);
  const more = proteins.count - PRINTED;
  if (more > 0) ctx.print(`\n${more} more proteins: top_latents.csv has all.`);
  ctx.note(`\nWrote ${written.join(", ")}`);
}

function proteinText({ id, letters, latents }: ProteinLatents, top: readonly TopLatent[]): string {
  const { rows, values, indices } = latents;
  const head =
    `${id}: ${rows} residues, ${(values.length / rows).toFixed(1)} latents per residue, ` +
    `${new Set(indices).size} different`;
  if (top.length === 0) return head;
  const table = formatTable(
    [
      { header: "latent" },
      { header: "max", format: (value) => value.toPrecision(4) },
      { header: "at" },
      { header: "mean", format: (value) => value.toPrecision(3) },
      { header: "active", format: (value) => `${(100 * value).toFixed(1)} %` },
      { header: "letters" },
    ],
    top.map((t) => [
      t.latent,
      t.max,
      `${letters[t.maxResidue - 1]}${t.maxResidue}`,
      t.mean,
      t.activeFraction,
      lettersText(letters, t.residues).split(" ").slice(0, 6).join(" "),
    ]),
  );
  return `${head}\n${table}`;
}
