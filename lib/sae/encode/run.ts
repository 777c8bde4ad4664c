/** The `sae encode` command: reads, encodes, writes. */
import { formatTable } from "../../cli/table.ts";
import type { CommandContext } from "../../cli/context.ts";
import { OutputDir } from "../../io/output.ts";
import { describeRun, Stopwatch } from "../../provenance.ts";
import { describeSae, openSaeSession, type SaeFlags } from "../session.ts";
import { encodeProteins, type ProteinLatents } from "./encode.ts";
import { type InputFlags, openProteins } from "./proteins.ts";
import { type Format, latentSink, TopLatentFile } from "./sinks.ts";
import { lettersText, type TopLatent, topLatents } from "./top_latents.ts";

export interface EncodeFlags extends SaeFlags, InputFlags {
  tokenBudget?: number;
  out: string;
  format: Format;
  top: number;
  json: boolean;
}

/** Proteins whose strongest latents are printed; the file has those of all. */
const PRINTED = 3;

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

  watch.stage("encode");
  const file = `latents.${o.format}`;
  const facts = { model: model.name, sae: name, sae_sha256: sae.sha256, layer: String(depth) };
  await using sink = latentSink(o.format, output.temporaryPath(file), facts);
  ctx.onExit(async () => await sink[Symbol.asyncDispose]());
  await using topFile = new TopLatentFile(output.temporaryPath("top_latents.csv"));
  using progress = ctx.progress({
    label: proteins.count === 1 ? "encoding" : `encoding ${proteins.count} proteins`,
    unit: "residues",
    total: proteins.residues,
  });
  const alive = new Uint8Array(count);
  let active = 0;
  const shown: string[] = [];
  const strongest: { id: string; residues: number; latents: readonly TopLatent[] }[] = [];
  for await (
    const protein of encodeProteins(esm, coder, proteins.read(), {
      tokenBudget: o.tokenBudget,
      signal: ctx.signal,
      onProgress: (done) => progress.update(done),
    })
  ) {
    await sink.add(protein);
    const top = topLatents(protein, o.top);
    await topFile.add(protein, top);
    for (const latent of protein.latents.indices) alive[latent] = 1;
    active += protein.latents.values.length;
    if (o.json) strongest.push({ id: protein.id, residues: protein.letters.length, latents: top });
    if (shown.length < PRINTED) shown.push(proteinText(protein, top));
  }
  progress.finish();

  watch.stage("write");
  await sink.close();
  await topFile.close();
  const summary = {
    proteins: proteins.count,
    residues: proteins.residues,
    meanActive: active / proteins.residues,
    /** Latents that fired on at least one residue. */
    latentsSeen: alive.reduce((sum, seen) => sum + seen, 0),
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

  if (o.json) {
    return ctx.print(JSON.stringify({ provenance: run, proteins: strongest }, null, 2));
  }
  ctx.print(shown.join("\n\n"));
  const more = proteins.count - shown.length;
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
